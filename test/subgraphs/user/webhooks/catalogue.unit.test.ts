import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { toDomainEvents } from '../../../../subgraphs/order/events.ts';
import type { OrderEvent } from '../../../../subgraphs/order/domain/order-model.ts';
import type { StoredLine, StoredOrder } from '../../../../subgraphs/order/stored-order.ts';
import { paymentDisputed, paymentRefunded, paymentSucceeded } from '../../../../subgraphs/payment/events.ts';
import type { PaymentRow, RefundRow } from '../../../../subgraphs/payment/records.ts';
import type { DomainEvent } from '../../../../subgraphs/shared/tables/outbox.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import {
  eventNames,
  publicBody,
  testBody,
  testEventSchema,
  webhookEvents,
} from '../../../../subgraphs/user/webhooks/catalogue.ts';
import { aLine, anOrder } from '../../order/fixtures.ts';

const [seller, product, lineId, fulfilmentId, returnId, paymentId] = Array.from({ length: 6 }, newId);
const personal = { remark: 'Call Ada Lovelace', confirmationCode: '4711', address: 'Bakerstreet' };
const line = { ...aLine({ id: lineId }), sellerId: seller, productId: product, stay: null } as unknown as StoredLine;
const stored = (change: Partial<StoredOrder> = {}) =>
  ({
    ...anOrder({ ...change, remark: personal.remark }),
    number: 'SO1', type: 'STANDARD', customerId: newId(), currency: 'EUR', seq: 7,
    confirmationCode: personal.confirmationCode, shippingAddress: { line1: personal.address }, lines: [line], ...change,
  }) as unknown as StoredOrder; // prettier-ignore

const tracking = { carrier: 'DHL', trackingNumber: '0034', trackingUrl: null };
const lines = [{ lineId: lineId!, quantity: 1 }];
/** What happens to orders, with the state that it leads to. */
const happenings: readonly [string | null, OrderEvent, Partial<StoredOrder>?][] = [
  ['order.placed', { type: 'StockReserved' }],
  [
    'order.paid',
    { type: 'OrderPaid', paymentId: paymentId!, amountMinor: 5_000n, method: 'CARD', paidAt: new Date(), advances: true },
    { state: 'PAID' },
  ],
  ['order.paid', { type: 'OrderPaid', paymentId: null, amountMinor: 0n, method: 'NONE', paidAt: new Date(), advances: true }, { state: 'PAID' }],
  ['order.shipped', { type: 'LinesFulfilled', fulfilmentId: fulfilmentId!, lines, ...tracking }, { state: 'COMPLETED' }],
  ['order.delivered', { type: 'FulfilmentDelivered', fulfilmentId: fulfilmentId! }, { state: 'COMPLETED' }],
  ['order.completed', { type: 'OrderCompleted' }, { state: 'COMPLETED' }],
  ['order.lines_cancelled', { type: 'LinesCancelled', lines, reason: 'CUSTOMER', note: personal.remark }, { state: 'PAID' }],
  ['order.cancelled', { type: 'OrderCancelled', reason: 'CUSTOMER', note: personal.remark }, { state: 'CANCELLED', cancelReason: 'CUSTOMER' }],
  ['order.expired', { type: 'OrderExpired' }, { state: 'EXPIRED', cancelReason: 'PAYMENT_TIMEOUT' }],
  ['order.refunded', { type: 'OrderRefunded' }, { state: 'REFUNDED' }],
  ['order.return_requested', { type: 'ReturnRequested', returnId: returnId!, number: 'RE1', lines, reason: personal.remark }],
  ['order.return_decided', { type: 'ReturnDecided', returnId: returnId!, number: 'RE1', approved: false, reason: personal.remark }],
  [
    'order.return_received',
    { type: 'ReturnReceived', returnId: returnId!, number: 'RE1', requestId: null, lines: [{ ...lines[0]!, restock: 0 }] },
  ],
  ['order.return_cancelled', { type: 'ReturnCancelled', returnId: returnId!, number: 'RE1' }],
  // Nobody outside has heard of it.
  [null, { type: 'PlacingFailed', reason: 'OUT_OF_STOCK', detail: null }, { state: 'FAILED' }],
  [
    null,
    { type: 'RefundRequested', requestId: newId(), amountMinor: 1n, taxMinor: 0n, lines: [], shippingMinor: 0n, restock: [], reason: personal.remark, requestedBy: null },
  ],
]; // prettier-ignore

