import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { releaseStock } from '../../../subgraphs/product/commands/release-stock.ts';
import { reserveStock } from '../../../subgraphs/product/commands/reserve-stock.ts';
import type { StockLine } from '../../../subgraphs/product/domain/nights.ts';
import { eventHandlers } from '../../../subgraphs/product/events.ts';
import { auditNights } from '../../../subgraphs/product/ledger-store.ts';
import { anonymous } from '../../../subgraphs/shared/auth/viewer.ts';
import { select } from '../../../subgraphs/shared/database/database.ts';
import { handleOnce } from '../../../subgraphs/shared/events/handle-events.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { addDays, datesBetween } from '../../../subgraphs/shared/values/local-date.ts';
import { type ProductWorld, openProductWorld, orderService, userViewer } from './product-world.ts';

let world: ProductWorld;
beforeAll(async () => {
  world = await openProductWorld();
});
/** Whatever the tests did: every ledger replays to its counters. */
afterAll(async () => {
  expect((await auditNights(world.sql(), null)).filter(({ consistent }) => !consistent)).toEqual([]);
  await world.close();
});

const room = (capacity = 1, change: Parameters<ProductWorld['make']>[0] = {}) =>
  world.make({ kind: 'BOOKABLE', capacity, maxGuests: 2, ...change });
const order = () => ({ sagaId: newId(), branch: 'reserve-stock', orderId: newId() });
const stay = (productId: string, stayFrom: string, stayTo: string, quantity = 1): StockLine => ({ productId, quantity, stayFrom, stayTo }); // prettier-ignore
const reserve = (of: ReturnType<typeof order>, ...lines: StockLine[]) =>
  reserveStock(world.subgraph.deps, { ...of, lines, expiresAt: new Date(Date.now() + 60_000) });
const release = (of: ReturnType<typeof order>) => releaseStock(world.subgraph.deps, { ...of, reason: 'test' });
const handle = async (type: string, orderId: string, data: Record<string, unknown> = {}): Promise<boolean> => {
  const event = { id: newId(), type, aggregateId: orderId, traceId: '0'.repeat(32), at: new Date().toISOString(), data }; // prettier-ignore
  const { handlers, onHandled } = eventHandlers(world.subgraph.deps);
  const fresh = await handleOnce(world.subgraph.deps.db, event, handlers[type]!);
  if (fresh) onHandled(event);
  return fresh;
};
const availabilityQuery = /* GraphQL */ `
  query Availability($id: ID!, $from: LocalDate!, $to: LocalDate!) {
    product(id: $id) {
      capacity
      maxGuests
      stock {
        onHand
      }
      availability(from: $from, to: $to) {
        date
        capacity
        held
        sold
        available
      }
    }
  }
`;
/** `held/sold` of each night, e.g. `0/0 1/0`. */
async function nights(id: string, from: string, to: string): Promise<string> {
  const { data, errors } = await world.run(anonymous, availabilityQuery, { id, from, to });
  expect(errors).toEqual([]);
  const days = data.product.availability as {
    date: string;
    capacity: number;
    held: number;
    sold: number;
    available: number;
  }[];
  expect(days.map(({ date }) => date)).toEqual(datesBetween(from, to));
  for (const day of days) expect(day.available).toBe(day.capacity - day.held - day.sold);
  return days.map(({ held, sold }) => `${held}/${sold}`).join(' ');
}
const ledger = async (id: string, night: string) =>
  (
    await select(world.sql(), 'select type from night_movement where product_id = ? and night = ? order by seq', [
      idToBytes(id),
      night,
    ])
  ).map((row) => row['type']);
const compensated = { extensions: expect.objectContaining({ code: 'BRANCH_COMPENSATED' }) };

