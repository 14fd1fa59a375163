import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { write } from '../../../subgraphs/shared/database/database.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { reserveStock } from '../../../subgraphs/product/commands/reserve-stock.ts';
import { type ProductWorld, openProductWorld, orderService, userViewer } from './product-world.ts';

let world: ProductWorld;
beforeAll(async () => {
  world = await openProductWorld();
});
afterAll(() => world.close());

const staff = userViewer('OPERATOR');
const payload = /* GraphQL */ `
  fragment Payload on StockPayload {
    replayed
    products { id stock { onHand allocated available version } }
    movements { id seq type onHandDelta allocatedDelta onHandAfter allocatedAfter actor reason orderId }
    userErrors {
      __typename
      ... on UserError { code path }
      ... on NegativeStockError { productId onHand allocated }
    }
  }
`; // prettier-ignore
const adjustMutation = `mutation A($changes: [StockDelta!]!, $key: String!) { adjustStock(changes: $changes, idempotencyKey: $key) { ...Payload } } ${payload}`;
const setMutation = `mutation S($changes: [StockSet!]!, $key: String!) { setStock(changes: $changes, idempotencyKey: $key) { ...Payload } } ${payload}`;
const adjust = async (changes: unknown[], key = newId()) =>
  (await world.run(staff, adjustMutation, { changes, key })).data.adjustStock;
const set = async (changes: unknown[], key = newId()) =>
  (await world.run(staff, setMutation, { changes, key })).data.setStock;
const delta = (productId: string, units: number, reason = 'counted') => ({ productId, delta: units, reason });
const hold = (productId: string, quantity: number, orderId = newId()) =>
  reserveStock(world.subgraph.deps, {
    sagaId: newId(),
    branch: 'b',
    orderId,
    lines: [{ productId, quantity }],
    expiresAt: new Date(),
  });
const auditOf = async (productId: string) =>
  (await world.run(staff, 'query A($id: ID) { stockAudit(productId: $id) { product { id } expectedOnHand expectedAllocated actualOnHand actualAllocated consistent } }', { id: productId })).data.stockAudit[0]; // prettier-ignore

describe('adjustStock', () => {
  test('adds and takes, one movement a product, changes of one product merged', async () => {
    const [first, second] = [await world.make({ initialOnHand: 10 }), await world.make()];
    const answer = await adjust([delta(first.id, 5, 'found'), delta(second.id, 3), delta(first.id, -1, 'broken')]);
    expect(answer.userErrors).toEqual([]);
    expect(answer.products).toEqual([
      { id: first.id, stock: { onHand: 14, allocated: 0, available: 14, version: 2 } },
      { id: second.id, stock: { onHand: 3, allocated: 0, available: 3, version: 1 } },
    ]);
    expect(answer.movements).toEqual([
      { id: `${first.id}:2`, seq: 2, type: 'ADJUST', onHandDelta: 4, allocatedDelta: 0, onHandAfter: 14, allocatedAfter: 0, actor: staff.userId, reason: 'found; broken', orderId: null },
      { id: `${second.id}:1`, seq: 1, type: 'ADJUST', onHandDelta: 3, allocatedDelta: 0, onHandAfter: 3, allocatedAfter: 0, actor: staff.userId, reason: 'counted', orderId: null },
    ]); // prettier-ignore
  });

  test('changes that cancel out move nothing', async () => {
    const { id } = await world.make({ initialOnHand: 1 });
    expect(await adjust([delta(id, 5), delta(id, -5)])).toMatchObject({
      movements: [],
      products: [{ id }],
      userErrors: [],
    });
  });

  test('a repeated key answers the same and changes nothing more, also ten times at once', async () => {
    const { id } = await world.make();
    const key = newId();
    const answers = await Promise.all(Array.from({ length: 10 }, () => adjust([delta(id, 2)], key)));
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(new Set(answers.map((answer) => JSON.stringify(answer.movements))).size).toBe(1);
    expect(await world.stock(id)).toMatchObject({ onHand: 2, version: 1, movements: 1 });
    expect(await adjust([delta(id, 3)], key)).toMatchObject({
      userErrors: [{ __typename: 'IdempotencyConflictError' }],
    });
  });

  test('never below what orders hold: NegativeStockError, and no change of the others either', async () => {
    const [held, other] = [await world.make({ initialOnHand: 5 }), await world.make({ initialOnHand: 5 })];
    await hold(held.id, 3);
    const answer = await adjust([delta(other.id, 1), delta(held.id, -3)]);
    expect(answer).toMatchObject({
      products: [],
      movements: [],
      userErrors: [
        { __typename: 'NegativeStockError', code: 'NEGATIVE_STOCK', productId: held.id, onHand: 5, allocated: 3 },
      ],
    });
    expect(await world.stock(other.id)).toMatchObject({ onHand: 5, version: 1 });
    expect(await adjust([delta(held.id, -2)])).toMatchObject({ userErrors: [] });
  });

  test('what breaks a rule is refused with its path', async () => {
    const { id } = await world.make({ initialOnHand: 1_000_000_000 });
    const digital = await world.make({ kind: 'DIGITAL' });
    const refusals = [
      [[], 'VALIDATION', ['changes']],
      [Array.from({ length: 101 }, () => delta(id, 1)), 'VALIDATION', ['changes']],
      [[delta(id, 0)], 'VALIDATION', ['changes', '0', 'delta']],
      [[delta(id, 1_000_000_001)], 'VALIDATION', ['changes', '0', 'delta']],
      [[delta(id, 1, ' ')], 'VALIDATION', ['changes', '0', 'reason']],
      [[delta(id, 1, 'x'.repeat(201))], 'VALIDATION', ['changes', '0', 'reason']],
      [[delta(id, 1)], 'VALIDATION', null],
      [[delta(digital.id, 1)], 'VALIDATION', ['changes', '0', 'productId']],
      [[delta(newId(), 1)], 'NOT_FOUND', ['changes', '0', 'productId']],
      [[delta('x', 1)], 'NOT_FOUND', ['changes', '0', 'productId']],
    ] as const;
    for (const [changes, code, path] of refusals) {
      expect((await adjust([...changes])).userErrors[0]).toMatchObject({ code, path });
    }
  });
});

