import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { adjustStock } from '../../../subgraphs/product/commands/adjust-stock.ts';
import type { ProductDeps } from '../../../subgraphs/product/deps.ts';
import { auditStock } from '../../../subgraphs/product/ledger-store.ts';
import { createProductSubgraph } from '../../../subgraphs/product/subgraph.ts';
import { releaseStock } from '../../../subgraphs/product/commands/release-stock.ts';
import { reserveStock } from '../../../subgraphs/product/commands/reserve-stock.ts';
import { anonymous } from '../../../subgraphs/shared/auth/viewer.ts';
import { select } from '../../../subgraphs/shared/database/database.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { asker } from '../../support/asker.ts';
import { type ProductWorld, openProductWorld, orderService, userViewer } from './product-world.ts';

let world: ProductWorld;
beforeAll(async () => {
  world = await openProductWorld();
});
afterAll(() => world.close());

const branch = 'reserve-stock';
const inAnHour = () => new Date(Date.now() + 3_600_000);
const saga = () => ({ sagaId: newId(), branch, orderId: newId() });
const line = (productId: string, quantity = 1) => ({ productId, quantity });
const reserve = (of: ReturnType<typeof saga>, ...lines: { productId: string; quantity: number }[]) =>
  reserveStock(world.subgraph.deps, { ...of, lines, expiresAt: inAnHour() });
const release = (of: ReturnType<typeof saga>) => releaseStock(world.subgraph.deps, { ...of, reason: 'test' });
const compensated = { extensions: expect.objectContaining({ code: 'BRANCH_COMPENSATED' }) };

describe('the three demonstrations of GM-10', () => {
  test('success: stock of 1 becomes 0', async () => {
    const { id } = await world.make({ initialOnHand: 1 });
    expect(await reserve(saga(), line(id))).toEqual({ ok: true, shortages: [] });
    expect(await world.stock(id)).toEqual({ onHand: 1, allocated: 1, version: 2, movements: 2, held: 1 });
  });

  test('out of stock: nothing is taken, and the compensation has nothing to undo', async () => {
    const { id } = await world.make({ initialOnHand: 0 });
    const order = saga();
    expect(await reserve(order, line(id))).toEqual({
      ok: false,
      shortages: [{ productId: id, requested: 1, available: 0 }],
    });
    await release(order);
    expect(await world.stock(id)).toEqual({ onHand: 0, allocated: 0, version: 0, movements: 0, held: 0 });
    await expect(reserve(order, line(id))).rejects.toMatchObject(compensated);
  });

  test('failure after the action committed: the compensation gives the stock back', async () => {
    const { id } = await world.make({ initialOnHand: 1 });
    const order = saga();
    await reserve(order, line(id));
    await release(order);
    await release(order);
    expect(await world.stock(id)).toEqual({ onHand: 1, allocated: 0, version: 3, movements: 3, held: 0 });
  });
});

describe('the barrier', () => {
  test('a repeated reservation gives the same answer and takes nothing more', async () => {
    const { id } = await world.make({ initialOnHand: 5 });
    const order = saga();
    const answers = [await reserve(order, line(id, 2)), await reserve(order, line(id, 2))];
    expect(answers).toEqual([
      { ok: true, shortages: [] },
      { ok: true, shortages: [] },
    ]);
    expect(await world.stock(id)).toMatchObject({ allocated: 2, movements: 2 });
  });

  test('the same reservation sent ten times at once takes the stock once', async () => {
    const { id } = await world.make({ initialOnHand: 5 });
    const order = saga();
    const answers = await Promise.all(Array.from({ length: 10 }, () => reserve(order, line(id))));
    expect(answers.every((answer) => answer.ok)).toBe(true);
    expect(await world.stock(id)).toMatchObject({ allocated: 1, held: 1 });
  });

  test('an action that comes after its compensation is refused', async () => {
    const { id } = await world.make({ initialOnHand: 5 });
    const order = saga();
    await release(order);
    await expect(reserve(order, line(id))).rejects.toMatchObject(compensated);
    expect(await world.stock(id)).toMatchObject({ allocated: 0, version: 1 });
  });

  test('a reservation repeated after it was released is refused, not answered as if it held', async () => {
    const { id } = await world.make({ initialOnHand: 5 });
    const order = saga();
    await reserve(order, line(id));
    await release(order);
    await expect(reserve(order, line(id))).rejects.toMatchObject(compensated);
    expect(await world.stock(id)).toMatchObject({ allocated: 0 });
  });

  test('action and compensation at the same time leave nothing held', async () => {
    const { id } = await world.make({ initialOnHand: 100 });
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const order = saga();
        await Promise.allSettled([reserve(order, line(id)), release(order)]);
      }),
    );
    expect(await world.stock(id)).toMatchObject({ allocated: 0, held: 0 });
  });
});

