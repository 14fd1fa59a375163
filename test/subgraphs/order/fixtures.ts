import type { ReturnFacts } from '../../../subgraphs/order/domain/return-model.ts';
import fc from 'fast-check';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type Line,
  type Order,
  type OrderCommand,
  type OrderState,
  orderStates,
} from '../../../subgraphs/order/domain/order-model.ts';
import { paymentStatusOf } from '../../../subgraphs/order/domain/order.ts';
import type { PlaceOrderInput } from '../../../subgraphs/order/domain/pricing/check-input.ts';
import type { ProductSnapshot } from '../../../subgraphs/order/domain/pricing/price-lines.ts';
import type { OrderType } from '../../../subgraphs/order/types/order-type.ts';
import { standard } from '../../../subgraphs/order/types/standard.ts';

export const placedAt = new Date('2026-11-21T09:00:00.000Z');
export const expiresAt = new Date('2026-11-21T09:20:00.000Z');
export const after = (date: Date, ms: number): Date => new Date(date.getTime() + ms);
export const inTime = after(placedAt, 60_000);

/** A state that only an order with money has. */
const paidStates: readonly OrderState[] = ['PAID', 'PROCESSING', 'COMPLETED', 'LAPSED', 'NEEDS_ATTENTION', 'REFUNDED'];

/** A line of two pieces to ship, of 5,000 minor units. */
export const aLine = (change: Partial<Line> = {}): Line => ({
  id: 'line-1',
  quantity: 2,
  fulfilledQuantity: 0,
  needsFulfilment: true,
  cancelledQuantity: 0,
  refundedQuantity: 0,
  returnedQuantity: 0,
  unrefundedReturnQuantity: 0,
  restockedQuantity: 0,
  totalMinor: 5_000n,
  taxMinor: 0n,
  ...change,
});

/** An order of 5,000 minor units with a line of two pieces to ship. */
export function anOrder(change: Partial<Order> = {}): Order {
  const state = change.state ?? 'PENDING_PAYMENT';
  const order: Order = {
    id: newId(),
    state,
    paymentStatus: 'UNPAID',
    fulfilmentStatus: 'UNFULFILLED',
    totalMinor: 5_000n,
    paidMinor: paidStates.includes(state) ? 5_000n : 0n,
    refundedMinor: 0n,
    refundPendingMinor: 0n,
    taxMinor: 0n,
    refundedTaxMinor: 0n,
    shippingRefundedMinor: 0n,
    authorizedMinor: 0n,
    expiresAt,
    isPaying: false,
    payBy: null,
    paidAt: paidStates.includes(state) ? inTime : null,
    completedAt: state === 'COMPLETED' ? inTime : null,
    closedAt: null,
    cancelReason: null,
    archivedAt: null,
    remark: null,
    hasHooks: false,
    advanceAt: null,
    advanceAttempts: 0,
    lapsesAt: null,
    lines: [aLine()],
    ...change,
  };
  return { ...order, paymentStatus: paymentStatusOf(order) };
}

const noTracking = { carrier: null, trackingNumber: null, trackingUrl: null };
/** A delivery of nothing, so that it fits every order. */
const sent = { id: 'fulfilment-1', lines: [], deliveredAt: null, cancelledAt: null };

/** A return that was asked for. */
export const aReturn: ReturnFacts = {
  id: 'return-1',
  number: 'RE1',
  state: 'REQUESTED',
  reason: 'too small',
  lines: [{ lineId: 'line-1', quantity: 1, receivedQuantity: 0, restockedQuantity: 0 }],
};