describe('the nights of a stay', () => {
  test('are held for the order, all but the day of departure', async () => {
    const { id } = await room(2);
    expect(await nights(id, '2027-05-01', '2027-05-05')).toBe('0/0 0/0 0/0 0/0');
    expect(await reserve(order(), stay(id, '2027-05-02', '2027-05-04'))).toEqual({ ok: true, shortages: [] });
    expect(await nights(id, '2027-05-01', '2027-05-05')).toBe('0/0 1/0 1/0 0/0');
  });

  test('are sold once the order is paid, and stay so', async () => {
    const { id } = await room();
    const of = order();
    await reserve(of, stay(id, '2027-05-01', '2027-05-03'));
    await handle('order.paid', of.orderId);
    expect(await nights(id, '2027-05-01', '2027-05-03')).toBe('0/1 0/1');
    await handle('order.paid', of.orderId);
    await handle('order.closed', of.orderId, { state: 'EXPIRED' });
    await release(of);
    expect(await nights(id, '2027-05-01', '2027-05-03')).toBe('0/1 0/1');
    expect(await ledger(id, '2027-05-01')).toEqual(['RECEIVE', 'HOLD', 'COMMIT']);
    expect((await reserve(order(), stay(id, '2027-05-01', '2027-05-02'))).ok).toBe(false);
    const [sold] = await select(world.sql(), 'select sold from product where id = ?', [idToBytes(id)]);
    expect(Number(sold?.['sold'])).toBe(1);
  });

  test.each([
    ['EXPIRED', 'EXPIRE'],
    ['CANCELLED', 'RELEASE'],
  ])('go back when the order is %s', async (state, movement) => {
    const { id } = await room();
    const of = order();
    await reserve(of, stay(id, '2027-05-01', '2027-05-03'));
    await handle('order.closed', of.orderId, { state });
    expect(await nights(id, '2027-05-01', '2027-05-03')).toBe('0/0 0/0');
    expect(await ledger(id, '2027-05-02')).toEqual(['RECEIVE', 'HOLD', movement]);
    expect((await reserve(order(), stay(id, '2027-05-01', '2027-05-03'))).ok).toBe(true);
  });

  test('go back when the saga fails after the action; a late or repeated action is refused', async () => {
    const { id } = await room();
    const of = order();
    await reserve(of, stay(id, '2027-05-01', '2027-05-03'));
    await release(of);
    await release(of);
    expect(await nights(id, '2027-05-01', '2027-05-03')).toBe('0/0 0/0');
    await expect(reserve(of, stay(id, '2027-05-01', '2027-05-03'))).rejects.toMatchObject(compensated);
    const never = order();
    await release(never);
    await expect(reserve(never, stay(id, '2027-05-01', '2027-05-03'))).rejects.toMatchObject(compensated);
    expect(await nights(id, '2027-05-01', '2027-05-03')).toBe('0/0 0/0');
  });

  test('that were sold go back when the booking is refunded, once, whenever that is heard of', async () => {
    const { id } = await room(2);
    const [late, early] = [order(), order()];
    for (const one of [late, early]) await reserve(one, stay(id, '2027-05-01', '2027-05-03'));
    await handle('order.paid', late.orderId);
    for (let times = 0; times < 2; times += 1) await handle('order.nights_returned', late.orderId);
    expect(await nights(id, '2027-05-01', '2027-05-03')).toBe('1/0 1/0');
    await handle('order.nights_returned', early.orderId);
    await handle('order.paid', early.orderId);
    expect(await nights(id, '2027-05-01', '2027-05-03')).toBe('0/0 0/0');
    expect(await ledger(id, '2027-05-01')).toEqual(['RECEIVE', 'HOLD', 'HOLD', 'COMMIT', 'RETURN', 'RELEASE']);
  });

  test('are held once however often the same reservation comes, also at the same time', async () => {
    const { id } = await room(5);
    const of = order();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => reserve(of, stay(id, '2027-05-01', '2027-05-03'))),
    );
    expect(answers.every(({ ok }) => ok)).toBe(true);
    expect(await nights(id, '2027-05-01', '2027-05-03')).toBe('1/0 1/0');
  });

  test('of several lines add up, beside goods of other products', async () => {
    const [{ id }, mug] = [await room(5), await world.make({ initialOnHand: 4 })];
    const of = order();
    const lines = [stay(id, '2027-05-02', '2027-05-04'), stay(id, '2027-05-01', '2027-05-03', 2), { productId: mug.id, quantity: 3 }]; // prettier-ignore
    expect((await reserve(of, ...lines)).ok).toBe(true);
    expect(await nights(id, '2027-05-01', '2027-05-04')).toBe('2/0 3/0 1/0');
    await handle('order.paid', of.orderId);
    expect(await nights(id, '2027-05-01', '2027-05-04')).toBe('0/2 0/3 0/1');
    expect(await world.stock(mug.id)).toMatchObject({ onHand: 1, allocated: 0 });
  });
});