describe('shortages', () => {
  test('all short lines are told, and no line is taken', async () => {
    const [plenty, few, none] = [
      await world.make({ initialOnHand: 9 }),
      await world.make({ initialOnHand: 2 }),
      await world.make(),
    ];
    const offSale = await world.make({ initialOnHand: 9, status: 'OFF_SALE' });
    const unknown = newId();
    const lines = [line(plenty.id), line(few.id, 3), line(none.id), line(offSale.id), line(unknown), line('nonsense')];
    const { ok, shortages } = await reserve(saga(), ...lines);
    expect(ok).toBe(false);
    expect(
      new Map(shortages.map(({ productId, requested, available }) => [productId, [requested, available]])),
    ).toEqual(
      new Map([
        [few.id, [3, 2]],
        [none.id, [1, 0]],
        [offSale.id, [1, 0]],
        [unknown, [1, 0]],
        ['nonsense', [1, 0]],
      ]),
    );
    expect(await world.stock(plenty.id)).toMatchObject({ allocated: 0, version: 1 });
  });

  test('a shortage leaves no barrier behind: the same saga may try again', async () => {
    const { id } = await world.make({ initialOnHand: 1 });
    const order = saga();
    expect(await reserve(order, line(id, 2))).toMatchObject({ ok: false });
    expect(await reserve(order, line(id, 1))).toMatchObject({ ok: true });
  });

  test('equal lines are merged before they are compared with the stock', async () => {
    const { id } = await world.make({ initialOnHand: 3 });
    expect(await reserve(saga(), line(id, 2), line(id, 2))).toEqual({
      ok: false,
      shortages: [{ productId: id, requested: 4, available: 3 }],
    });
    expect(await reserve(saga(), line(id, 2), line(id, 1))).toMatchObject({ ok: true });
  });

  test('a digital product is never short and moves no stock', async () => {
    const { id } = await world.make({ kind: 'DIGITAL' });
    expect(await reserve(saga(), line(id, 1_000_000))).toEqual({ ok: true, shortages: [] });
    const { id: draft } = await world.make({ kind: 'DIGITAL', status: 'DRAFT' });
    expect(await reserve(saga(), line(draft))).toEqual({
      ok: false,
      shortages: [{ productId: draft, requested: 1, available: 0 }],
    });
  });
});

