import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { type Ordered, type OrderWorld, openOrderWorld, service, userViewer } from './order-world.ts';

let world: OrderWorld;
const buyer = userViewer();
const staff = userViewer('OPERATOR');
const orders: Ordered[] = [];
beforeAll(async () => {
  world = await openOrderWorld();
  for (let count = 0; count < 7; count += 1) orders.push(await world.place(buyer));
  await world.rows('update orders set placed_at = (select at from (select min(placed_at) at from orders) first) where id in (?, ?, ?)', orders.slice(2, 5).map(({ id }) => idToBytes(id))); // prettier-ignore
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

type Page = { pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null }; edges: { cursor: string; node: { id: string } }[] }; // prettier-ignore
const declared = '$first: Int, $after: String, $last: Int, $before: String, $filter: OrderFilter, $sort: OrderSort';
const passed = 'first: $first, after: $after, last: $last, before: $before, filter: $filter, sort: $sort';
const fields = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } }';
const ask = (name: string, variables: Record<string, unknown>, viewer = staff) =>
  world.run(viewer, `query (${declared}) { ${name}(${passed}) { ${fields} } }`, variables);
const list = async (name: string, variables: Record<string, unknown>, viewer = staff): Promise<Page> => {
  const { data, errors } = await ask(name, variables, viewer);
  expect(errors).toEqual([]);
  return data[name] as Page;
};
const idsOf = (page: Page) => page.edges.map(({ node }) => node.id);
const found = async (filter: object) => new Set(idsOf(await list('orders', { first: 100, filter })));

describe('[LL-9] pages of orders from the end', () => {
  const sorts = ['PLACED_AT', 'UPDATED_AT', 'TOTAL', 'NUMBER'].flatMap((by) => [{ by, descending: true }, { by, descending: false }]); // prettier-ignore
  it.each(sorts)('by %j are without gap or double, and in the same order', async (sort) => {
    const all = idsOf(await list('myOrders', { first: 100, sort }, buyer));
    let seen: string[] = [];
    let before: string | null = null;
    do {
      const page: Page = await list('myOrders', { last: 3, sort, before }, buyer);
      expect(page.pageInfo.hasNextPage).toBe(before !== null);
      seen = [...idsOf(page), ...seen];
      before = page.pageInfo.hasPreviousPage ? page.pageInfo.startCursor : null;
    } while (before !== null);
    expect(seen).toEqual(all);
  });

  it('go back to where a page from the beginning ended', async () => {
    const first = await list('orders', { first: 3 });
    const next = await list('orders', { first: 3, after: first.pageInfo.endCursor });
    const back = await list('orders', { last: 3, before: next.pageInfo.startCursor });
    expect(idsOf(back)).toEqual(idsOf(first));
    expect(back.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
  });

  it('are refused together with a page from the beginning, also where that is the default in words', async () => {
    const [cursor] = (await list('orders', { first: 1 })).edges.map((edge) => edge.cursor);
    for (const variables of [
      { first: 2, last: 2 },
      { last: 2, after: cursor },
      { first: 2, before: cursor },
      { last: 0 },
      { last: 101 },
      { last: 2, before: 'x' },
    ])
      // prettier-ignore
      expect((await ask('orders', variables)).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
    expect((await world.run(staff, '{ orders(first: 20, last: 2) { edges { cursor } } }')).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]); // prettier-ignore
    expect((await world.run(staff, '{ orders(last: 2) { edges { cursor } } }')).data.orders.edges).toHaveLength(2);
  });

  it('of a user are there, too', async () => {
    const entities = `query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on User { first: orders(first: 2) { ${fields} } last: orders(last: 2) { ${fields} } } } }`; // prettier-ignore
    const { data, errors } = await world.run(buyer, entities, { representations: [{ __typename: 'User', id: buyer.userId }] }); // prettier-ignore
    expect(errors).toEqual([]);
    const [{ first, last }] = data._entities;
    const all = idsOf(await list('myOrders', { first: 100 }, buyer));
    expect([idsOf(first), idsOf(last)]).toEqual([all.slice(0, 2), all.slice(-2)]);
    expect(last.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  });
});

describe('[LL-9] orders are found', () => {
  it('by the time of their last change', async () => {
    const [one, two] = orders as [Ordered, Ordered];
    await world.rows("update orders set updated_at = '2026-03-01 12:00:00' where id = ?", [idToBytes(one.id)]);
    await world.rows("update orders set updated_at = '2026-03-02 12:00:00' where id = ?", [idToBytes(two.id)]);
    expect(await found({ updatedTo: '2026-03-02T12:00:00Z' })).toEqual(new Set([one.id]));
    expect(await found({ updatedFrom: '2026-03-02T12:00:00Z', updatedTo: '2026-03-03T00:00:00Z' })).toEqual(new Set([two.id])); // prettier-ignore
    expect(await found({ updatedFrom: '2026-03-02T12:00:00.001Z' })).not.toContain(two.id);
  });

  it('by whether something of them is to be shipped', async () => {
    const [paid, song] = [await world.place(userViewer()), await world.make(0, { kind: 'DIGITAL' })];
    const digital = await world.place(userViewer(), { lines: [{ productId: song, quantity: 1 }] });
    for (const { id } of [paid, digital]) await world.paymentEvent(world.succeeded(id));
    expect(await found({ needsFulfilment: true })).toEqual(new Set([paid.id]));
    const others = await found({ needsFulfilment: false });
    expect([others.has(paid.id), others.has(digital.id), others.has(orders[0]?.id ?? '')]).toEqual([false, true, true]);
  });

  it('by the beginning of their customer’s name, as the user service knows it', async () => {
    const ada = userViewer();
    const { id } = await world.place(ada);
    world.users.set(ada.userId, 'Ada Lovelace').set(newId(), 'Adam');
    expect(await found({ customerQuery: 'ada' })).toEqual(new Set([id]));
    expect(await found({ customerQuery: 'bob' })).toEqual(new Set());
    expect((await found({ customerQuery: ' ' })).size).toBeGreaterThan(7);
    expect((await ask('myOrders', { filter: { customerQuery: 'ada' } }, buyer)).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]); // prettier-ignore
    for (let count = 0; count < 501; count += 1) world.users.set(newId(), 'Eve');
    expect((await ask('orders', { filter: { customerQuery: 'eve' } })).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]); // prettier-ignore
    expect((await ask('orders', { filter: { customerQuery: 'ada' } }, buyer)).errors).toMatchObject([{ code: 'FORBIDDEN' }]); // prettier-ignore
  });

  it('in the stream of all orders by the same names', async () => {
    const [ada, bob] = [userViewer(), userViewer()];
    world.users.set(ada.userId, 'Grace Hopper');
    const head = (await world.rows('select head from journal_feed'))[0]?.['head'];
    await world.place(bob);
    const { id } = await world.place(ada);
    const stream = await world.subscribe(staff, `subscription { allOrders(afterSeq: ${String(head)}, filter: { customerQuery: "grace" }) { order { id } } }`); // prettier-ignore
    const { value } = await stream.next();
    await stream.return?.();
    expect(value.data.allOrders.order.id).toBe(id);
  });
});

