import { z } from 'zod';
import type { EventHandler } from '../shared/events/handle-events.ts';
import type { DomainEvent } from '../shared/tables/outbox.ts';
import { failPoint } from '../shared/process/fail-point.ts';
import { announce } from './announce.ts';
import type { Changed } from './apply-events.ts';
import { advancesByItself } from './commands/advance-order.ts';
import { changeOrder } from './commands/change-order.ts';
import type { OrderDeps } from './deps.ts';
import { decide } from './domain/order.ts';
import type { Actor, OrderCommand } from './domain/order-model.ts';
import type { StoredOrder } from './stored-order.ts';
import { findPaymentHistory } from './journal-store.ts';
import { markPaying } from './order-store.ts';

/*
 * What payment tells the order service. Each handler runs in the transaction of its inbox row. A payment in another
 * currency than the order's can't happen (payment checks it); if it did, it goes to the dead letters, not into the sums.
 */

const succeeded = z.object({
  paymentId: z.string(),
  method: z.string(),
  amountMinor: z.int().positive(),
  currency: z.string(),
  paidAt: z.iso.datetime(),
});
const refunded = z.object({
  paymentId: z.string(),
  refundId: z.string(),
  amountMinor: z.int().positive(),
  currency: z.string(),
  requestId: z.string().optional(),
  origin: z.string().optional(),
  method: z.string().optional(),
});

const disputed = z.object({
  paymentId: z.string(),
  disputeId: z.string(),
  state: z.enum(['OPEN', 'WON', 'LOST']),
  amountMinor: z.int().positive(),
  reason: z.string().nullable(),
  currency: z.string(),
  method: z.string(),
});

const awaited = z.object({
  paymentId: z.string(),
  until: z.iso.datetime(),
  authorizedMinor: z.int().nonnegative(),
  currency: z.string(),
});
const ended = z.object({ paymentId: z.string() });

const byPayment: Actor = { type: 'SERVICE', id: 'payment' };

const byProvider = (event: DomainEvent): Actor => ({ type: 'PROVIDER', id: disputed.parse(event.data).method });

/** Who gave money back: the provider, or its customer's bank, where that was not asked for here. */
function refunder(event: DomainEvent): Actor {
  const { origin, method } = refunded.parse(event.data);
  return origin === 'PROVIDER' || origin === 'DISPUTE' ? { type: 'PROVIDER', id: method ?? null } : byPayment;
}

type MoneyCommand = Extract<OrderCommand, { type: 'MarkPaid' | 'RecordRefund' | 'RecordDispute' | 'AwaitPayment' | 'StopAwaiting' }>; // prettier-ignore

function awaitPayment(event: DomainEvent): MoneyCommand & { currency: string } {
  const { paymentId, until, authorizedMinor, currency } = awaited.parse(event.data);
  return {
    type: 'AwaitPayment',
    paymentId,
    until: new Date(until),
    authorizedMinor: BigInt(authorizedMinor),
    currency,
  };
}

export function paymentHandlers(deps: OrderDeps): {
  handlers: Readonly<Record<string, EventHandler>>;
  onHandled: (event: DomainEvent) => void;
} {
  const committed = new Map<string, Changed>();

  const apply =
    (
      commandOf: (event: DomainEvent, order: StoredOrder) => MoneyCommand & { currency?: string },
      actorOf: (event: DomainEvent) => Actor = () => byPayment,
    ): EventHandler =>
    async (tx, event) => {
      const at = deps.now();
      const changed = await changeOrder(
        tx,
        event.aggregateId,
        { actor: actorOf(event), at, traceId: event.traceId },
        async (order) => {
          const { currency, ...command } = commandOf(event, order);
          if (currency !== undefined && currency !== order.currency)
            throw new Error(`${event.type} in ${currency} for an order in ${order.currency}`);
          if (command.type !== 'MarkPaid' && command.type !== 'RecordRefund') return decide(order, command, at);
          // Of an order that has had no money the journal knows no payment.
          const first = order.paidMinor === 0n && command.type === 'MarkPaid';
          const known = first ? undefined : await findPaymentHistory(tx, order.id, command.paymentId);
          return decide(order, { ...command, ...(known ? { known } : {}) }, at);
        },
        // The last money may take off what was not delivered.
        event.type === 'payment.refunded',
      );
      if (!changed) throw new Error(`${event.type} for an order that does not exist`);
      committed.set(event.id, changed);
    };

  return {
    handlers: {
      'payment.succeeded': apply((event, order) => {
        const { paymentId, method, amountMinor, currency, paidAt } = succeeded.parse(event.data);
        return {
          type: 'MarkPaid',
          paymentId,
          method,
          amountMinor: BigInt(amountMinor),
          paidAt: new Date(paidAt),
          advances: advancesByItself(deps, order),
          currency,
        };
      }),
      'payment.refunded': apply((event) => {
        const { paymentId, refundId, amountMinor, requestId, currency } = refunded.parse(event.data);
        return { type: 'RecordRefund', paymentId, refundId, requestId, amountMinor: BigInt(amountMinor), currency };
      }, refunder),
      'payment.disputed': apply((event) => {
        const { amountMinor, method: _, ...dispute } = disputed.parse(event.data);
        return { type: 'RecordDispute', ...dispute, amountMinor: BigInt(amountMinor) };
      }, byProvider),
      // The payment has come so far that its order waits for it; or it comes to nothing after all.
      // Beside the journal: it says nothing of the order, only that payment is to be asked before the order closes.
      'payment.started': (tx, event) => markPaying(tx, event.aggregateId),
      'payment.authorized': apply(awaitPayment),
      'payment.awaited': apply(awaitPayment),
      'payment.failed': apply((event) => ({ type: 'StopAwaiting', paymentId: ended.parse(event.data).paymentId })),
    },
    onHandled(event) {
      failPoint(`order.${event.type}`);
      const changed = committed.get(event.id);
      committed.delete(event.id);
      if (!changed) return;
      announce(deps, changed.order, changed.events);
      const deadlineMoved = changed.events.some(({ type }) => type === 'PaymentAwaited' || type === 'AwaitingEnded');
      if (deadlineMoved) deps.wakeExpiry(changed.order.expiresAt);
    },
  };
}