describe('concurrency', () => {
  test('50 orders race for 20 units: exactly 20 get one', async () => {
    const { id } = await world.make({ initialOnHand: 20 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => reserve(saga(), line(id))));
    expect(answers.filter((answer) => answer.ok)).toHaveLength(20);
    expect(await world.stock(id)).toEqual({ onHand: 20, allocated: 20, version: 21, movements: 21, held: 20 });
  });

  test('orders of several products in opposite orders do not block each other', async () => {
    const products = await Promise.all(Array.from({ length: 4 }, () => world.make({ initialOnHand: 1_000 })));
    const lines = products.map((product) => line(product.id, 2));
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => reserve(saga(), ...(index % 2 === 0 ? lines : lines.toReversed()))),
    );
    expect(answers.every((answer) => answer.ok)).toBe(true);
    for (const product of products)
      expect(await world.stock(product.id)).toMatchObject({ allocated: 80, movements: 41, held: 80 });
  });

  test('orders that wait for one product go together: 60 of them cost two transactions', async () => {
    const { id } = await world.make({ initialOnHand: 100 });
    const all = () => Promise.all(Array.from({ length: 60 }, () => reserve(saga(), line(id))));
    expect(await world.statements(all)).toHaveLength(4 + 6);
    expect(await world.stock(id)).toEqual({ onHand: 100, allocated: 60, version: 61, movements: 61, held: 60 });
    expect(await auditStock(world.sql(), id)).toMatchObject([{ consistent: true, actualAllocated: 60 }]);
  });

  test('each of the orders that go together gets the answer that it would get alone', async () => {
    const [hot, other, digital, offSale] = [
      await world.make({ initialOnHand: 10 }),
      await world.make({ initialOnHand: 1 }),
      await world.make({ kind: 'DIGITAL' }),
      await world.make({ initialOnHand: 9, status: 'OFF_SALE' }),
    ];
    const [, ...answers] = await Promise.all([
      reserve(saga(), line(hot.id)),
      reserve(saga(), line(hot.id, 2), line(hot.id, 2)),
      reserve(saga(), line(hot.id, 6)),
      reserve(saga(), line(hot.id), line(other.id), line(digital.id, 500)),
      reserve(saga(), line(hot.id), line(other.id)),
      reserve(saga(), line(hot.id), line(offSale.id)),
      reserve(saga(), line(hot.id, 4)),
    ]);
    const short = (productId: string, requested: number, available: number) => ({
      ok: false,
      shortages: [{ productId, requested, available }],
    });
    expect(answers).toEqual([
      { ok: true, shortages: [] },
      short(hot.id, 6, 5),
      { ok: true, shortages: [] },
      short(other.id, 1, 0),
      short(offSale.id, 1, 0),
      { ok: true, shortages: [] },
    ]);
    expect(await world.stock(hot.id)).toMatchObject({ allocated: 10, movements: 5, held: 10 });
    expect(await world.stock(other.id)).toMatchObject({ allocated: 1, movements: 2, held: 1 });
  });

  test('a repeated and a compensated order among those that go together change nothing for the others', async () => {
    const { id } = await world.make({ initialOnHand: 10 });
    const [repeated, late, short] = [saga(), saga(), saga()];
    await reserve(repeated, line(id));
    await release(late);
    const answers = await Promise.allSettled([
      ...[saga(), saga(), repeated, saga()].map((order) => reserve(order, line(id))),
      reserve(late, line(id)),
      reserve(short, line(id, 99)),
    ]);
    expect(answers.slice(0, 4).map((one) => one.status === 'fulfilled' && one.value.ok)).toEqual(Array.from({ length: 4 }, () => true)); // prettier-ignore
    expect(answers[4]).toMatchObject({ status: 'rejected', reason: compensated });
    expect(answers[5]).toMatchObject({ value: { ok: false } });
    expect(await reserve(short, line(id, 2))).toMatchObject({ ok: true });
    expect(await world.stock(id)).toMatchObject({ allocated: 6, held: 6 });
  });

  test('[15.8] a product that two processes sell, staff count and customers give back is neither sold twice nor refused while it is there', async () => {
    const { id } = await world.make({ initialOnHand: 120 });
    const second = await createProductSubgraph(world.runtime);
    try {
      const processes = [world.subgraph.deps, second.deps];
      const one = async (index: number): Promise<number> => {
        const quantity = 1 + (index % 3);
        const order = { ...saga(), lines: [line(id, quantity)], expiresAt: inAnHour() };
        const deps = processes[index % 2] as ProductDeps;
        if (!(await reserveStock(deps, order)).ok) return 0;
        if (index % 4 > 0) return quantity;
        await releaseStock(deps, { ...order, reason: 'test' });
        return 0;
      };
      const receive = adjustStock(world.subgraph.deps, asker(userViewer('ADMIN')), [{ productId: id, delta: 30, reason: 'Delivery' }], newId()); // prettier-ignore
      const [{ userErrors }, ...taken] = await Promise.all([receive, ...Array.from({ length: 200 }, (_, index) => one(index))]); // prettier-ignore
      expect(userErrors).toEqual([]);
      const held = taken.reduce((sum, quantity) => sum + quantity, 0);
      expect(await world.stock(id)).toMatchObject({ onHand: 150, allocated: held, held });
      // Whatever came back last is there for the next ones, down to the last unit.
      const rest = await Promise.all(Array.from({ length: 150 - held + 5 }, (_, index) => reserveStock(processes[index % 2] as ProductDeps, { ...saga(), lines: [line(id)], expiresAt: inAnHour() }))); // prettier-ignore
      expect(rest.filter(({ ok }) => !ok)).toHaveLength(5);
      expect(await world.stock(id)).toMatchObject({ onHand: 150, allocated: 150, held: 150 });
      expect(await auditStock(world.sql(), id)).toMatchObject([{ consistent: true }]);
    } finally {
      await second.close();
    }
  });

  test('the database itself refuses to allocate more than there is', async () => {
    const { id } = await world.make({ initialOnHand: 1 });
    await expect(
      select(world.sql(), 'update stock set allocated = 2 where product_id = unhex(?)', [id.replaceAll('-', '')]),
    ).rejects.toThrow('stock_never_oversold');
  });
});

