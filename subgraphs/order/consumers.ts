import { z } from 'zod';
import type { EventHandler } from '../shared/event-consumer.ts';
import type { DomainEvent } from '../shared/events.ts';
import { announce } from './announce.ts';
import { advancesByItself } from './commands/advance-order.ts';
import { changeOrder } from './commands/change-order.ts';
import type { OrderDeps } from './deps.ts';
import { type OrderCommand, type OrderEvent, decide } from './domain/order.ts';
import type { StoredOrder } from './rows.ts';
import { findPaymentHistory } from './store.ts';

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
});

type MoneyCommand = Extract<OrderCommand, { type: 'MarkPaid' | 'RecordRefund' }>;

export function paymentHandlers(deps: OrderDeps): {
  handlers: Readonly<Record<string, EventHandler>>;
  onHandled: (event: DomainEvent) => void;
} {
  const committed = new Map<string, { order: StoredOrder; events: readonly OrderEvent[] }>();

  const apply =
    (commandOf: (event: DomainEvent, order: StoredOrder) => MoneyCommand & { currency: string }): EventHandler =>
    async (tx, event) => {
      const at = deps.now();
      const changed = await changeOrder(
        tx,
        event.aggregateId,
        { actor: { type: 'SERVICE', id: 'payment' }, at, traceId: event.traceId },
        async (order) => {
          const { currency, ...command } = commandOf(event, order);
          if (currency !== order.currency)
            throw new Error(`${event.type} in ${currency} for an order in ${order.currency}`);
          // Of an order that has had no money the journal knows no payment.
          const first = order.paidMinor === 0n && command.type === 'MarkPaid';
          const known = first ? undefined : await findPaymentHistory(tx, order.id, command.paymentId);
          return decide(order, { ...command, ...(known ? { known } : {}) }, at);
        },
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
        const { paymentId, refundId, amountMinor, currency } = refunded.parse(event.data);
        return { type: 'RecordRefund', paymentId, refundId, amountMinor: BigInt(amountMinor), currency };
      }),
    },
    onHandled(event) {
      const changed = committed.get(event.id);
      committed.delete(event.id);
      if (changed) announce(deps, changed.order, changed.events);
    },
  };
}
