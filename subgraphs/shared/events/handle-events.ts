import type { Database, Sql } from '../database/database.ts';
import { isDuplicateKey, isUnavailable } from '../errors/errors.ts';
import type { Logger, Metrics } from '../process/telemetry.ts';
import { bury, enterInbox } from '../tables/inbox.ts';
import { type DomainEvent, spanIdOf } from '../tables/outbox.ts';
import { type SpanOptions, traced } from '../tracing/tracing.ts';
import { type Time, realTime } from '../time/time.ts';

/** Acts on one event inside the transaction that also marks it as handled. Runs at most once per event; may be tried again after a failure. */
export type EventHandler = (tx: Sql, event: DomainEvent) => Promise<void>;

/** What events are handled with. `onHandled` runs after the commit. */
export type HandlingDeps = {
  readonly service: string;
  readonly handlers: Readonly<Record<string, EventHandler>>;
  readonly onHandled?: ((event: DomainEvent) => void) | undefined;
  readonly db: Database;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly time?: Time | undefined;
};

/** An entry of a stream; its event is null where no relay of ours has written it. */
export type Entry = { readonly id: string; readonly event: DomainEvent | null };

/** Where entries come from. */
export type Partition = {
  /** Whether more may be handled: the consumer runs, and holds the partition. */
  goesOn(): Promise<boolean>;
  acknowledge(entries: readonly Entry[]): Promise<void>;
};

/** Why nothing of some events is done: `event` failed, or null where it was no event's own failure, as when one was handled before. */
export type Failure = { readonly event: DomainEvent | null; readonly error: unknown };

/** So many events are handled in one transaction, which holds their locks until its end. */
export const maxTogether = 16;
/** An event is put into `dead_letter` when it has failed so often. */
const maxAttempts = 5;
const retryBaseMs = 100;

/**
 * Handles entries of any partitions, their events in one transaction. Null when that is done, and they are to be acknowledged;
 * otherwise nothing is, and `handleEntries` is to go on with this failure. So it is with an event that came alone.
 */
export async function handleTogether(deps: HandlingDeps, entries: readonly Entry[]): Promise<Failure | null> {
  const events = entries.flatMap(({ event }) => (event && deps.handlers[event.type] ? [event] : []));
  if (events.length === 0) return null;
  const failure = events.length > 1 ? await tryTogether(deps, events) : { event: null, error: null };
  if (!failure) for (const event of events) noteHandled(deps, event, true);
  return failure;
}

/**
 * Handles entries of one partition in their order and acknowledges them: together, or one by one where that fails. `failure`
 * says why it has failed already of the first ones. Ends early where the partition does not go on.
 */
export async function handleEntries(
  deps: HandlingDeps,
  partition: Partition,
  entries: readonly Entry[],
  failure: Failure | null,
): Promise<void> {
  for (let at = 0; at < entries.length; at += maxTogether) {
    if (!(await partition.goesOn())) return;
    const together = entries.slice(at, at + maxTogether);
    const why = (at === 0 ? failure : null) ?? (await handleTogether(deps, together));
    if (why === null) await partition.acknowledge(together);
    else if (!(await handleEach(deps, partition, together, why))) return;
  }
}

/** One by one; false when the partition does not go on. */
async function handleEach(
  deps: HandlingDeps,
  partition: Partition,
  entries: readonly Entry[],
  failure: Failure,
): Promise<boolean> {
  for (const entry of entries) {
    if (!(await partition.goesOn())) return false;
    const { event } = entry;
    const isDealtWith =
      !event || (await handle(deps, partition, event, event === failure.event ? failure.error : null));
    if (!isDealtWith) return false;
    await partition.acknowledge([entry]);
  }
  return true;
}

function noteHandled({ service, metrics, onHandled }: HandlingDeps, event: DomainEvent, isFresh: boolean): void {
  metrics.events.inc({ service, type: event.type, outcome: isFresh ? 'handled' : 'repeated' });
  if (isFresh) onHandled?.(event);
}

/**
 * Handles an event until it is done, or dead; false when the partition does not go on. `firstFailure`: why it failed already,
 * together with others.
 */
async function handle(
  deps: HandlingDeps,
  partition: Partition,
  event: DomainEvent,
  firstFailure: unknown,
): Promise<boolean> {
  const { service, log, metrics, time = realTime } = deps;
  const { type, id: eventId, traceId } = event;
  const handler = deps.handlers[type];
  if (!handler) return true;
  let failure = firstFailure;
  for (let attempt = 1; await partition.goesOn(); failure = null) {
    if (failure === null) {
      try {
        const isFresh = await traced(metrics.tracing, handlingOf(service, event), () =>
          handleOnce(deps.db, event, handler),
        );
        noteHandled(deps, event, isFresh);
        return true;
      } catch (error) {
        failure = error;
      }
    }
    if (isUnavailable(failure)) {
      log.debug({ err: (failure as Error).message, type }, 'event waits for a dependency');
      await time.sleep(500 + time.random() * 500);
      continue;
    }
    log.error({ err: failure, type, eventId, attempt, traceId }, 'event handler failed');
    metrics.events.inc({ service, type, outcome: 'failed' });
    if (attempt === maxAttempts) {
      await bury(deps.db.em(), service, event, attempt, failure as Error);
      metrics.events.inc({ service, type, outcome: 'dead' });
      return true;
    }
    await time.sleep(retryBaseMs * 2 ** attempt);
    attempt += 1;
  }
  return false;
}

/** The span that an event was sent in, in the trace of the change that it tells of. */
const sentOf = ({ id, traceId }: DomainEvent) => ({ traceId, spanId: spanIdOf(id) });

const handlingOf = (service: string, event: DomainEvent): SpanOptions => ({
  service,
  name: `handle ${event.type}`,
  kind: 'consumer',
  traceId: event.traceId,
  parentSpanId: spanIdOf(event.id),
  attributes: { 'messaging.system': 'redis', 'messaging.message.id': event.id },
});

/** Handles an event in one transaction with its inbox row; false when it was handled before. */
export function handleOnce(db: Database, event: DomainEvent, handler: EventHandler): Promise<boolean> {
  return db.transaction(async (tx) => {
    try {
      await enterInbox(tx, [event]);
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
    await handler(tx, event);
    return true;
  });
}

/** Handles events in one transaction with their inbox rows. Null when that is done. */
async function tryTogether(
  { db, handlers, service, metrics }: HandlingDeps,
  events: readonly DomainEvent[],
): Promise<Failure | null> {
  let current: DomainEvent | null = null;
  try {
    const together = { service, name: 'handle events', kind: 'consumer', links: events.map(sentOf) } as const;
    await traced(metrics.tracing, together, () =>
      db.transaction(async (tx) => {
        current = null;
        await enterInbox(tx, events);
        for (const event of events) {
          current = event;
          await handlers[event.type]?.(tx, event);
        }
        current = null;
      }),
    );
    return null;
  } catch (error) {
    return { event: isUnavailable(error) ? null : current, error };
  }
}
