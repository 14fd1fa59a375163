import type { EventHandler } from '../shared/events/handle-events.ts';
import { failPoint } from '../shared/process/fail-point.ts';
import type { DomainEvent } from '../shared/tables/outbox.ts';
import { isId } from '../shared/values/ids.ts';
import { changePayment } from './commands/change-payment.ts';
import { hurryAttempt, refundRest } from './commands/apply-fact.ts';
import { giveBackRequested, oweRest } from './commands/give-back.ts';
import { type Unit, count } from './unit.ts';
import { noteClosed } from './closed-order-store.ts';
import type { PaymentDeps } from './deps.ts';
import { decideClose } from './domain/payment.ts';
import type { Journalled } from './metrics.ts';
import { lockPayment, lockPaymentsOfOrder } from './payment-store.ts';

/**
 * What the order service tells, and what follows from it here. The event consumer owns the transaction; once it has
 * committed, `onHandled` tells the subscribers, wakes the background work and counts.
 */
export function orderEvents(deps: PaymentDeps): {
  readonly handlers: Readonly<Record<string, EventHandler>>;
  readonly onHandled: (event: DomainEvent) => void;
} {
  const written = new WeakMap<DomainEvent, Journalled[]>();
  const quietly =
    (handle: (unit: Unit, deps: PaymentDeps, event: DomainEvent) => Promise<void>): EventHandler =>
    (sql, event) => {
      // A try that the database aborted has written nothing.
      const journalled: Journalled[] = [];
      written.set(event, journalled);
      const unit = { sql, changed: () => undefined, wake: () => undefined, journalled: (one: Journalled) => journalled.push(one) }; // prettier-ignore
      return handle(unit, deps, event);
    };
  return {
    handlers: {
      'order.closed': quietly(closeOpenPayments),
      'order.payment_refused': quietly(refundRefused),
      'order.refund_requested': quietly(giveBackRequested),
    },
    onHandled(event) {
      failPoint(`payment.${event.type}`);
      deps.live.publish(`payment:${event.aggregateId}`, '');
      deps.wake('attempts');
      deps.wake('refunds');
      for (const one of written.get(event) ?? []) count(deps, one);
    },
  };
}

/**
 * An order that was closed takes no money any more: no payment is begun, its unpaid payments end, and their intents are called off by the job.
 * Money that came in goes back, whether or not the order ever hears of it: `payment.succeeded` may be on its way, or lie
 * in the dead letters, while the deadline passes; or the order was cancelled, or refunded, after it was paid.
 */
async function closeOpenPayments(unit: Unit, deps: PaymentDeps, event: DomainEvent): Promise<void> {
  await noteClosed(deps.db, event.aggregateId);
  const payments = await lockPaymentsOfOrder(unit.sql, event.aggregateId);
  const as = event.data['state'] === 'EXPIRED' ? 'EXPIRED' : 'CANCELLED';
  for (const { id } of payments) {
    // A wallet part has changed with the external part before it.
    const payment = await lockPayment(unit.sql, id);
    if (!payment) throw new Error('a payment that was read is gone');
    const events = decideClose(payment, as);
    if (events === null) await refundRest(unit, deps, payment, `The order is ${String(event.data['state'])}.`);
    if (!events?.length) continue;
    await changePayment(unit, deps, payment, events, {
      source: 'event',
      at: deps.now(),
      data: { orderState: event.data['state'] },
    });
    await hurryAttempt(unit, payment.id);
  }
  // What a dispute holds, or a refund that may fail, is not there yet.
  if (payments.some(({ capturedMinor, refundedMinor }) => capturedMinor > refundedMinor))
    await oweRest(unit, deps, event.aggregateId, `The order is ${String(event.data['state'])}.`);
}

/** The order could not take the money, so all that is left of it goes back; a second telling finds nothing left. */
async function refundRefused(unit: Unit, deps: PaymentDeps, event: DomainEvent): Promise<void> {
  const paymentId = event.data['paymentId'];
  const payment = isId(paymentId) ? await lockPayment(unit.sql, paymentId) : null;
  if (!payment || payment.orderId !== event.aggregateId)
    throw new Error('order.payment_refused names no payment of that order');
  await refundRest(unit, deps, payment, `The order could not take the payment: ${String(event.data['reason'])}`);
}
