import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { startOutboxRelay } from '../../../subgraphs/shared/events/outbox-relay.ts';
import { driftOf } from '../../support/schema-drift.ts';
import { type Ordered, type OrderWorld, openOrderWorld, placeMutation, service, userViewer } from './order-world.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld();
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const staff = userViewer('OPERATOR');
type Edge = { cursor: string; node: Record<string, unknown> };
const listQuery = (name: string) => `query List($first: Int, $after: String, $filter: OrderFilter, $sort: OrderSort) {
  ${name}(first: $first, after: $after, filter: $filter, sort: $sort) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id number state total { amount } placedAt updatedAt } } }
}`;
const list = async (viewer: typeof staff, name: string, variables: Record<string, unknown> = {}) => {
  const { data, errors } = await world.run(viewer, listQuery(name), variables);
  expect(errors).toEqual([]);
  return data[name] as { pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string | null }; edges: Edge[] }; // prettier-ignore
};
const idsOf = (page: { edges: Edge[] }) => page.edges.map(({ node }) => node['id']);

describe('lists', () => {
  const buyer = userViewer();
  const orders: Ordered[] = [];
  const products: string[] = [];

  beforeAll(async () => {
    for (let count = 1; count <= 12; count += 1) {
      const productId = await world.make(50, { price: { amount: 100 * (count % 4) + 100, currency: 'EUR' } });
      products.push(productId);
      orders.push(await world.place(buyer, { lines: [{ productId, quantity: 1 }], ...(count === 5 ? { clientReference: 'basket_5' } : {}) })); // prettier-ignore
    }
    // Three were placed in the same millisecond: only the id tells them apart.
    await world.rows(`update orders set placed_at = '2026-11-01 10:00:00.123' where id in (?, ?, ?)`, orders.slice(0, 3).map(({ id }) => idToBytes(id))); // prettier-ignore
    await world.place(userViewer(), { lines: [{ productId: products[0] ?? '', quantity: 1 }] });
  });

  const sorts = ['PLACED_AT', 'UPDATED_AT', 'TOTAL', 'NUMBER'].flatMap((by) => [{ by, descending: true }, { by, descending: false }]); // prettier-ignore
  for (const sort of sorts)
    test(`pages by ${sort.by} ${sort.descending ? 'down' : 'up'} are without gap or double, in order`, async () => {
      const all = await list(buyer, 'myOrders', { first: 100, sort });
      expect(new Set(idsOf(all))).toEqual(new Set(orders.map(({ id }) => id)));
      const value = (edge: Edge) =>
        ({
          PLACED_AT: edge.node['placedAt'],
          UPDATED_AT: edge.node['updatedAt'],
          TOTAL: (edge.node['total'] as { amount: number }).amount,
          NUMBER: edge.node['number'],
        })[sort.by] as string | number;
      for (const [index, edge] of all.edges.entries()) {
        const before = all.edges[index - 1];
        if (before) expect(sort.descending ? value(before) >= value(edge) : value(before) <= value(edge)).toBe(true);
      }
      const seen: unknown[] = [];
      let after: string | null = null;
      do {
        const page: Awaited<ReturnType<typeof list>> = await list(buyer, 'myOrders', { first: 5, sort, after });
        expect(page.pageInfo.hasPreviousPage).toBe(after !== null);
        seen.push(...idsOf(page));
        after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
      } while (after !== null);
      expect(seen).toEqual(idsOf(all));
    });

  test('[LL-9] are filtered by every condition', async () => {
    const [first, second] = orders as [Ordered, Ordered];
    const found = async (filter: object) => idsOf(await list(buyer, 'myOrders', { first: 100, filter }));
    expect(await found({ number: first.number })).toEqual([first.id]);
    expect(await found({ query: first.number.slice(0, -1) })).toEqual([first.id]);
    expect(await found({ query: 'basket_' })).toEqual([orders[4]?.id]);
    for (const query of ['BASKET_', ' basket_', '\u202abasket_\u202c', 'ｂａｓｋｅｔ＿', 'bas\u200bket_'])
      expect([query, await found({ query })]).toEqual([query, [orders[4]?.id]]);
    expect(await found({ query: '%' })).toEqual([]);
    expect(await found({ query: '\u200b ' })).toHaveLength(12);
    expect(await found({ productId: products[1] })).toEqual([second.id]);
    expect(await found({ productId: 'none' })).toEqual([]);
    expect(await found({ type: ['DIGITAL'] })).toEqual([]);
    expect(await found({ state: [] })).toEqual([]);
    expect(await found({ state: ['PENDING_PAYMENT'], paymentStatus: ['UNPAID'], fulfilmentStatus: ['UNFULFILLED'] })).toHaveLength(12); // prettier-ignore
    expect(await found({ totalMin: 400, totalMax: 400 })).toHaveLength(3);
    expect(await found({ totalMax: 0 })).toEqual([]);
    expect(await found({ placedTo: '2026-11-02T00:00:00Z' })).toHaveLength(3);
    expect(await found({ placedFrom: '2026-11-02T00:00:00Z' })).toHaveLength(9);
    expect(await found({ customerId: newId() })).toEqual([]);
    expect(idsOf(await list(staff, 'orders', { filter: { customerId: buyer.userId, number: first.number } }))).toEqual([first.id]); // prettier-ignore
  });

  test('see an order past its deadline as EXPIRED, whether or not its row was changed', async () => {
    const [order] = orders as [Ordered];
    await world.rows("update orders set expires_at = '2026-01-01' where id = ?", [idToBytes(order.id)]);
    const found = async (state: string) => idsOf(await list(buyer, 'myOrders', { first: 100, filter: { state: [state] } })); // prettier-ignore
    expect(await found('EXPIRED')).toEqual([order.id]);
    expect(await found('PENDING_PAYMENT')).not.toContain(order.id);
  });

  test('count only when asked', async () => {
    const count = (query: string) => world.statements(() => world.run(buyer, query));
    const without = await count('{ myOrders(first: 2) { edges { node { id } } } }');
    const counted = await count('{ myOrders(first: 2) { totalCount edges { node { id } } } }');
    expect([without.order.length, counted.order.length]).toEqual([1, 2]);
    expect(without.order.join()).not.toContain('count(');
    const { data } = await world.run(buyer, '{ myOrders(first: 2, filter: { totalMin: 400 }) { totalCount } }');
    expect(data.myOrders.totalCount).toBe(3);
  });

  test('refuse pages of no or more than 100 orders, foreign cursors and too many values', async () => {
    const cursor = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url');
    const wrong = [
      { first: 0 }, { first: 101 }, { after: 'x' }, { after: cursor([1]) }, { after: cursor(['2026-01-01', "' or 1"]) }, { after: cursor(['soon', newId()]) },
      { filter: { type: Array.from({ length: 51 }, (_, index) => String(index)) } },
    ]; // prettier-ignore
    for (const variables of wrong)
      expect((await world.run(buyer, listQuery('myOrders'), variables)).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]); // prettier-ignore
  });

  test("refuse a cursor of another order, another filter and somebody else's list", async () => {
    const cursor = async (viewer: typeof buyer, name: 'myOrders' | 'orders', more = {}) =>
      (await list(viewer, name, { first: 1, ...more })).edges[0]?.cursor;
    for (const sort of sorts)
      for (const other of sorts) {
        const { errors } = await world.run(buyer, listQuery('myOrders'), { sort: other, after: await cursor(buyer, 'myOrders', { sort }) }); // prettier-ignore
        expect([sort, other, errors[0]?.code]).toEqual([sort, other, sort === other ? undefined : 'BAD_USER_INPUT']);
      }
    const filter = { totalMin: 1 };
    const mixed: [typeof buyer, string, Record<string, unknown>][] = [
      [buyer, 'myOrders', { after: await cursor(buyer, 'myOrders', { filter }) }],
      [buyer, 'myOrders', { filter: { totalMin: 2 }, after: await cursor(buyer, 'myOrders', { filter }) }],
      [staff, 'orders', { after: await cursor(buyer, 'myOrders') }],
      [buyer, 'myOrders', { after: await cursor(staff, 'orders') }],
    ];
    for (const [viewer, name, variables] of mixed)
      expect((await world.run(viewer, listQuery(name), variables)).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
    const same = await world.run(buyer, listQuery('myOrders'), { filter: { ...filter, query: null }, after: await cursor(buyer, 'myOrders', { filter }) }); // prettier-ignore
    expect(same.errors).toEqual([]);
    const history = 'query ($id: ID!, $after: String) { order(id: $id) { history(first: 1, after: $after) { edges { cursor } } } }'; // prettier-ignore
    const [one, other] = orders as [Ordered, Ordered];
    const { data } = await world.run(buyer, history, { id: one.id });
    const after = data.order.history.edges[0].cursor as string;
    expect((await world.run(buyer, history, { id: one.id, after })).errors).toEqual([]);
    expect((await world.run(buyer, history, { id: other.id, after })).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]); // prettier-ignore
  });

  test('a page with lines, journal, saga and deliveries of every order takes one statement each', async () => {
    const query = `{ myOrders(first: 12) { edges { node { id lines { id product { id } } history(first: 10) { edges { node { seq } } } saga { id order { id } } fulfilments { id } customer { id } type { code } } } } }`;
    const { order, product } = await world.statements(async () => {
      const { data, errors } = await world.run(buyer, query);
      expect(errors).toEqual([]);
      expect(data.myOrders.edges).toHaveLength(12);
    });
    // orders, lines, journals, sagas, deliveries, and the sagas' orders
    expect(order).toHaveLength(6);
    expect(product).toHaveLength(0);
  });

  test('the orders of many users, and many orders by reference, take one statement', async () => {
    const others = await Promise.all(Array.from({ length: 5 }, async () => { const viewer = userViewer(); await world.place(viewer); await world.place(viewer); return viewer.userId; })); // prettier-ignore
    const entities = 'query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on User { id orders(first: 1) { pageInfo { hasNextPage } edges { node { id customer { id } } } } } ... on Order { id number } } }'; // prettier-ignore
    const users = [buyer.userId, ...others].map((id) => ({ __typename: 'User', id }));
    const seen = await world.statements(async () => {
      const { data } = await world.run(staff, entities, { representations: users });
      expect(data._entities.map((user: { orders: { edges: Edge[]; pageInfo: object } }) => [user.orders.edges.length, user.orders.pageInfo])).toEqual(users.map(() => [1, { hasNextPage: true }])); // prettier-ignore
    });
    expect(seen.order).toHaveLength(1);
    const references = orders.map(({ id }) => ({ __typename: 'Order', id }));
    const byId = await world.statements(() => world.run(service('payment'), entities, { representations: references }));
    expect(byId.order).toHaveLength(1);
    const byNumber = await world.run(staff, entities, { representations: orders.map(({ number }) => ({ __typename: 'Order', number })) }); // prettier-ignore
    expect(byNumber.data._entities.map(({ id }: Ordered) => id)).toEqual(orders.map(({ id }) => id));
  });

  test('two parts of the same journal in one request have each entry once', async () => {
    const { id } = await world.place(buyer);
    for (let count = 0; count < 4; count += 1)
      await world.run(buyer, 'mutation ($id: ID!, $remark: String!) { updateOrderRemark(id: $id, remark: $remark) { replayed } }', { id, remark: String(count) }); // prettier-ignore
    const query = 'query ($id: ID!) { order(id: $id) { a: history(first: 3) { pageInfo { hasNextPage } edges { cursor node { seq } } } b: history(first: 3, afterSeq: 2) { edges { node { seq } } } } }'; // prettier-ignore
    const seqs = (page: { edges: { node: { seq: number } }[] }) => page.edges.map(({ node }) => node.seq);
    const { data } = await world.run(buyer, query, { id });
    expect([seqs(data.order.a), seqs(data.order.b)]).toEqual([[1, 2, 3], [3, 4, 5]]); // prettier-ignore
    expect(data.order.a.pageInfo.hasNextPage).toBe(true);
    const next = 'query ($id: ID!, $after: String) { order(id: $id) { history(first: 100, after: $after) { edges { node { seq } } } } }'; // prettier-ignore
    const rest = await world.run(buyer, next, { id, after: data.order.a.edges[2].cursor });
    expect(seqs(rest.data.order.history)).toEqual([4, 5, 6]);
  });
});