describe('setStock', () => {
  test('sets what was counted, and keeps the difference', async () => {
    const { id } = await world.make({ initialOnHand: 10 });
    const answer = await set([{ productId: id, onHand: 7, expectedOnHand: 10, reason: 'stock-taking' }]);
    expect(answer.movements).toMatchObject([{ seq: 2, type: 'ADJUST', onHandDelta: -3, onHandAfter: 7 }]);
    expect(await auditOf(id)).toMatchObject({ consistent: true, actualOnHand: 7 });
  });

  test('another figure than expected is a conflict; fewer than orders hold is NegativeStockError', async () => {
    const { id } = await world.make({ initialOnHand: 10 });
    await hold(id, 4);
    const change = { productId: id, onHand: 9, expectedOnHand: 11, reason: 'r' };
    expect((await set([change])).userErrors).toMatchObject([{ code: 'CONFLICT' }]);
    expect((await set([{ ...change, expectedOnHand: 10, onHand: 3 }])).userErrors).toMatchObject([
      { code: 'NEGATIVE_STOCK', allocated: 4 },
    ]);
    expect((await set([{ ...change, onHand: -1 }])).userErrors).toMatchObject([{ path: ['changes', '0', 'onHand'] }]);
    expect((await set([change, change])).userErrors).toMatchObject([{ path: ['changes', '1', 'productId'] }]);
    expect(await world.stock(id)).toMatchObject({ onHand: 10, allocated: 4 });
  });

  test('of two counts at the same time one wins', async () => {
    const { id } = await world.make({ initialOnHand: 10 });
    const counts = await Promise.all(
      [20, 30].map((onHand) => set([{ productId: id, onHand, expectedOnHand: 10, reason: 'r' }])),
    );
    expect(counts.filter((answer) => answer.userErrors.length === 0)).toHaveLength(1);
  });
});

