import { z } from 'zod';
import { enterCompensation } from '../shared/tables/barrier.ts';
import { failPoint } from '../shared/process/fail-point.ts';
import type { EventHandler } from '../shared/events/handle-events.ts';
import type { DomainEvent } from '../shared/tables/outbox.ts';
import { orderBarrier } from './domain/reservation.ts';
import { type ProductDeps, announceStock } from './deps.ts';
import { putBack, takeOff } from './given-back-store.ts';
import { settleReservations } from './stock-store.ts';

/** Services whose events this one acts on. */
export const sources = ['order'] as const;

const pieces = z.object({
  lines: z.array(
    z.object({
      productId: z.uuid(),
      quantity: z.int().positive(),
      stayFrom: z.iso.date().optional(),
      stayTo: z.iso.date().optional(),
    }),
  ),
});
const piecesOf = ({ data }: DomainEvent) => pieces.parse(data).lines;

const paidAndClosed: ReadonlySet<unknown> = new Set(['CANCELLED', 'REFUNDED']);

/**
 * What the events of orders do to the stock. Each is handled once by its inbox row, and settles only what is still in the
 * state that it starts from, so an early, late or doubled event is harmless. `onHandled` runs after the commit, with the same event object.
 */
export function eventHandlers(deps: Pick<ProductDeps, 'live'>): {
  handlers: Readonly<Record<string, EventHandler>>;
  onHandled: (event: DomainEvent) => void;
} {
  const changed = new WeakMap<DomainEvent, readonly string[]>();
  return {
    handlers: {
      'order.paid': async (tx, event) => {
        changed.set(
          event,
          await settleReservations(tx, event.aggregateId, 'commit', { actor: 'order', reason: 'Order paid' }),
        );
      },
      'order.closed': async (tx, event) => {
        // It also takes the place of a reservation that has not come yet, which would hold stock that nobody gives back.
        await enterCompensation(tx, orderBarrier(event.aggregateId));
        const { state } = event.data as { state?: unknown };
        const cause = { actor: 'order', reason: `Order closed: ${String(state)}` };
        const held = await settleReservations(tx, event.aggregateId, state === 'EXPIRED' ? 'expire' : 'release', cause);
        // An order may be paid and closed: cancelled before its delivery, or refunded.
        const sold = paidAndClosed.has(state) ? await settleReservations(tx, event.aggregateId, 'giveBack', cause) : [];
        changed.set(event, [...held, ...sold]);
      },
      'order.lines_cancelled': async (tx, event) => {
        const cause = { actor: 'order', reason: 'Taken off before delivery' };
        changed.set(event, await takeOff(tx, event.aggregateId, piecesOf(event), cause));
      },
      'order.stock_returned': async (tx, event) => {
        changed.set(event, await putBack(tx, event.aggregateId, piecesOf(event), { actor: 'order', reason: 'Brought back' })); // prettier-ignore
      },
      // Written by versions before REFUNDED: a booking whose money went back.
      'order.nights_returned': async (tx, event) => {
        const cause = { actor: 'order', reason: 'Booking refunded' };
        // Heard of before the payment, the nights are still held; the payment then finds nothing to commit.
        const held = await settleReservations(tx, event.aggregateId, 'release', cause);
        const sold = await settleReservations(tx, event.aggregateId, 'giveBack', cause);
        changed.set(event, [...held, ...sold]);
      },
    },
    onHandled: (event) => {
      failPoint(`product.${event.type}`);
      announceStock(deps, changed.get(event) ?? []);
    },
  };
}
