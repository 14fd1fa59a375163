import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';

/**
 * Time as a process lives in it. What waits, measures a span or spreads its tries has it as a dependency, so that it runs
 * in another time too: `test/simulation/` runs days of it in seconds. Dates come from `now`, which all processes agree on.
 */
export type Time = {
  /** Milliseconds of a clock that is never set. */
  monotonicMs(): number;
  sleep(ms: number): Promise<void>;
  /** Calls `work` after `ms`; returns what calls it off. */
  after(ms: number, work: () => void): () => void;
  /** Settles once what has arrived by now, and was not read because this process was busy, has been read. */
  caughtUp(): Promise<void>;
  /** A number from 0 up to 1, to spread tries. */
  random(): number;
};

export const realTime: Time = {
  monotonicMs: () => performance.now(),
  sleep: (ms) => wait(ms),
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
  async caughtUp() {
    await turn();
    await turn();
  },
  random: Math.random,
};
