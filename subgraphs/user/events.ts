import type { EventHandler } from '../shared/events/handle-events.ts';
import type { DomainEvent } from '../shared/tables/outbox.ts';

/** Services whose events this one acts on. */
export const sources = ['order', 'payment', 'product'] as const;

/**
 * What one part of this subgraph does with events. Handlers run in the transaction of the event's inbox row, at most once per
 * event; `onHandled` runs after the commit, for the events that the part has a handler for.
 */
export type EventPart = {
  readonly handlers: Readonly<Record<string, EventHandler>>;
  readonly onHandled?: (event: DomainEvent) => void;
};

/**
 * The parts as one: several may act on the same event, one after the other in the order given. Where one fails, none has
 * acted, and the event is tried again.
 *
 * @example
 * const { handlers, onHandled } = combineParts([notificationEvents(deps), webhookEvents(deps)]);
 */
export function combineParts(parts: readonly EventPart[]): Required<EventPart> {
  const types = new Set(parts.flatMap(({ handlers }) => Object.keys(handlers)));
  const handlerOf =
    (type: string): EventHandler =>
    async (tx, event) => {
      for (const { handlers } of parts) await handlers[type]?.(tx, event);
    };
  return {
    handlers: Object.fromEntries([...types].map((type) => [type, handlerOf(type)])),
    onHandled(event) {
      for (const part of parts) if (part.handlers[event.type]) part.onHandled?.(event);
    },
  };
}
