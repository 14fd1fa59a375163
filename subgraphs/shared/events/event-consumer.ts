import { isUnavailable } from '../errors/errors.ts';
import { countDeadLetters } from '../tables/backlog-store.ts';
import type { BacklogSample } from '../process/backlog.ts';
import { newId } from '../values/ids.ts';
import { inTime } from '../time/in-time.ts';
import { type Read, type ReadingDeps, openHandling } from './handle-read.ts';
import { streamsOf } from './outbox-relay.ts';
import { turnsEveryMs } from './pace.ts';
import { type HeldPartition, openLeases } from './partitions.ts';
import { readEntries, takeOver } from './read-streams.ts';
import { type Redis, blockingClient } from '../process/redis.ts';
import { realTime } from '../time/time.ts';

const blockMs = 1_000;
/** While some partitions are handled apart, the others are read for so long at a time: those are read again soon. */
const apartMs = 50;
/** The client goes on trying to connect after this; a consumer that is to stop is not held up. */
const connectWithinMs = 1_000;
/**
 * How often the holder looks for entries that others were given and have not acknowledged: a process that stood still for
 * longer than its lease may read on before it knows, and then leaves what it was given.
 */
const recoverEveryMs = 5_000;

/** What a consumer works with: the events of `sources`, each a service. */
type ConsumerDeps = ReadingDeps & { readonly sources: readonly string[] };

/**
 * Consumes the events of other services as the group `deps.service`, each partition by one process at a time (a lease in
 * Redis), in order. What has come in all partitions that this process holds is handled in one transaction. Where that fails, each
 * partition goes on by itself. An event that fails five times is put into `dead_letter` and its
 * partition goes on; a database or Redis that is away counts as no failure and is waited for.
 */
export function startEventConsumer(deps: ConsumerDeps): { stop(): Promise<void> } {
  const { time = realTime, service } = deps;
  const consumer = newId();
  const reader = { group: service, consumer };
  const leases = openLeases({ service, streams: deps.sources.flatMap(streamsOf), owner: consumer, redis: deps.redis, time }); // prettier-ignore
  // XREADGROUP BLOCK occupies its connection.
  const redis = blockingClient(deps.redis);
  redis.on('error', (error: Error) =>
    deps.log.debug({ err: error.message, service }, 'redis connection of an event consumer'),
  );
  let stopped = false;
  const handleRead = openHandling(deps, { leases, isStopped: () => stopped, say });

  async function turn(): Promise<void> {
    await leases.renew();
    const held = leases.partitions.filter(({ holds, work }) => holds && work === null);
    const isApart = leases.partitions.some(({ work }) => work !== null);
    if (held.length === 0) return time.sleep(isApart ? apartMs : blockMs);
    for (const partition of held)
      if (time.monotonicMs() - partition.recoveredAtMs > recoverEveryMs) partition.recover = true;
    await Promise.all(held.filter(({ recover }) => recover).map(recover));
    const asked = held.map((from) => ({ from, stream: from.stream, recover: from.recover, times: from.times }));
    const entries = await readEntries(redis, reader, asked, isApart ? apartMs : blockMs);
    const readAtMs = time.monotonicMs();
    const read = asked.flatMap(({ from, stream, recover: isAgain, times }) => {
      const own = entries.get(stream) ?? [];
      if (own.length === 0 && isAgain && from.times === times) from.recover = false;
      return own.map((entry): Read => ({ ...entry, from, times }));
    });
    if (read.length === 0) return;
    for (const { id, event, from } of read)
      if (!event)
        deps.log.error({ stream: from.stream, entry: id }, 'an entry of a stream that is no event is skipped');
    await handleRead(read);
    const restMs = turnsEveryMs - (time.monotonicMs() - readAtMs);
    if (restMs > 0 && !stopped) await time.sleep(restMs);
  }

  async function recover(partition: HeldPartition): Promise<void> {
    await takeOver(redis, partition.stream, reader);
    partition.recoveredAtMs = time.monotonicMs();
  }

  function say(error: Error): void {
    if (stopped) return;
    const { message } = error;
    // A group vanishes when Redis loses its data; takeOver makes it again. A Redis that is away is said elsewhere.
    if (message.includes('NOGROUP') || isUnavailable(error))
      deps.log.debug({ err: message, service }, 'event consumer waits for Redis');
    else deps.log.warn({ err: message, service }, 'event consumer interrupted, will go on');
  }

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        if (!redis.isOpen) await inTime(redis.connect(), connectWithinMs, time);
        await turn();
      } catch (error) {
        for (const partition of leases.partitions) partition.recover = true;
        leases.expire();
        say(error as Error);
        if (!stopped) await time.sleep(200 + time.random() * 300);
      }
    }
    await Promise.all(leases.partitions.flatMap(({ work }) => work ?? []));
    await leases.release().catch(() => undefined); // they end by themselves
    if (redis.isOpen) redis.destroy();
  }

  const running = run();
  const unwatch = deps.metrics.backlog.watch(() => readLag(deps));
  return {
    async stop() {
      stopped = true;
      unwatch();
      await running;
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
