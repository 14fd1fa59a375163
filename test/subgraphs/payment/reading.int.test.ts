import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openDatabase } from '../../../subgraphs/shared/database/database.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { createLogger } from '../../../subgraphs/shared/process/telemetry.ts';
import { paymentSchema } from '../../../subgraphs/payment/subgraph.ts';
import {
  type PaymentWorld,
  cards,
  confirm,
  create,
  documents,
  openPaymentWorld,
  paymentIn,
  staff,
  user,
} from './support/payment-world.ts';
import { driftOf } from '../../support/schema-drift.ts';

let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld();
});
afterAll(async () => {
  await world?.close();
});

async function open() {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  return { buyer, order, payment: await create(world, buyer, order.id) };
}
const service = { kind: 'service', app: 'order' } as const;
const anonymous = { kind: 'anonymous' } as const;

describe('a payment can be read', () => {
  const byId = 'query ($id: ID, $number: String) { payment(id: $id, number: $number) { id number } }';

  test('by id and by number, by its customer, staff and services', async () => {
    const { buyer, payment } = await open();
    for (const viewer of [buyer, staff, service]) {
      for (const by of [{ id: payment.id }, { number: payment.number }]) {
        expect((await world.run(viewer, byId, by)).data.payment).toEqual({ id: payment.id, number: payment.number });
      }
    }
  });

  test('by nobody else, who can not tell it from one that does not exist', async () => {
    const { payment } = await open();
    const answers = [
      { id: payment.id },
      { number: payment.number },
      { id: newId() },
      { id: 'nonsense' },
      { number: 'PM260101000000000' },
      { number: '' },
    ];
    for (const by of answers) expect(await world.run(user(), byId, by)).toEqual({ data: { payment: null }, errors: [{ code: 'NOT_FOUND', message: 'There is no such payment.' }] }); // prettier-ignore
    expect((await world.run(anonymous, byId, { id: payment.id })).errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
  });

  test('by exactly one of id and number', async () => {
    expect((await world.run(user(), byId, {})).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
    expect((await world.run(user(), byId, { id: newId(), number: 'PM' })).errors).toMatchObject([
      { code: 'BAD_USER_INPUT' },
    ]);
  });
});

describe('lists', () => {
  test('of all payments are for staff, newest first, by state and in pages', async () => {
    const list =
      'query ($first: Int, $after: String, $state: [PaymentState!]) { payments(first: $first, after: $after, state: $state) { edges { node { id state } } pageInfo { hasNextPage endCursor } } }';
    const [one, two] = [await open(), await open()];
    await world.run(two.buyer, documents.cancel, { id: two.payment.id, key: newId() });
    const first = (await world.run(staff, list, { first: 1 })).data.payments;
    expect(first).toMatchObject({ edges: [{ node: { id: two.payment.id } }], pageInfo: { hasNextPage: true } });
    const second = (await world.run(staff, list, { first: 1, after: first.pageInfo.endCursor })).data.payments;
    expect(second.edges).toMatchObject([{ node: { id: one.payment.id } }]);
    expect((await world.run(staff, list, { first: 1, state: ['CANCELLED'] })).data.payments.edges).toMatchObject([
      { node: { id: two.payment.id, state: 'CANCELLED' } },
    ]);
    for (const wrong of [
      { first: 0 },
      { first: 101 },
      { after: 'nonsense' },
      { after: Buffer.from('["x"]').toString('base64url') },
    ]) {
      expect((await world.run(staff, list, wrong)).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
    }
    expect((await world.run(one.buyer, list)).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect((await world.run(anonymous, list)).errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
  });

  test('of methods say what an order takes right now', async () => {
    const methods = 'query ($orderId: ID!) { availablePaymentMethods(orderId: $orderId) }';
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    expect((await world.run(buyer, methods, { orderId: order.id })).data.availablePaymentMethods).toEqual([
      'SIMULATED_CARD',
    ]);
    world.orders.set(order.id, { expiresAt: new Date(Date.now() - 1_000).toISOString() });
    expect((await world.run(buyer, methods, { orderId: order.id })).data.availablePaymentMethods).toEqual([]);
    for (const orderId of [order.id, newId(), 'nonsense'])
      expect((await world.run(user(), methods, { orderId })).errors).toMatchObject([{ code: 'NOT_FOUND' }]);
  });
});

describe('entities', () => {
  const entities = async (viewer: Parameters<PaymentWorld['run']>[0], representations: object[], select: string) =>
    world.run(viewer, `query ($r: [_Any!]!) { _entities(representations: $r) { ${select} } }`, { r: representations });

  test('show the payments and refunds of an order to its owner, staff and services, and nothing to others', async () => {
    const { buyer, order, payment } = await open();
    await confirm(world, payment);
    await paymentIn(world, payment.id, 'SETTLED');
    await world.run(staff, documents.refund, {
      input: { paymentId: payment.id, amount: { amount: 1, currency: 'EUR' }, reason: 'test' },
      key: newId(),
    });
    const select = '... on Order { payments { id } refunds { amount { amount } } }';
    for (const viewer of [buyer, staff, service]) {
      expect((await entities(viewer, [{ __typename: 'Order', id: order.id }], select)).data._entities).toEqual([
        { payments: [{ id: payment.id }], refunds: [{ amount: { amount: 1 } }] },
      ]);
    }
    for (const viewer of [user(), anonymous]) {
      expect((await entities(viewer, [{ __typename: 'Order', id: order.id }, { __typename: 'Order', id: 'nonsense' }], select)).data._entities).toEqual([{ payments: [], refunds: [] }, { payments: [], refunds: [] }]); // prettier-ignore
    }
  });

  test('give the payment page of an order that can be paid to its owner and staff', async () => {
    const buyer = user();
    const id = newId();
    const payUrl = async (viewer: Parameters<PaymentWorld['run']>[0], change: object = {}) => {
      const representation = {
        __typename: 'Order',
        id,
        state: 'PENDING_PAYMENT',
        expiresAt: new Date(Date.now() + 60_000).toISOString(),
        customer: { __typename: 'User', id: buyer.userId },
        ...change,
      };
      return (await entities(viewer, [representation], '... on Order { payUrl }')).data._entities[0].payUrl;
    };
    expect(await payUrl(buyer)).toBe(`http://localhost:4000/pay/${id}`);
    expect(await payUrl(staff)).toBe(`http://localhost:4000/pay/${id}`);
    expect(await payUrl(buyer, { expiresAt: null })).toBe(`http://localhost:4000/pay/${id}`);
    expect(await payUrl(user())).toBeNull();
    expect(await payUrl(anonymous)).toBeNull();
    expect(await payUrl(buyer, { state: 'PAID' })).toBeNull();
    // A second ago: the platform's clock is compared with that of Redis.
    expect(await payUrl(buyer, { expiresAt: new Date(Date.now() - 1_000).toISOString() })).toBeNull();
  });

  test('resolve payments, refunds and the payments of a user only for who may see them', async () => {
    const { buyer, payment } = await open();
    const references = [
      { __typename: 'Payment', id: payment.id },
      { __typename: 'Payment', id: 'nonsense' },
    ];
    expect((await entities(buyer, references, '... on Payment { number }')).data._entities).toEqual([
      { number: payment.number },
      null,
    ]);
    expect((await entities(user(), references, '... on Payment { number }')).data._entities).toEqual([null, null]);
    const select = '... on User { payments(first: 1) { edges { node { id } } } }';
    expect((await entities(buyer, [{ __typename: 'User', id: buyer.userId }], select)).data._entities).toEqual([
      { payments: { edges: [{ node: { id: payment.id } }] } },
    ]);
    for (const viewer of [user(), anonymous])
      expect((await entities(viewer, [{ __typename: 'User', id: buyer.userId }], select)).errors).toMatchObject([
        { code: 'FORBIDDEN' },
      ]);
  });

  test('are read in one statement a kind, however many orders are asked for', async () => {
    const buyer = user();
    const orders = await Promise.all(Array.from({ length: 12 }, async () => {
      const order = world.orders.add({ customerId: buyer.userId });
      await create(world, buyer, order.id);
      return { __typename: 'Order', id: order.id };
    })); // prettier-ignore
    const before = await questions();
    const { data } = await entities(
      buyer,
      orders,
      '... on Order { payments { id attempts { id } refunds { id } } refunds { id } }',
    );
    expect(
      data._entities.every(
        (order: { payments: { attempts: unknown[] }[] }) => order.payments[0]?.attempts.length === 1,
      ),
    ).toBe(true);
    expect(seen.slice(before).filter((sql) => / in \(/.test(sql))).toHaveLength(4);
  });
  const seen: string[] = [];
  const questions = async (): Promise<number> => {
    const { subscribe } = await import('node:diagnostics_channel');
    subscribe('tracing:mysql2:query:start', (message) => seen.push((message as { query: string }).query));
    return seen.length;
  };
});

describe('paymentUpdated', () => {
  const updates = 'subscription ($orderId: ID!) { paymentUpdated(orderId: $orderId) { id state attempts { state } } }';

  test('tells the payments as they are, then each change', async () => {
    const { buyer, order, payment } = await open();
    const iterator = world.watch(buyer, updates, { orderId: order.id });
    const next = async () => (await iterator.next()).value.data.paymentUpdated;
    expect(await next()).toEqual({ id: payment.id, state: 'OPEN', attempts: [{ state: 'REQUIRES_ACTION' }] });
    await confirm(world, payment, cards.declines);
    expect(await next()).toEqual({ id: payment.id, state: 'FAILED', attempts: [{ state: 'FAILED' }] });
    await confirm(world, payment);
    expect(await next()).toEqual({ id: payment.id, state: 'SETTLED', attempts: [{ state: 'SUCCEEDED' }] });
    await iterator.return?.();
    expect((await iterator.next()).done).toBe(true);
  });

  test('waits for the first payment of an order that has none', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    const iterator = world.watch(staff, updates, { orderId: order.id });
    const first = iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const payment = await create(world, buyer, order.id);
    expect((await first).value).toMatchObject({ data: { paymentUpdated: { id: payment.id } } });
    await iterator.return?.();
  });

  test('is refused to whoever may not see the order', async () => {
    const { order } = await open();
    for (const [viewer, orderId, code] of [[user(), order.id, 'NOT_FOUND'], [user(), newId(), 'NOT_FOUND'], [user(), 'nonsense', 'NOT_FOUND'], [anonymous, order.id, 'UNAUTHENTICATED']] as const) {
      const { value } = await world.watch(viewer, updates, { orderId }).next();
      expect(value.errors).toMatchObject([{ extensions: { code } }]);
    }
  }); // prettier-ignore
});

describe('the schema', () => {
  const kernelTables =
    /^drop table if exists `(migration_lock|mikro_orm_migrations|outbox|outbox_mark|inbox|dead_letter|idempotency|barrier)`;?$/;

  test('of records and of migrations agree', async () => {
    const [row] = await world.rows('select database() as name');
    const url = new URL(String(process.env['TEST_MYSQL_URL']));
    url.pathname = `/${row.name}`;
    const { entities, migrations } = paymentSchema;
    const db = await openDatabase({
      url: url.href,
      entities,
      migrations,
      poolSize: 1,
      log: createLogger('test', 'silent'),
    });
    const orm = await db.orm();
    const difference = await orm.schema.getUpdateSchemaSQL({ wrap: false });
    await orm.close();
    await Promise.all([db.migrate(), db.migrate()]);
    await db.close();
    expect(driftOf(difference, kernelTables)).toEqual([]);
  });

  test('refuses by itself what breaks the sums', async () => {
    const { payment } = await open();
    const id = payment.id.replaceAll('-', '');
    for (const change of [
      'captured_minor = 1235',
      'captured_minor = -1',
      'refunding_minor = 1',
      'refunded_minor = 1',
      'amount_minor = 0',
    ]) {
      await expect(world.rows(`update payment set ${change} where id = unhex(?)`, [id])).rejects.toThrow(
        /constraint [`']\w+[`']/i,
      );
    }
  });
});