describe('too few rooms', () => {
  test('for one night of a stay leave all nights alone, and tell that night', async () => {
    const { id } = await room(1);
    await reserve(order(), stay(id, '2027-06-02', '2027-06-03'));
    expect(await reserve(order(), stay(id, '2027-06-01', '2027-06-04'))).toEqual({
      ok: false,
      shortages: [{ productId: id, requested: 1, available: 0, night: '2027-06-02' }],
    });
    expect(await nights(id, '2027-06-01', '2027-06-04')).toBe('0/0 1/0 0/0');
    expect((await reserve(order(), stay(id, '2027-06-03', '2027-06-05'))).ok).toBe(true);
  });

  test('of one product leave those of the others alone', async () => {
    const [full, free] = [await room(1), await room(1)];
    const answer = await reserve(order(), stay(free.id, '2027-06-01', '2027-06-02'), stay(full.id, '2027-06-01', '2027-06-02', 2)); // prettier-ignore
    expect(answer).toEqual({ ok: false, shortages: [{ productId: full.id, requested: 2, available: 1, night: '2027-06-01' }] }); // prettier-ignore
    expect(await nights(free.id, '2027-06-01', '2027-06-02')).toBe('0/0');
  });

  test('are there of what is not on sale, not booked by nights, or unknown', async () => {
    const [offSale, mug] = [await room(3, { status: 'OFF_SALE' }), await world.make({ initialOnHand: 9 })];
    for (const productId of [offSale.id, mug.id, newId(), 'nonsense']) {
      expect(await reserve(order(), stay(productId, '2027-06-01', '2027-06-02'))).toEqual({
        ok: false,
        shortages: [{ productId, requested: 1, available: 0, night: '2027-06-01' }],
      });
    }
  });

  test('a place to stay can not be had by the piece', async () => {
    const { id } = await room(3);
    expect(await reserve(order(), { productId: id, quantity: 1 })).toEqual({
      ok: false,
      shortages: [{ productId: id, requested: 1, available: 0 }],
    });
  });
});

describe('guests at the same time', () => {
  test('50 stays over the same nights: as many as there are rooms get one, and no night more', async () => {
    const { id } = await room(7);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => reserve(order(), stay(id, '2027-07-01', '2027-07-04'))),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(7);
    expect(await nights(id, '2027-07-01', '2027-07-04')).toBe('7/0 7/0 7/0');
  });

  test('50 stays that overlap in every way: exactly those that are held fit, and no refused one would still fit', async () => {
    const { id } = await room(3);
    const wanted = Array.from({ length: 50 }, (_, index) => {
      const from = addDays('2027-07-01', (index * 7) % 11);
      return stay(id, from, addDays(from, 1 + (index % 4)));
    });
    const answers = await Promise.all(wanted.map((line) => reserve(order(), line)));
    const held = new Map<string, number>();
    for (const [index, { ok }] of answers.entries()) {
      const { stayFrom, stayTo } = wanted[index]!;
      if (ok) for (const night of datesBetween(stayFrom!, stayTo!)) held.set(night, (held.get(night) ?? 0) + 1);
    }
    expect(Math.max(...held.values())).toBe(3);
    const all = datesBetween('2027-07-01', '2027-07-16');
    expect(await nights(id, '2027-07-01', '2027-07-16')).toBe(all.map((night) => `${held.get(night) ?? 0}/0`).join(' ')); // prettier-ignore
    for (const [index, { ok }] of answers.entries()) {
      const { stayFrom, stayTo } = wanted[index]!;
      if (!ok) expect(datesBetween(stayFrom!, stayTo!).some((night) => held.get(night) === 3)).toBe(true);
    }
  });

  test('stays over several places in opposite orders do not block each other', async () => {
    const places = await Promise.all(Array.from({ length: 3 }, () => room(100)));
    const lines = places.map(({ id }) => stay(id, '2027-07-01', '2027-07-03', 2));
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => reserve(order(), ...(index % 2 === 0 ? lines : lines.toReversed()))),
    );
    expect(answers.every(({ ok }) => ok)).toBe(true);
    for (const { id } of places) expect(await nights(id, '2027-07-01', '2027-07-03')).toBe('60/0 60/0');
  });

  test('booking, paying, closing and changing the number of rooms at once leave every ledger whole', async () => {
    const { id } = await room(40);
    const staff = userViewer('ADMIN');
    const update = 'mutation U($input: UpdateProductInput!) { updateProduct(input: $input) { userErrors { __typename } } }'; // prettier-ignore
    const guests = Array.from({ length: 30 }, async (_, index) => {
      const of = order();
      const from = addDays('2027-08-01', index % 5);
      await reserve(of, stay(id, from, addDays(from, 3)));
      await (index % 2 === 0 ? handle('order.paid', of.orderId) : handle('order.closed', of.orderId, { state: 'CANCELLED' })); // prettier-ignore
    });
    const changes = (async () => {
      for (const [index, capacity] of [35, 50, 32].entries())
        await world.run(staff, update, { input: { id, expectedVersion: index + 1, capacity } });
    })();
    await Promise.all([...guests, changes]);
    const [row] = await auditNights(world.sql(), id);
    expect(row).toMatchObject({ consistent: true, actualAllocated: 0 });
    const rows = await select(world.sql(), 'select distinct capacity from night where product_id = ?', [idToBytes(id)]);
    expect(rows).toEqual([{ capacity: 32 }]);
  });

  test('the database itself refuses to hold or sell more rooms than there are', async () => {
    const { id } = await room(1);
    await reserve(order(), stay(id, '2027-07-01', '2027-07-02'));
    for (const wrong of ['allocated = 2', 'on_hand = 0', 'on_hand = 2'])
      await expect(
        select(world.sql(), `update night set ${wrong} where product_id = ?`, [idToBytes(id)]),
      ).rejects.toThrow('night_never_overbooked');
  });
});

