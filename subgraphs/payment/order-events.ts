import { type Sql, select } from '../shared/database.ts';
import type { EventHandler } from '../shared/event-consumer.ts';
import type { DomainEvent } from '../shared/events.ts';
import { idToBytes, isId } from '../shared/ids.ts';
import { changePayment } from './commands/change-payment.ts';
import { hurryAttempt, requestAutomaticRefund } from './commands/apply-fact.ts';
import type { PaymentDeps, Unit } from './context.ts';
import { decideClose, refundableMinor } from './domain/payment.ts';
import type { PaymentRow } from './records.ts';
import { lockPayment, paymentFrom, savePayment } from './store.ts';

/** What the order service tells, and what follows from it here. */
export function eventHandlers(deps: PaymentDeps): Readonly<Record<string, EventHandler>> {
  return {
    'order.closed': (sql, event) => closeOpenPayments(quiet(sql), deps, event),
    'order.payment_refused': (sql, event) => refundRefused(quiet(sql), deps, event),
  };
}

/** The event consumer owns the transaction; `afterEvent` tells what was changed when it has committed. */
const quiet = (sql: Sql): Unit => ({ sql, changed: () => undefined, wake: () => undefined });

/** Tells the subscribers and wakes the background work after an event of an order was handled. */
export function afterEvent(deps: PaymentDeps, event: DomainEvent): void {
  deps.live.publish(`payment:${event.aggregateId}`, '');
  deps.wake('attempts');
  deps.wake('refunds');
}

/**
 * An order that was closed takes no money any more: its unpaid payments end, and their intents are called off by the job.
 * Money that came in goes back, whether or not the order ever hears of it: `payment.succeeded` may be on its way, or lie
 * in the dead letters, while the deadline passes. An order is never closed once it is paid.
 */
async function closeOpenPayments(unit: Unit, deps: PaymentDeps, event: DomainEvent): Promise<void> {
  const rows = await select(unit.sql, 'select * from payment where order_id = ? order by id for update', [
    idToBytes(event.aggregateId),
  ]);
  const as = event.data['state'] === 'EXPIRED' ? 'EXPIRED' : 'CANCELLED';
  for (const { id } of rows.map(paymentFrom)) {
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
}

/** The order could not take the money, so all that is left of it goes back; a second telling finds nothing left. */
async function refundRefused(unit: Unit, deps: PaymentDeps, event: DomainEvent): Promise<void> {
  const paymentId = event.data['paymentId'];
  const payment = isId(paymentId) ? await lockPayment(unit.sql, paymentId) : null;
  if (!payment || payment.orderId !== event.aggregateId)
    throw new Error('order.payment_refused names no payment of that order');
  await refundRest(unit, deps, payment, `The order could not take the payment: ${String(event.data['reason'])}`);
}

async function refundRest(unit: Unit, deps: PaymentDeps, payment: PaymentRow, reason: string): Promise<void> {
  const amountMinor = refundableMinor(payment);
  if (amountMinor <= 0n) return;
  const cause = { source: 'event', at: deps.now() } as const;
  const after = await savePayment(unit, payment, [{ type: 'RefundRequested', amountMinor }], cause);
  await requestAutomaticRefund(unit, deps, after, { amountMinor, surplus: false, reason });
}
