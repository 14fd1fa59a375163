import { type DomainEvent, appendOutbox } from '../shared/tables/outbox.ts';
import type { Unit } from './unit.ts';
import type { PaymentDeps } from './deps.ts';
import type { PaymentRow, RefundRow } from './records.ts';

type Outgoing = { type: string; data: Readonly<Record<string, unknown>> };

/** Writes an event of a payment into the outbox, in the transaction of the change and in the trace in which the payment was made. */
export async function appendEvent(unit: Unit, deps: PaymentDeps, payment: PaymentRow, event: Outgoing): Promise<void> {
  const at = deps.now().toISOString();
  const common = { paymentId: payment.id, orderId: payment.orderId, customerId: payment.customerId };
  const { type, data } = event;
  const told: DomainEvent = {
    id: deps.newId(),
    type,
    aggregateId: payment.orderId,
    traceId: payment.traceId,
    at,
    data: { ...common, ...data },
  };
  await appendOutbox(unit.sql, [told]);
  unit.wake('outbox');
}

export const paymentSucceeded = (payment: PaymentRow): Outgoing => ({
  type: 'payment.succeeded',
  data: {
    method: payment.method,
    amountMinor: Number(payment.capturedMinor),
    currency: payment.currency,
    paidAt: payment.paidAt?.toISOString(),
  },
});

/** A provider is asked to collect it: it has to be asked once more before the order closes. */
export const paymentStarted = (payment: PaymentRow): Outgoing => ({
  type: 'payment.started',
  data: { method: payment.method, amountMinor: Number(payment.amountMinor), currency: payment.currency },
});

/** The order waits for the payment until then, whatever its own deadline; `payment.authorized` where its provider holds it. */
export const paymentAwaited = (
  payment: PaymentRow,
  { until, authorizedMinor }: { until: Date; authorizedMinor: bigint },
): Outgoing => ({
  type: payment.state === 'AUTHORIZED' ? 'payment.authorized' : 'payment.awaited',
  data: {
    method: payment.method,
    amountMinor: Number(payment.amountMinor),
    authorizedMinor: Number(authorizedMinor),
    currency: payment.currency,
    until: until.toISOString(),
  },
});

export const paymentFailed = (reason: string): Outgoing => ({ type: 'payment.failed', data: { reason } });

/** What has become of a dispute. The amount is the bank's, in the payment's currency: it may be more than was paid. */
export const paymentDisputed = (
  payment: PaymentRow,
  dispute: { disputeId: string; state: 'OPEN' | 'WON' | 'LOST'; amountMinor: bigint; reason: string | null },
): Outgoing => ({
  type: 'payment.disputed',
  data: { ...dispute, amountMinor: Number(dispute.amountMinor), currency: payment.currency, method: payment.method },
});

export const paymentRefunded = (payment: PaymentRow, refund: RefundRow): Outgoing => ({
  type: 'payment.refunded',
  data: {
    refundId: refund.id,
    ...(refund.requestId ? { requestId: refund.requestId } : {}),
    amountMinor: Number(refund.amountMinor),
    currency: refund.currency,
    automatic: refund.automatic,
    origin: refund.origin,
    method: payment.method,
    refundedTotalMinor: Number(payment.refundedMinor),
  },
});