test('reserving one line takes at most 4 statements, each further line one more', async () => {
  const [first, second] = [await world.make({ initialOnHand: 9 }), await world.make({ initialOnHand: 9 })];
  expect(await world.statements(() => reserve(saga(), line(first.id)))).toHaveLength(4);
  expect(await world.statements(() => reserve(saga(), line(first.id), line(second.id)))).toHaveLength(5);
});

describe('over GraphQL', () => {
  const mutation = /* GraphQL */ `
    mutation Reserve($sagaId: ID!, $orderId: ID!, $lines: [ReserveLineInput!]!, $branch: String! = "reserve") {
      reserveStock(
        sagaId: $sagaId
        branch: $branch
        orderId: $orderId
        lines: $lines
        expiresAt: "2030-01-01T00:00:00Z"
      ) {
        ok
        shortages {
          productId
          requested
          available
        }
      }
    }
  `;
  const releaseMutation =
    'mutation R($sagaId: ID!, $orderId: ID!) { releaseStock(sagaId: $sagaId, branch: "reserve", orderId: $orderId, reason: "r") }';

  test('the order service reserves and releases; a late action gets BRANCH_COMPENSATED', async () => {
    const { id } = await world.make({ initialOnHand: 1 });
    const variables = { sagaId: newId(), orderId: newId(), lines: [line(id)] };
    expect(await world.run(orderService, mutation, variables)).toEqual({
      data: { reserveStock: { ok: true, shortages: [] } },
      errors: [],
    });
    const { lines, ...of } = variables;
    expect(await world.run(orderService, releaseMutation, of)).toEqual({ data: { releaseStock: true }, errors: [] });
    expect((await world.run(orderService, mutation, { ...of, lines })).errors[0]?.code).toBe('BRANCH_COMPENSATED');
  });

  test('nobody but the order service may call it', async () => {
    const variables = { sagaId: newId(), orderId: newId(), lines: [] };
    for (const viewer of [
      anonymous,
      userViewer('CUSTOMER'),
      userViewer('ADMIN'),
      { kind: 'service', app: 'payment' } as const,
    ]) {
      expect((await world.run(viewer, mutation, variables)).errors[0]?.code).toBe('FORBIDDEN');
      expect((await world.run(viewer, releaseMutation, variables)).errors[0]?.code).toBe('FORBIDDEN');
    }
  });

  test('lines, quantities and ids that break a rule are BAD_USER_INPUT', async () => {
    const { id } = await world.make({ initialOnHand: 1 });
    const good = { sagaId: newId(), orderId: newId(), lines: [line(id)] };
    const bad = [
      { lines: [] },
      { lines: [line(id, 0)] },
      { lines: [line(id, -1)] },
      { lines: [line(id, 2_000_000_000)] },
      { lines: [line(id, 1_000_000_000), line(id, 1)] },
      { lines: Array.from({ length: 101 }, () => line(newId())) },
      { sagaId: 'x' },
      { orderId: 'x' },
      { branch: '' },
      { branch: 'b'.repeat(65) },
    ];
    for (const change of bad) {
      expect((await world.run(orderService, mutation, { ...good, ...change })).errors[0]?.code).toBe('BAD_USER_INPUT');
    }
    expect(await world.stock(id)).toMatchObject({ allocated: 0 });
  });
});