const payment = { id: paymentId, orderId: newId(), customerId: newId(), method: 'STRIPE', capturedMinor: 5_000n, refundedMinor: 900n, currency: 'EUR', paidAt: new Date() } as unknown as PaymentRow; // prettier-ignore
const refund = { id: newId(), requestId: null, amountMinor: 400n, currency: 'EUR', automatic: false, origin: 'PLATFORM', reason: personal.remark } as unknown as RefundRow; // prettier-ignore
const paymentEvents = [
  paymentSucceeded(payment),
  paymentRefunded(payment, refund),
  paymentDisputed(payment, { disputeId: newId(), state: 'OPEN', amountMinor: 5_000n, reason: personal.remark }),
].map(({ type, data }): DomainEvent => ({
  id: newId(), type, aggregateId: payment.orderId, traceId: '0'.repeat(32), at: new Date().toISOString(),
  data: { paymentId: payment.id, orderId: payment.orderId, ...data },
})); // prettier-ignore

const toldOf = (event: OrderEvent, change?: Partial<StoredOrder>): DomainEvent[] =>
  toDomainEvents(stored(change), [event], { at: new Date(), traceId: '0'.repeat(32) });

/** Reads a body by the JSON Schema that receivers get, not by the one that made it. */
function expectDescribed(body: { type: string }): void {
  const schema = body.type === 'webhook.test' ? testEventSchema() : webhookEvents.find(({ name }) => name === body.type)?.schema;
  const result = z.fromJSONSchema(schema as never).safeParse(JSON.parse(JSON.stringify(body)));
  expect(result.error?.issues ?? []).toEqual([]);
} // prettier-ignore

describe('[PM-3] the catalogue of events', () => {
  it('describes the body of every event that the services tell, and none has more than ids of a person', () => {
    const told = happenings.flatMap(([, event, change]) => toldOf(event, change));
    const bodies = [...told, ...paymentEvents].map(publicBody).filter((body) => body !== null);
    expect(new Set(bodies.map(({ type }) => type))).toEqual(new Set(eventNames));
    for (const body of [...bodies, testBody(newId(), new Date())]) {
      expectDescribed(body);
      for (const text of Object.values(personal)) expect(JSON.stringify(body)).not.toContain(text);
    }
  });

  it.each(happenings.map(([name, event, change = {}]) => ({ name, event, change })))(
    'tells $name of $event.type',
    ({ name, event, change }) => {
      const bodies = toldOf(event, change).map(publicBody);
      expect(bodies.map((body) => body?.type ?? null)).toEqual([name]);
      if (name === null) return;
      expect(bodies[0]).toMatchObject({
      version: 1,
      data: { number: 'SO1', orderType: 'STANDARD', seq: 7, state: change.state ?? 'PENDING_PAYMENT', total: { amount: 5_000, currency: 'EUR' } },
    }); // prettier-ignore
    },
  );

  it('numbers the events of one change as the journal does', () => {
    const { type: _, ...sent } = { type: '', fulfilmentId: fulfilmentId!, lines, ...tracking };
    const events: OrderEvent[] = [{ type: 'LinesFulfilled', ...sent }, { type: 'OrderCompleted' }];
    const told = toDomainEvents(stored({ state: 'COMPLETED' }), events, { at: new Date(), traceId: '0'.repeat(32) });
    expect(told.map((event) => publicBody(event)?.data['seq'])).toEqual([6, 7]);
  });

  it('is silent about events of versions that told nothing of the order', () => {
    const [event] = toldOf({ type: 'OrderCompleted' }, { state: 'COMPLETED' });
    const { order: _, ...old } = event!.data;
    expect(publicBody({ ...event!, data: old })).toBeNull();
  });

  it('refuses an event that lacks what its schema needs, rather than telling half of it', () => {
    const [event] = toldOf({ type: 'FulfilmentDelivered', fulfilmentId: fulfilmentId! });
    expect(() => publicBody({ ...event!, data: { ...event!.data, fulfilmentId: undefined } })).toThrow('fulfilmentId');
  });

  it('names the seller of a placed order where one sells all of it', () => {
    const other = { ...line, sellerId: null } as StoredLine;
    const sellers = [[line], [line, line], [line, other], [other]].map((given) => toldOf({ type: 'StockReserved' }, { lines: given })[0]?.data['sellerId']); // prettier-ignore
    expect(sellers).toEqual([seller, seller, null, null]);
  });
});
