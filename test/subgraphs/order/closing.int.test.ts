import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { GraphQLError } from 'graphql';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import type { DomainEvent } from '../../../subgraphs/shared/tables/outbox.ts';
import { expireOrders } from '../../../subgraphs/order/commands/expire-orders.ts';
import { type Answer, type OrderWorld, openOrderWorld, orderQuery, userViewer } from './order-world.ts';

let world: OrderWorld;
/** What payment says of orders that are about to close, by their ids. */
const outlooks = new Map<string, Record<string, unknown>>();
let asked: string[][] = [];
let failing: Error | null = null;

beforeAll(async () => {
  world = await openOrderWorld();
  world.intercept = async (request, next) => {
    if (!request.query.includes('settleBeforeClosing')) return next();
    const { orderIds } = request.variables as { orderIds: string[] };
    asked.push(orderIds);
    if (failing) throw failing;
    const told = { settledMinor: 0, paidAt: null, paymentId: null, until: null, authorizedMinor: 0 };
    const found = orderIds.flatMap((orderId) => outlooks.get(orderId) ? [{ orderId, ...told, ...outlooks.get(orderId) }] : []); // prettier-ignore
    return { data: { settleBeforeClosing: found } };
  };
}, 60_000);
afterAll(async () => {
  expect(await world?.close()).toEqual([]);
}, 30_000);
beforeEach(() => {
  asked = [];
  failing = null;
  outlooks.clear();
});

const buyer = userViewer();
async function due(lateMs = 1): Promise<string> {
  const { id } = await world.place(buyer);
  await world.rows('update orders set expires_at = ? where id = ?', [new Date(Date.now() - lateMs), idToBytes(id)]);
  return id;
}
const read = async (id: string): Promise<Answer['data']> => (await world.run(buyer, orderQuery, { id })).data.order;
const event = (type: string, orderId: string, data: Record<string, unknown>): DomainEvent => ({
  id: newId(), type, aggregateId: orderId, traceId: 'a'.repeat(32), at: new Date().toISOString(), data: { orderId, ...data },
}); // prettier-ignore

describe('before orders are closed payment is asked', () => {
  test('once for all of them, and those of which it knows nothing are closed at once', async () => {
    const ids = [await due(), await due(), await due()];
    expect(await expireOrders(world.deps)).toBe(3);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.toSorted()).toEqual(ids.toSorted());
    for (const id of ids) expect((await read(id)).state).toBe('EXPIRED');
  });

  test('one that was paid in time is not closed, and paid when the event comes', async () => {
    const id = await due(1_000);
    const paidAt = new Date(Date.now() - 2_000).toISOString();
    outlooks.set(id, { settledMinor: 1_290, paidAt });
    expect(await expireOrders(world.deps)).toBe(0);
    await world.paymentEvent(world.succeeded(id, { paidAt }));
    expect(await read(id)).toMatchObject({ state: 'PAID', paymentStatus: 'PAID' });
  });

  test('one that was paid after its deadline is closed', async () => {
    const id = await due(1_000);
    outlooks.set(id, { settledMinor: 1_290, paidAt: new Date().toISOString() });
    expect(await expireOrders(world.deps)).toBe(1);
    expect((await read(id)).state).toBe('EXPIRED');
  });

  test('one whose event never comes is closed after ten minutes, so that its money goes back', async () => {
    const id = await due(600_001);
    outlooks.set(id, { settledMinor: 1_290, paidAt: new Date(Date.now() - 700_000).toISOString() });
    expect(await expireOrders(world.deps)).toBe(1);
    expect((await read(id)).state).toBe('EXPIRED');
  });

  test('one whose payment is on its way waits, as its journal tells, and those beside it are closed', async () => {
    const [id, other] = [await due(), await due()];
    const until = new Date(Date.now() + 60_000).toISOString();
    outlooks.set(id, { paymentId: newId(), until });
    expect(await expireOrders(world.deps)).toBe(1);
    expect((await read(other)).state).toBe('EXPIRED');
    const waiting = await read(id);
    expect(waiting).toMatchObject({ state: 'PENDING_PAYMENT' });
    expect(waiting.history.edges.at(-1).node).toMatchObject({ type: 'PaymentAwaited', data: { until } });
    expect(await expireOrders(world.deps)).toBe(0);
    await world.rows('update orders set expires_at = ? where id = ?', [new Date(Date.now() - 1_000), idToBytes(id)]);
    outlooks.clear();
    expect(await expireOrders(world.deps)).toBe(1);
  });

  test('out of reach it holds up for seconds only what has become due lately', async () => {
    const [young, old, unpaid] = [await due(1_000), await due(9_000), await due(1_000)];
    for (const id of [young, old]) await world.paymentEvent(event('payment.started', id, { paymentId: newId() }));
    failing = new GraphQLError('away', { extensions: { code: 'SERVICE_UNAVAILABLE' } });
    expect(await expireOrders(world.deps)).toBe(2);
    for (const id of [old, unpaid]) expect((await read(id)).state).toBe('EXPIRED');
    expect((await read(young)).state).toBe('PENDING_PAYMENT');
    const [row] = await world.rows('select state from orders where id = ?', [idToBytes(young)]);
    expect(row?.['state']).toBe('PENDING_PAYMENT');
    failing = null;
    expect(await expireOrders(world.deps)).toBe(1);
  });
});

describe('an event of payment', () => {
  const until = () => new Date(Date.now() + 3_600_000).toISOString();

  test('has the order wait, be AUTHORIZED, and have its own deadline again', async () => {
    const { id } = await world.place(buyer);
    const paymentId = newId();
    await world.paymentEvent(event('payment.awaited', id, { paymentId, until: until(), authorizedMinor: 1_290, currency: 'EUR' })); // prettier-ignore
    expect(await read(id)).toMatchObject({ state: 'PENDING_PAYMENT', paymentStatus: 'AUTHORIZED' });
    await world.rows('update orders set pay_by = ? where id = ?', [new Date(Date.now() - 1_000), idToBytes(id)]);
    await world.paymentEvent(event('payment.failed', id, { paymentId, reason: 'authorization_expired' }));
    expect(await read(id)).toMatchObject({ state: 'EXPIRED', paymentStatus: 'UNPAID' });
    expect(await expireOrders(world.deps)).toBe(1);
    expect(await read(id)).toMatchObject({ state: 'EXPIRED', paymentStatus: 'VOIDED' });
  });

  test('of a decline changes nothing about an order that waits for nothing', async () => {
    const { id } = await world.place(buyer);
    const before = await read(id);
    await world.paymentEvent(event('payment.failed', id, { paymentId: newId(), reason: 'card_declined' }));
    expect(await read(id)).toEqual(before);
  });

  test('in another currency than the order’s goes to the dead letters', async () => {
    const { id } = await world.place(buyer);
    const other = event('payment.awaited', id, { paymentId: newId(), until: until(), authorizedMinor: 0, currency: 'USD' }); // prettier-ignore
    await expect(world.paymentEvent(other)).rejects.toThrow('USD');
  });
});