describe('the ledger', () => {
  test('is gapless and replays to the counters after many changes at once', async () => {
    const products = await Promise.all(Array.from({ length: 3 }, () => world.make({ initialOnHand: 50 })));
    await Promise.all(
      Array.from({ length: 45 }, (_, index) => {
        const { id } = products[index % 3]!;
        return index % 4 === 0 ? adjust([delta(id, index % 8 === 0 ? 2 : -2)]) : hold(id, 1 + (index % 3));
      }),
    );
    for (const { id } of products) {
      const { onHand, allocated, version, movements, held } = await world.stock(id);
      expect(movements).toBe(version);
      expect(held).toBe(allocated);
      expect(await auditOf(id)).toEqual({
        product: { id }, expectedOnHand: onHand, expectedAllocated: allocated, actualOnHand: onHand, actualAllocated: allocated, consistent: true,
      }); // prettier-ignore
    }
  });

  test.each([
    ['a counter', 'update stock set on_hand = on_hand + 1 where product_id = ?'],
    ['a movement that is missing', 'delete from stock_movement where product_id = ? and seq = 2'],
    [
      'after-values that do not follow',
      'update stock_movement set allocated_after = allocated_after + 1 where product_id = ? and seq = 2',
    ],
    ['a reservation', "update stock_reservation set state = 'RELEASED' where product_id = ?"],
  ])('the audit finds %s that somebody changed behind our back, and lists it first', async (_, tampering) => {
    const { id } = await world.make({ initialOnHand: 5 });
    await hold(id, 2);
    await write(world.sql(), tampering, [idToBytes(id)]);
    expect(await auditOf(id)).toMatchObject({ consistent: false });
    const all = (await world.run(staff, '{ stockAudit { product { id } consistent } }')).data.stockAudit as {
      consistent: boolean;
    }[];
    expect(all[0]?.consistent).toBe(false);
    expect(all.slice(all.findIndex((row) => row.consistent)).every((row) => row.consistent)).toBe(true);
  });

  test('the audit of an unknown or malformed id is empty', async () => {
    for (const id of [newId(), 'x'])
      expect(
        (await world.run(staff, 'query A($id: ID) { stockAudit(productId: $id) { consistent } }', { id })).data
          .stockAudit,
      ).toEqual([]);
  });

  test('is read newest first in pages, with what orders hold beside it', async () => {
    const { id } = await world.make({ initialOnHand: 9 });
    const orderId = newId();
    await hold(id, 2, orderId);
    await hold(id, 3);
    const query = /* GraphQL */ `
      query L($id: ID!, $after: String) {
        product(id: $id) {
          stock {
            movements(first: 2, after: $after) { edges { node { seq type allocatedDelta orderId sagaBranch actor } } pageInfo { hasNextPage endCursor } }
            all: reservations { quantity }
            held: reservations(state: HELD) { orderId quantity state settledAt product { id } }
            released: reservations(state: RELEASED) { id }
          }
        }
      }
    `; // prettier-ignore
    const first = (await world.run(staff, query, { id })).data.product.stock;
    expect(first.movements.edges.map((edge: { node: unknown }) => edge.node)).toMatchObject([
      { seq: 3, type: 'HOLD' },
      { seq: 2, orderId, sagaBranch: 'b', actor: 'order', allocatedDelta: 2 },
    ]);
    expect(first).toMatchObject({
      all: [{ quantity: 3 }, { quantity: 2 }],
      released: [],
      movements: { pageInfo: { hasNextPage: true } },
    });
    expect(first.held[1]).toEqual({ orderId, quantity: 2, state: 'HELD', settledAt: null, product: { id } });
    const next = (await world.run(staff, query, { id, after: first.movements.pageInfo.endCursor })).data.product.stock
      .movements;
    expect(next).toMatchObject({
      edges: [{ node: { seq: 1, type: 'RECEIVE', orderId: null } }],
      pageInfo: { hasNextPage: false },
    });
    expect(
      (await world.run(staff, query, { id, after: Buffer.from('["x"]').toString('base64url') })).errors[0]?.code,
    ).toBe('BAD_USER_INPUT');
  });

  test('a reservation is an entity for staff and services', async () => {
    const { id } = await world.make({ initialOnHand: 9 });
    await hold(id, 2);
    const reservation = (
      await world.run(staff, 'query R($id: ID!) { product(id: $id) { stock { reservations { id } } } }', { id })
    ).data.product.stock.reservations[0];
    const query =
      'query E($r: [_Any!]!) { _entities(representations: $r) { ... on StockReservation { quantity product { id } } } }';
    for (const viewer of [staff, orderService]) {
      const r = [
        { __typename: 'StockReservation', id: reservation.id },
        { __typename: 'StockReservation', id: 'x' },
      ];
      expect((await world.run(viewer, query, { r })).data._entities).toEqual([{ quantity: 2, product: { id } }, null]);
    }
  });
});
