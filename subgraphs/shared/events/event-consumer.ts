import { isUnavailable } from '../errors/errors.ts';
import { countDeadLetters } from '../tables/backlog-store.ts';
import type { BacklogSample } from '../process/backlog.ts';
import { handledOf } from '../tables/inbox.ts';
import type { DomainEvent } from '../tables/outbox.ts';
import { isId, newId } from '../values/ids.ts';
import { inTime } from '../time/in-time.ts';
import { type Entry, type HandlingDeps, type Partition, handleEntries } from './handle-events.ts';
import { streamsOf } from './outbox-relay.ts';
import { type Redis, blockingClient } from '../process/redis.ts';
import { realTime } from '../time/time.ts';

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
/** So many events are handled in one transaction, which holds their locks until its end. */
const maxTogether = 16;

/** What a consumer works with: the events of `sources`, each a service. */
type ConsumerDeps = HandlingDeps & { readonly sources: readonly string[]; readonly redis: Redis };

/**
 * Consumes the events of other services as the group `deps.service`, each partition by one process at a time (a lease in
 * Redis), in order. Events that have come together are handled in one transaction, and one by one where that fails. An
 * event that fails five times is put into `dead_letter` and the partition goes on; a database or Redis that is away counts as
 * no failure and is waited for.
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
    const isOld = (): boolean => time.monotonicMs() - takenAtMs > leaseMs / 3;
    async function take(): Promise<void> {
      holds = await takeLease(redis, lease, consumer);
      takenAtMs = time.monotonicMs();
    }
    const partition: Partition = {
      // One that was lost is only taken again from the beginning: what was not handled comes first then.
      async goesOn() {
        if (isOld()) await take();
        return holds && !stopped;
      },
      acknowledge: (entries) => acknowledge(redis, stream, deps.service, entries),
    };
    while (!stopped) {
      try {
        if (!redis.isOpen) await inTime(redis.connect(), connectWithinMs, time);
        if (!holds || time.monotonicMs() - recoveredAtMs > recoverEveryMs) recover = true;
        if (!holds || isOld()) await take();
        if (!holds) {
          await time.sleep(blockMs);
          continue;
        }
        if (recover) {
          await takeOver(redis, stream, deps.service, consumer);
          recoveredAtMs = time.monotonicMs();
        }
        const read = await readEntries(redis, stream, { group: deps.service, consumer, recover });
        if (recover && read.length === 0) recover = false;
        for (const { id, event } of read)
          if (!event) deps.log.error({ stream, entry: id }, 'an entry of a stream that is no event is skipped');
        const entries = await withoutHandled(deps, partition, read);
        for (let at = 0; at < entries.length; at += maxTogether) {
          if (!(await partition.goesOn())) break;
          await handleEntries(deps, partition, entries.slice(at, at + maxTogether));
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

  const unwatch = deps.metrics.backlog.watch(() => readLag(deps));
  return {
    async stop() {
      stopped = true;
      unwatch();
      await Promise.all(partitions);
    },
  };
}

/** Events that this service has not handled yet, by source, and those that it could not handle. */
async function readLag({ service, sources, redis, db }: ConsumerDeps): Promise<readonly BacklogSample[]> {
  const lags = await Promise.all(
    sources.map(async (source): Promise<BacklogSample> => {
      const lag = await Promise.all(streamsOf(source).map((stream) => lagOf(redis, stream, service)));
      return { name: 'event_lag', labels: { service, source }, value: lag.reduce((sum, one) => sum + one, 0) };
    }),
  );
  return [...lags, { name: 'dead_letters', labels: { service }, value: await countDeadLetters(db.em()) }];
}

/** Entries that the group has not been given, and those that it has not acknowledged. */
async function lagOf(redis: Redis, stream: string, group: string): Promise<number> {
  const groups = (await redis.exists(stream)) === 0 ? [] : await redis.xInfoGroups(stream);
  const own = groups.find(({ name }) => name === group) as { pending: number; lag?: number | null } | undefined;
  return own ? own.pending + (own.lag ?? 0) : 0;
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

type Message = { readonly id: string; readonly message: Readonly<Record<string, string>> | null };

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
  )) as { messages: Message[] }[] | null;
  return (reply?.[0]?.messages ?? []).map(({ id, message }) => ({ id, event: readEvent(message?.['event']) }));
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

async function acknowledge(redis: Redis, stream: string, group: string, entries: readonly Entry[]): Promise<void> {
  if (entries.length > 0) await redis.xAck(stream, group, entries.map(({ id }) => id)); // prettier-ignore
}

/** Acknowledges those of a backlog that were handled before, or that nothing here acts on; gives the rest, in order. */
async function withoutHandled(
  { service, db, handlers, metrics }: ConsumerDeps,
  partition: Partition,
  entries: readonly Entry[],
): Promise<readonly Entry[]> {
  if (entries.length < backlogSize) return entries;
  const acted = entries.flatMap(({ event }) => (event && handlers[event.type] ? [event.id] : []));
  const handled = await handledOf(db.em(), acted);
  const isDone = ({ event }: Entry): boolean => event !== null && (!handlers[event.type] || handled.has(event.id));
  const done = entries.filter(isDone);
  await partition.acknowledge(done);
  for (const { event } of done)
    if (event && handled.has(event.id)) metrics.events.inc({ service, type: event.type, outcome: 'repeated' });
  return entries.filter((entry) => !isDone(entry));
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
