import { type Loop, startLoop } from './loop.ts';
import type { Logger } from './telemetry.ts';
import { type Time, realTime } from '../time/time.ts';

/** Milliseconds until the first row of each kind is due, 0 or less where one is; null where there is none. */
export type DueIn<Kind extends string> = Readonly<Record<Kind, number | null>>;

/** Kinds of work that run when a row is due, each as a loop that a command may kick at once. */
export type DueWork<Kind extends string> = Readonly<Record<Kind, Loop>> & { stop(): Promise<void> };

/** What a turn has put off may be due before the next regular look. */
const lookAgainMs = 250;

/**
 * Runs each kind of work when the first of its rows is due: one look at the database every `everyMs`, and soon after each
 * turn, says for all kinds when that is, and a timer keeps the time exactly. It is the net under all that wakes the work
 * sooner, as commands and Agenda do: what they lose costs `everyMs` at most. Rows that stay due, since what they need is
 * away, are tried again every `everyMs`.
 *
 * @example
 * const work = startDueWork({ name: 'order', everyMs: 5_000, log, look: () => readDueTimes(deps), works: { expire: () => expireOrders(deps) } });
 * work.expire.kick();
 */
export function startDueWork<Kind extends string>(options: {
  name: string;
  everyMs: number;
  log: Logger;
  look: () => Promise<DueIn<Kind>>;
  works: Readonly<Record<Kind, () => Promise<unknown>>>;
  time?: Time;
}): DueWork<Kind> {
  const { name, everyMs, log, works, time = realTime } = options;
  const kinds = Object.keys(works) as Kind[];
  const begunAtMs = new Map<Kind, number>();
  const timers = new Map<Kind, () => void>();
  let cancelSoon: (() => void) | undefined;
  let isStopped = false;

  const lookSoon = (): void => {
    if (isStopped) return;
    cancelSoon ??= time.after(lookAgainMs, () => {
      cancelSoon = undefined;
      looking.kick();
    });
  };
  const loopOf = (kind: Kind): Loop =>
    startLoop({
      name: `${name}: ${kind}`,
      log,
      time,
      async turn() {
        begunAtMs.set(kind, time.monotonicMs());
        await works[kind]();
        lookSoon();
      },
    });
  const loops = Object.fromEntries(kinds.map((kind) => [kind, loopOf(kind)])) as Record<Kind, Loop>;

  async function look(): Promise<void> {
    const dueIn = await options.look();
    for (const kind of kinds) {
      timers.get(kind)?.();
      timers.delete(kind);
      const dueInMs = dueIn[kind];
      if (dueInMs === null || isStopped) continue;
      const begunMsAgo = time.monotonicMs() - (begunAtMs.get(kind) ?? -Infinity);
      const wasDue = dueInMs <= -begunMsAgo;
      const waitMs = Math.max(0, wasDue ? everyMs - begunMsAgo : dueInMs);
      // Later ones are seen by a later look.
      if (waitMs <= everyMs) timers.set(kind, time.after(Math.ceil(waitMs), loops[kind].kick));
    }
  }
  const looking: Loop = startLoop({ name: `${name}: look for due work`, everyMs, log, time, turn: look });

  return Object.assign(loops, {
    async stop() {
      isStopped = true;
      cancelSoon?.();
      await looking.stop();
      for (const cancel of timers.values()) cancel();
      await Promise.all(kinds.map((kind) => loops[kind].stop()));
    },
  });
}