describe('statements', () => {
  const placeOne = async (productId: string) => {
    const input = { currency: 'EUR', lines: [{ productId, quantity: 1 }] };
    const { data } = await world.run(userViewer(), placeMutation, { input, key: newId() });
    expect(data.placeOrder.order.state).toBe('PENDING_PAYMENT');
  };

  test('of a placed order of one line are at most 15 with those of the product service', async () => {
    const productId = await world.make(200);
    await placeOne(productId);
    const { order, product } = await world.statements(() => placeOne(productId));
    expect(order.length + product.length).toBeLessThanOrEqual(15);
  });

  test('of a placed order go together: one round trip records it, two decide it', async () => {
    const productId = await world.make(200);
    await placeOne(productId);
    expect(await world.roundTrips(() => placeOne(productId))).toEqual([
      [
        'start transaction',
        'insert into idempotency',
        'insert into orders',
        'insert into order_line',
        'insert into order_event',
        'insert into saga',
        'insert into open_orders',
        'commit',
      ],
      ['start transaction', 'update orders set', 'insert into order_event', 'insert into outbox', 'update saga set'],
      ['commit'],
    ]);
  });

  test('of 50 orders placed at once are at most 16 each, the relay of their events included', async () => {
    const productId = await world.make(200);
    const { deps, runtime } = world;
    const relay = startOutboxRelay({ service: 'order', db: deps.db, redis: runtime.redis, log: runtime.log, metrics: runtime.metrics }); // prettier-ignore
    const { order, product } = await world.statements(async () => {
      await Promise.all(Array.from({ length: 50 }, () => placeOne(productId)));
      relay.kick();
      await relay.stop();
    });
    expect(await world.rows('select id from outbox where published_at is null')).toEqual([]);
    // One of them counts the buyer's open orders.
    expect((order.length + product.length) / 50).toBeLessThanOrEqual(16);
  });

  test('of a payment are six', async () => {
    const { id } = await world.place(userViewer());
    const { order } = await world.statements(() => world.paymentEvent(world.succeeded(id)));
    // inbox, lock, order, open orders, journal, outbox
    expect(order).toHaveLength(6);
  });

  test('of a payment go together: one round trip locks the order, another changes it', async () => {
    const { id } = await world.place(userViewer());
    expect(await world.roundTrips(() => world.paymentEvent(world.succeeded(id)))).toEqual([
      ['start transaction', 'insert into inbox', 'select * from'],
      ['update orders set', 'update open_orders force', 'insert into order_event', 'insert into outbox', 'commit'],
    ]);
  });
});

test('migrations and records agree', async () => {
  const orm = await world.deps.db.orm();
  const drift = await orm.schema.getUpdateSchemaSQL({ wrap: false, dropTables: false, safe: false });
  await orm.close();
  // Each server has its own words for what it makes a column of.
  expect(driftOf(drift, /drop (foreign key|constraint)|drop check|`reference_key`/i)).toEqual([]);
});