describe('availability', () => {
  test('is public, empty for what is not booked by nights, and limited to 92 nights', async () => {
    const { id } = await room(3);
    const mug = await world.make({ initialOnHand: 1 });
    expect((await world.run(anonymous, availabilityQuery, { id, from: '2027-05-01', to: '2027-05-02' })).data.product).toEqual({
      capacity: 3, maxGuests: 2, stock: null, availability: [{ date: '2027-05-01', capacity: 3, held: 0, sold: 0, available: 3 }],
    }); // prettier-ignore
    const { data } = await world.run(anonymous, availabilityQuery, {
      id: mug.id,
      from: '2027-05-01',
      to: '2027-05-02',
    });
    expect(data.product).toMatchObject({ capacity: null, maxGuests: null, availability: [] });
    expect(await nights(id, '2027-05-01', addDays('2027-05-01', 92))).toHaveLength(92 * 4 - 1);
    for (const to of ['2027-05-01', '2027-04-30', addDays('2027-05-01', 93)]) {
      const { errors } = await world.run(anonymous, availabilityQuery, { id, from: '2027-05-01', to });
      expect(errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
    }
  });

  test('of a page of products is one statement', async () => {
    const ids = new Set((await Promise.all(Array.from({ length: 4 }, () => room()))).map(({ id }) => id));
    for (const id of ids) await reserve(order(), stay(id, '2027-05-01', '2027-05-02'));
    const query = '{ products(first: 100, filter: { kind: [BOOKABLE] }) { edges { node { id availability(from: "2027-05-01", to: "2027-05-03") { held } } } } }'; // prettier-ignore
    const statements = await world.statements(async () => {
      const { data } = await world.run(anonymous, query);
      const found = (data.products.edges as { node: { id: string; availability: unknown } }[]).filter(({ node }) => ids.has(node.id)); // prettier-ignore
      expect(found.map(({ node }) => node.availability)).toEqual(Array.from({ length: 4 }, () => [{ held: 1 }, { held: 0 }])); // prettier-ignore
    });
    expect(statements).toHaveLength(2);
  });
});

describe('the number of rooms', () => {
  const update = 'mutation U($input: UpdateProductInput!) { updateProduct(input: $input) { product { version capacity maxGuests } userErrors { __typename ... on UserError { path } } } }'; // prettier-ignore
  const staff = userViewer('OPERATOR');
  const soon = addDays(new Date().toISOString().slice(0, 10), 30);
  const change = async (id: string, input: Record<string, unknown>) =>
    (await world.run(staff, update, { input: { id, expectedVersion: 1, ...input } })).data.updateProduct;

  test('changes for all nights, also those that are booked', async () => {
    const { id } = await room(2);
    await reserve(order(), stay(id, soon, addDays(soon, 1)));
    expect((await change(id, { capacity: 5, maxGuests: 3 })).product).toEqual({
      version: 2,
      capacity: 5,
      maxGuests: 3,
    });
    expect((await reserve(order(), stay(id, soon, addDays(soon, 2), 4))).ok).toBe(true);
    expect(await ledger(id, soon)).toEqual(['RECEIVE', 'HOLD', 'ADJUST', 'HOLD']);
    expect(await auditNights(world.sql(), id)).toMatchObject([{ consistent: true, actualOnHand: 10 }]);
  });

  test('is not less than what is booked for a night', async () => {
    const { id } = await room(3);
    await reserve(order(), stay(id, soon, addDays(soon, 1), 2));
    expect(await change(id, { capacity: 1 })).toEqual({ product: null, userErrors: [{ __typename: 'ValidationError', path: ['input', 'capacity'] }] }); // prettier-ignore
    expect(await nights(id, soon, addDays(soon, 1))).toBe('2/0');
    expect((await change(id, { capacity: 2 })).userErrors).toEqual([]);
  });

  test('of nights that are over stays what it was', async () => {
    const { id } = await room(3);
    await reserve(order(), stay(id, '2024-02-28', '2024-03-02', 3));
    expect((await change(id, { capacity: 1 })).userErrors).toEqual([]);
    expect(await nights(id, '2024-02-28', '2024-03-02')).toBe('3/0 3/0 3/0');
  });

  test('and of guests is required for what is booked by nights, and refused for the rest', async () => {
    const make = (input: Parameters<ProductWorld['make']>[0]) => world.make(input);
    for (const input of [
      {},
      { capacity: 1 },
      { maxGuests: 1 },
      { capacity: 0, maxGuests: 1 },
      { capacity: 10_001, maxGuests: 1 },
      { capacity: 1, maxGuests: 101 },
      { capacity: 1, maxGuests: 1, initialOnHand: 1 },
    ])
      // prettier-ignore
      await expect(make({ kind: 'BOOKABLE', ...input })).rejects.toThrow('VALIDATION');
    for (const kind of ['STOCKED', 'DIGITAL'] as const)
      for (const input of [{ capacity: 1 }, { maxGuests: 1 }])
        await expect(make({ kind, ...input })).rejects.toThrow('VALIDATION');
    const { id } = await room();
    for (const input of [
      { capacity: null },
      { maxGuests: null },
      { capacity: 0 },
      { maxGuests: 0 },
      { lowStockThreshold: 1 },
    ])
      // prettier-ignore
      expect((await change(id, input)).userErrors).toMatchObject([{ __typename: 'ValidationError' }]);
    const mug = await world.make();
    expect((await change(mug.id, { capacity: 1 })).userErrors).toMatchObject([{ path: ['input', 'capacity'] }]);
  });
});

test('the audit tells a night whose ledger does not lead to its counters', async () => {
  const { id } = await room(3);
  const audit = async () =>
    (await world.run(userViewer('ADMIN'), 'query A($id: ID!) { stockAudit(productId: $id) { product { id } consistent expectedOnHand actualOnHand actualAllocated } }', { id })).data.stockAudit; // prettier-ignore
  expect(await audit()).toEqual([]);
  await reserve(order(), stay(id, '2027-05-01', '2027-05-03', 2));
  expect(await audit()).toEqual([{ product: { id }, consistent: true, expectedOnHand: 6, actualOnHand: 6, actualAllocated: 4 }]); // prettier-ignore
  const tamper = (text: string) => select(world.sql(), text, [idToBytes(id)]);
  await tamper("update night set on_hand = on_hand - 1 where product_id = ? and night = '2027-05-01'");
  expect(await audit()).toMatchObject([{ consistent: false, expectedOnHand: 6, actualOnHand: 5 }]);
  await tamper("update night set on_hand = on_hand + 1 where product_id = ? and night = '2027-05-01'");
  expect(await audit()).toMatchObject([{ consistent: true }]);
  await tamper("update night_reservation set quantity = 1 where product_id = ? and night = '2027-05-02'");
  expect(await audit()).toMatchObject([{ consistent: false }]);
  await tamper("update night_reservation set quantity = 2 where product_id = ? and night = '2027-05-02'");
});

test('over GraphQL the order service books nights and is told the night that is short', async () => {
  const { id } = await room(1);
  const mutation = 'mutation R($sagaId: ID!, $orderId: ID!, $lines: [ReserveLineInput!]!) { reserveStock(sagaId: $sagaId, branch: "b", orderId: $orderId, lines: $lines, expiresAt: "2030-01-01T00:00:00Z") { ok shortages { available night } } }'; // prettier-ignore
  const run = (line: StockLine) =>
    world.run(orderService, mutation, { sagaId: newId(), orderId: newId(), lines: [line] });
  expect((await run(stay(id, '2027-05-01', '2027-05-02'))).data.reserveStock).toEqual({ ok: true, shortages: [] });
  expect((await run(stay(id, '2027-05-01', '2027-05-02'))).data.reserveStock).toEqual({ ok: false, shortages: [{ available: 0, night: '2027-05-01' }] }); // prettier-ignore
  for (const wrong of [
    stay(id, '2027-05-01', '2027-05-01'),
    { productId: id, quantity: 1, stayFrom: '2027-05-01' },
    stay(id, '2027-01-01', '2028-06-01'),
  ])
    // prettier-ignore
    expect((await run(wrong)).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
});