/** One command of every kind, as it may come. */
export const commands: { readonly [Type in OrderCommand['type']]: Extract<OrderCommand, { type: Type }> } = {
  ConfirmStock: { type: 'ConfirmStock' },
  ConfirmPrepaid: { type: 'ConfirmPrepaid', paymentId: 'payment-0', paidAt: inTime, advances: true },
  ConfirmFree: { type: 'ConfirmFree', advances: true },
  FailPlacing: { type: 'FailPlacing', reason: 'OUT_OF_STOCK', detail: { shortages: [] } },
  MarkPaid: { type: 'MarkPaid', paymentId: 'payment-1', amountMinor: 5_000n, method: 'SIMULATED_CARD', paidAt: inTime, advances: true }, // prettier-ignore
  RecordRefund: { type: 'RecordRefund', paymentId: 'payment-1', refundId: 'refund-1', amountMinor: 5_000n },
  RecordDispute: { type: 'RecordDispute', paymentId: 'payment-1', disputeId: 'dispute-1', state: 'OPEN', amountMinor: 5_000n, reason: 'fraudulent' }, // prettier-ignore
  AwaitPayment: { type: 'AwaitPayment', paymentId: 'payment-1', until: after(expiresAt, 60_000), authorizedMinor: 0n },
  StopAwaiting: { type: 'StopAwaiting', paymentId: 'payment-1' },
  Expire: { type: 'Expire' },
  Cancel: { type: 'Cancel', reason: 'CUSTOMER', note: null },
  CancelLines: { type: 'CancelLines', requestId: 'request-1', lines: [{ lineId: 'line-1', quantity: 1 }], reason: 'CUSTOMER', note: null }, // prettier-ignore
  Refund: { type: 'Refund', requestId: 'request-1', lines: [{ lineId: 'line-1', quantity: 1 }], withShipping: false, amountMinor: null, currency: 'EUR', restock: false, reason: 'broken', requestedBy: 'staff-1' }, // prettier-ignore
  RequestReturn: { type: 'RequestReturn', returnId: 'return-1', number: 'RE1', lines: [{ lineId: 'line-1', quantity: 1 }], reason: 'too small', windowDays: 30, returns: [] }, // prettier-ignore
  DecideReturn: { type: 'DecideReturn', known: aReturn, approve: true, reason: null },
  ReceiveReturn: { type: 'ReceiveReturn', known: { ...aReturn, state: 'APPROVED' }, lines: [{ lineId: 'line-1', quantity: 1, restock: 1 }], requestId: null, requestedBy: 'staff-1' }, // prettier-ignore
  CancelReturn: { type: 'CancelReturn', known: aReturn },
  Redeem: { type: 'Redeem' },
  Lapse: { type: 'Lapse' },
  StartProcessing: { type: 'StartProcessing' },
  Complete: { type: 'Complete' },
  Fulfil: { type: 'Fulfil', fulfilmentId: 'fulfilment-1', lines: null, ...noTracking },
  MarkDelivered: { type: 'MarkDelivered', fulfilment: sent },
  CancelFulfilment: { type: 'CancelFulfilment', fulfilment: sent, reason: 'lost' },
  PostponeAdvance: { type: 'PostponeAdvance', error: 'later', nextAt: after(inTime, 1_000) },
  NeedAttention: { type: 'NeedAttention', error: 'broken' },
  ResolveAttention: { type: 'ResolveAttention', to: 'COMPLETED', note: 'sent by hand' },
  ChangeRemark: { type: 'ChangeRemark', remark: 'Ring twice' },
  AddNote: { type: 'AddNote', note: 'called', public: false },
  Archive: { type: 'Archive' },
  Unarchive: { type: 'Unarchive' },
};

const positive = fc.integer({ min: 1, max: 9_000 }).map(BigInt);
const payments = fc.constantFrom('payment-1', 'payment-2');

/** Any command with any arguments. */
export const anyCommand: fc.Arbitrary<OrderCommand> = fc.oneof(
  fc.constantFrom(...Object.values(commands)),
  fc.record({
    type: fc.constant('MarkPaid' as const),
    paymentId: payments,
    amountMinor: positive,
    method: fc.constant('SIMULATED_CARD'),
    paidAt: fc.integer({ min: -1_000, max: 1_000 }).map((ms) => after(expiresAt, ms)),
    advances: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('RecordRefund' as const),
    paymentId: payments,
    refundId: fc.uuid(),
    amountMinor: positive,
  }),
  fc.record({
    type: fc.constant('AwaitPayment' as const),
    paymentId: payments,
    until: fc.integer({ min: -1_000, max: 9_000 }).map((ms) => after(expiresAt, ms)),
    authorizedMinor: fc.constantFrom(0n, 5_000n),
  }),
  fc.record({
    type: fc.constant('Fulfil' as const),
    fulfilmentId: fc.uuid(),
    lines: fc.option(
      fc.array(fc.record({ lineId: fc.constantFrom('line-1', 'line-2'), quantity: fc.integer({ min: -1, max: 3 }) }), {
        maxLength: 3,
      }),
    ),
    carrier: fc.constant(null),
    trackingNumber: fc.constant(null),
    trackingUrl: fc.constant(null),
  }),
  fc.record({
    type: fc.constant('ResolveAttention' as const),
    to: fc.constantFrom(...orderStates),
    note: fc.string(),
  }),
);

export const snapshot = (change: Partial<ProductSnapshot> = {}): ProductSnapshot => ({
  id: newId(),
  sku: 'BEANS-1',
  kind: 'STOCKED',
  name: 'Espresso beans',
  subtitle: null,
  cover: null,
  price: { amount: 1_290, currency: 'EUR' },
  marketPrice: null,
  status: 'ON_SALE',
  maxGuests: null,
  seller: null,
  taxCategory: 'standard',
  weightGrams: null,
  categoryIds: [],
  addOns: [],
  ...change,
});

export const anInput = (change: Partial<PlaceOrderInput> = {}): PlaceOrderInput => ({
  type: 'STANDARD',
  currency: 'EUR',
  lines: [{ productId: newId(), quantity: 1 }],
  ...change,
});

export const aType = (change: Partial<OrderType> = {}): OrderType => ({ ...standard, ...change });
