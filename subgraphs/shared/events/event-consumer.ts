import { type Database, type Sql, run, select } from '../database/database.ts';
import { isDuplicateKey, isUnavailable } from '../errors/errors.ts';
import type { DomainEvent } from '../tables/outbox.ts';
import { idFromBytes, idToBytes, isId, newId } from '../values/ids.ts';
import { inTime } from '../time/in-time.ts';
import { streamsOf } from './outbox-relay.ts';
import { type Redis, blockingClient } from '../process/redis.ts';
import type { Logger, Metrics } from '../process/telemetry.ts';
import { type Time, realTime } from '../time/time.ts';

/** Acts on one event inside the transaction that also marks it as handled. Runs at most once per event; may be tried again after a failure. */
export type EventHandler = (tx: Sql, event: DomainEvent) => Promise<void>;

const batchSize = 64;
/** From so many entries at once the ones that need nothing are looked up together: a relay publishes all again after Redis has lost them. */
const backlogSize = 8;
const blockMs = 1_000;
/** The client goes on trying to connect after this; a consumer that is to stop is not held up. */
const connectWithinMs = 1_000;
/** How long the partitions of a process that died wait for the next. */
const leaseMs = 5_000;
/**
 * How often the holder looks for entries that others were given and have not acknowledged: a process that stood still for
 * longer than its lease may read on before it knows, and then leaves what it was given.
 */
const recoverEveryMs = 5_000;
const maxAttempts = 5;
const retryBaseMs = 100;

/** What a consumer works with. `onHandled` runs after the commit. */
type ConsumerDeps = {
  service: string;
  sources: readonly string[];
  handlers: Readonly<Record<string, EventHandler>>;
  onHandled?: (event: DomainEvent) => void;
  db: Database;
  redis: Redis;
  log: Logger;
  metrics: Metrics;
  time?: Time;
};

/**
 * Consumes the events of other services as the group `deps.service`, each partition by one process at a time (a lease in
 * Redis), in order. An event that fails five times is put into `dead_letter` and the partition goes on; a database or
 * Redis that is away counts as no failure and is waited for.
 */
export function startEventConsumer(deps: ConsumerDeps): { stop(): Promise<void> } {
  const { time = realTime } = deps;
  const consumer = newId();
  let stopped = false;
  const partitions = deps.sources.flatMap(streamsOf).map((stream) => consumePartition(stream));

  async function consumePartition(stream: string): Promise<void> {
    // XREADGROUP BLOCK occupies its connection, so each partition has its own.
    const redis = blockingClient(deps.redis);
    redis.on('error', (error: Error) =>
      deps.log.debug({ err: error.message, stream }, 'redis connection of an event consumer'),
    );
    const lease = `events:lease:${deps.service}:${stream}`;
    let holds = false;
    let recover = true;
    let recoveredAtMs = -Infinity;
    let takenAtMs = -Infinity;
    while (!stopped) {
      try {
        if (!redis.isOpen) await inTime(redis.connect(), connectWithinMs, time);
        if (!holds || time.monotonicMs() - recoveredAtMs > recoverEveryMs) recover = true;
        if (!holds || time.monotonicMs() - takenAtMs > leaseMs / 3) {
          holds = await takeLease(redis, lease, consumer);
          takenAtMs = time.monotonicMs();
        }
        if (!holds) {
          await time.sleep(blockMs);
          continue;
        }
        if (recover) {
          await takeOver(redis, stream, deps.service, consumer);
          recoveredAtMs = time.monotonicMs();
        }
        const messages = await readEntries(redis, stream, { group: deps.service, consumer, recover });
        if (recover && messages.length === 0) recover = false;
        for (const message of await withoutHandled(deps, redis, stream, messages)) {
          if (time.monotonicMs() - takenAtMs > leaseMs / 3) {
            holds = await takeLease(redis, lease, consumer);
            takenAtMs = time.monotonicMs();
          }
          if (stopped || !holds) break;
          const event = readEvent(message.message?.['event']);
          if (event) await handle(event);
          else deps.log.error({ stream, entry: message.id }, 'an entry of a stream that is no event is skipped');
          await redis.xAck(stream, deps.service, message.id);
        }
      } catch (error) {
        recover = true;
        takenAtMs = -Infinity;
        if (!stopped) {
          const { message } = error as Error;
          // A group vanishes when Redis loses its data; takeOver makes it again. A Redis that is away is said elsewhere.
          if (message.includes('NOGROUP') || isUnavailable(error))
            deps.log.debug({ err: message, stream }, 'event consumer waits for Redis');
          else deps.log.warn({ err: message, stream }, 'event consumer interrupted, will go on');
          await time.sleep(200 + time.random() * 300);
        }
      }
    }
    if (redis.isOpen) {
      if (holds) await releaseLease(redis, lease, consumer).catch(() => undefined); // it ends by itself
      redis.destroy();
    }
  }

  async function handle(event: DomainEvent): Promise<void> {
    const handler = deps.handlers[event.type];
    if (!handler) return;
    for (let attempt = 1; !stopped;) {
      try {
        const fresh = await handleOnce(deps.db, event, handler);
        deps.metrics.events.inc({ service: deps.service, type: event.type, outcome: fresh ? 'handled' : 'repeated' });
        if (fresh) deps.onHandled?.(event);
        return;
      } catch (error) {
        if (isUnavailable(error)) {
          deps.log.debug({ err: (error as Error).message, type: event.type }, 'event waits for a dependency');
          await time.sleep(500 + time.random() * 500);
          continue;
        }
        deps.log.error(
          { err: error, type: event.type, eventId: event.id, attempt, traceId: event.traceId },
          'event handler failed',
        );
        deps.metrics.events.inc({ service: deps.service, type: event.type, outcome: 'failed' });
        if (attempt === maxAttempts) {
          await bury(deps.db, deps.service, event, attempt, error as Error);
          deps.metrics.events.inc({ service: deps.service, type: event.type, outcome: 'dead' });
          return;
        }
        await time.sleep(retryBaseMs * 2 ** attempt);
        attempt += 1;
      }
    }
    throw new Error('stopped before the event was handled');
  }

  return {
    async stop() {
      stopped = true;
      await Promise.all(partitions);
    },
  };
}