describe('an order in the archive', () => {
  const change = async (name: string, id: string, viewer = buyer, key = newId()) =>
    (await world.run(viewer, `mutation ($id: ID!, $key: String!) { ${name}(id: $id, idempotencyKey: $key) { replayed order { id archivedAt } userErrors { ... on UserError { code } } } }`, { id, key })).data[name]; // prettier-ignore

  it('comes back by unarchiveOrder, once by a key, for its customer and staff', async () => {
    const { id } = await world.place(buyer);
    await change('cancelOrder', id);
    const archived = await change('archiveOrder', id);
    expect(Date.parse(archived.order.archivedAt)).toBeGreaterThan(0);
    expect(idsOf(await list('myOrders', { first: 100 }, buyer))).not.toContain(id);
    expect(await change('unarchiveOrder', id, userViewer())).toMatchObject({ order: null, userErrors: [{ code: 'NOT_FOUND' }] }); // prettier-ignore
    const key = newId();
    expect(await change('unarchiveOrder', id, buyer, key)).toEqual({ replayed: false, order: { id, archivedAt: null }, userErrors: [] }); // prettier-ignore
    expect(await change('unarchiveOrder', id, buyer, key)).toMatchObject({ replayed: true });
    expect(await change('unarchiveOrder', id, staff)).toMatchObject({ replayed: false, userErrors: [] });
    expect(idsOf(await list('myOrders', { first: 100 }, buyer))).toContain(id);
    const journal = 'query ($id: ID!) { order(id: $id) { history { edges { node { type actorType } } } } }';
    const { data } = await world.run(buyer, journal, { id });
    expect(data.order.history.edges.at(-1).node).toEqual({ type: 'OrderUnarchived', actorType: 'CUSTOMER' });
  });
});

it('[LL-4] a line keeps who sold it', async () => {
  const productId = await world.make();
  const { id } = await world.place(buyer, { lines: [{ productId, quantity: 1 }] });
  const query = 'query ($id: ID!) { order(id: $id) { lines { seller { id } } } }';
  const seller = async () => (await world.run(service('payment'), query, { id })).data.order.lines[0].seller;
  expect(await seller()).toBeNull();
  await world.rows('update order_line set seller_id = ? where order_id = ?', [idToBytes(staff.userId), idToBytes(id)]);
  expect(await seller()).toEqual({ id: staff.userId });
});
