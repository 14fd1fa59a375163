import { handledOf } from '../tables/inbox.ts';
import type { Redis } from '../process/redis.ts';
import { type Time, realTime } from '../time/time.ts';
import {
  type Entry,
  type Failure,
  type HandlingDeps,
  type Partition,
  handleEntries,
  handleTogether,
  maxTogether,
} from './handle-events.ts';
import type { HeldPartition, Leases } from './partitions.ts';

/** From so many entries at once the ones that need nothing are looked up together: a relay publishes all again after Redis has lost them. */
const backlogSize = 8;
/** The other partitions wait so long for those whose events are handled apart. */
const patienceMs = 250;

export type ReadingDeps = HandlingDeps & { readonly redis: Redis };
/** An entry, and the partition that it was read from while it was held for the `times`th time. */
export type Read = Entry & { readonly from: HeldPartition; readonly times: number };

/**
 * Handles what was read from the partitions of one process, and acknowledges it: all together where that goes. Where it
 * fails, or more has come than one transaction takes, the partitions concerned go on apart (`HeldPartition.work`) and side by
 * side: so a backlog is caught up with, and an event that fails again and again holds up no other partition.
 */
export function openHandling(
  deps: ReadingDeps,
  options: { readonly leases: Leases; readonly isStopped: () => boolean; readonly say: (error: Error) => void },
): (read: readonly Read[]) => Promise<void> {
  const { leases, isStopped, say } = options;
  const { time = realTime } = deps;
  /** One that was lost is only taken again from the beginning: what was not handled comes first then. */
  const isHeld = ({ from, times }: Pick<Read, 'from' | 'times'>): boolean =>
    from.holds && from.times === times && !isStopped();

  /** Never rejects: what was not acknowledged comes again. */
  async function handleApart(entries: readonly Read[], failure: Failure | null): Promise<void> {
    const [first] = entries;
    if (!first) return;
    const { from, times } = first;
    const partition: Partition = {
      async goesOn() {
        await leases.renew();
        return isHeld(first);
      },
      acknowledge: (done) => acknowledge(deps, done.map((entry) => ({ ...entry, from, times }))), // prettier-ignore
    };
    try {
      await handleEntries(deps, partition, entries, failure);
    } catch (error) {
      from.recover = true;
      say(error as Error);
    } finally {
      from.work = null;
    }
  }

  return async (read) => {
    const left = await withoutHandled(deps, read);
    await leases.renew();
    const held = left.filter(isHeld);
    const failure = held.length > maxTogether ? null : await handleTogether(deps, held);
    if (held.length <= maxTogether && failure === null) return acknowledge(deps, held);
    for (const [from, own] of Map.groupBy(held, (entry) => entry.from)) from.work = handleApart(own, failure);
    const works = leases.partitions.flatMap(({ work }) => work ?? []);
    if (works.length > 0) await settled(works, time);
  };
}

/** Waits for all of it, but not for long. */
const settled = (works: readonly Promise<void>[], time: Time): Promise<void> =>
  new Promise((resolve) => {
    const cancel = time.after(patienceMs, resolve);
    void Promise.all(works).finally(() => {
      cancel();
      resolve();
    });
  });

async function acknowledge(
  { redis, service }: Pick<ReadingDeps, 'redis' | 'service'>,
  entries: readonly Read[],
): Promise<void> {
  const byStream = Map.groupBy(entries, ({ from }) => from.stream);
  await Promise.all([...byStream].map(([stream, own]) => redis.xAck(stream, service, own.map(({ id }) => id)))); // prettier-ignore
}

/** Acknowledges those of a backlog that were handled before, or that nothing here acts on; gives the rest, in order. */
async function withoutHandled(deps: ReadingDeps, entries: readonly Read[]): Promise<readonly Read[]> {
  const { service, db, handlers, metrics } = deps;
  const acted = entries.flatMap(({ event }) => (event && handlers[event.type] ? [event.id] : []));
  if (acted.length < backlogSize) return entries;
  const handled = await handledOf(db.em(), acted);
  const isDone = ({ event }: Entry): boolean => event !== null && (!handlers[event.type] || handled.has(event.id));
  const done = entries.filter(isDone);
  await acknowledge(deps, done);
  for (const { event } of done)
    if (event && handled.has(event.id)) metrics.events.inc({ service, type: event.type, outcome: 'repeated' });
  return entries.filter((entry) => !isDone(entry));
}