/** Creates the group if need be and takes over what earlier holders of the lease left unacknowledged. */
async function takeOver(redis: Redis, stream: string, group: string, consumer: string): Promise<void> {
  await redis.xGroupCreate(stream, group, '0', { MKSTREAM: true }).catch((error: Error) => {
    if (!error.message.includes('BUSYGROUP')) throw error;
  });
  let cursor = '0-0';
  do {
    const claimed = await redis.xAutoClaim(stream, group, consumer, 0, cursor, {
      COUNT: batchSize,
      JUSTID: false,
    } as never);
    cursor = claimed.nextId;
  } while (cursor !== '0-0');
}

type Entry = { readonly id: string; readonly message: Readonly<Record<string, string>> | null };

/** What this consumer has not acknowledged yet (`recover`), or else what is new: then it waits up to `blockMs`. */
async function readEntries(
  redis: Redis,
  stream: string,
  options: { group: string; consumer: string; recover: boolean },
): Promise<readonly Entry[]> {
  const { group, consumer, recover } = options;
  const reply = (await redis.xReadGroup(
    group,
    consumer,
    { key: stream, id: recover ? '0' : '>' },
    recover ? { COUNT: batchSize } : { COUNT: batchSize, BLOCK: blockMs },
  )) as { messages: Entry[] }[] | null;
  return reply?.[0]?.messages ?? [];
}

/** The event of a stream's entry; null for one that no relay of ours has written, which must not hold the partition up. */
function readEvent(text: string | undefined): DomainEvent | null {
  try {
    const event = JSON.parse(text ?? '') as Partial<DomainEvent> | null;
    return isId(event?.id) && isId(event.aggregateId) && typeof event.type === 'string' ? (event as DomainEvent) : null;
  } catch {
    return null; // not JSON
  }
}

/** Acknowledges those of a backlog that were handled before, or that nothing here acts on; gives the rest, in order. */
async function withoutHandled(
  { service, db, handlers, metrics }: ConsumerDeps,
  redis: Redis,
  stream: string,
  messages: readonly Entry[],
): Promise<readonly Entry[]> {
  if (messages.length < backlogSize) return messages;
  const events = messages.map((message) => readEvent(message.message?.['event']));
  const acted = events.flatMap((event) => (event && handlers[event.type] ? [event.id] : []));
  const handled = await handledOf(db.em(), acted);
  const isDone = (event: DomainEvent | null | undefined): boolean =>
    Boolean(event) && (!handlers[event?.type ?? ''] || handled.has(event?.id ?? ''));
  const done = messages.filter((_, index) => isDone(events[index]));
  if (done.length === 0) return messages;
  await redis.xAck(
    stream,
    service,
    done.map(({ id }) => id),
  );
  for (const event of events)
    if (event && handled.has(event.id)) metrics.events.inc({ service, type: event.type, outcome: 'repeated' });
  return messages.filter((message) => !done.includes(message));
}

/** Those of the events that have an inbox row. */
async function handledOf(sql: Sql, eventIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (eventIds.length === 0) return new Set();
  const rows = await select(
    sql,
    `select event_id from inbox where event_id in (${eventIds.map(() => '?').join(', ')})`,
    eventIds.map(idToBytes),
  );
  return new Set(rows.map((row) => idFromBytes(row['event_id'] as Buffer)));
}

/** Handles an event in one transaction with its inbox row; false when it was handled before. */
export function handleOnce(db: Database, event: DomainEvent, handler: EventHandler): Promise<boolean> {
  return db.transaction(async (tx) => {
    try {
      await run(tx, 'insert into inbox (event_id, type, handled_at) values (?, ?, utc_timestamp(3))', [
        idToBytes(event.id),
        event.type,
      ]);
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
    await handler(tx, event);
    return true;
  });
}

async function bury(db: Database, service: string, event: DomainEvent, attempts: number, error: Error): Promise<void> {
  await run(
    db.em(),
    `insert into dead_letter (event_id, service, type, aggregate_id, event, attempts, error, failed_at) values (?, ?, ?, ?, ?, ?, ?, utc_timestamp(3))
     on duplicate key update attempts = attempts + values(attempts), error = values(error), failed_at = values(failed_at), replayed_at = null`,
    [
      idToBytes(event.id),
      service,
      event.type,
      idToBytes(event.aggregateId),
      JSON.stringify(event),
      attempts,
      error.message.slice(0, 1000),
    ],
  );
}

const leaseScript = `local holder = redis.call('get', KEYS[1])
if holder == ARGV[1] then redis.call('pexpire', KEYS[1], ARGV[2]) return 1 end
if not holder then redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1 end
return 0`;
const releaseScript = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`;

const takeLease = async (redis: Redis, key: string, owner: string): Promise<boolean> =>
  (await redis.eval(leaseScript, { keys: [key], arguments: [owner, String(leaseMs)] })) === 1;
const releaseLease = (redis: Redis, key: string, owner: string): Promise<unknown> =>
  redis.eval(releaseScript, { keys: [key], arguments: [owner] });
