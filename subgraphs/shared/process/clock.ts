import { type Loop, startLoop } from './loop.ts';
import type { Logger } from './telemetry.ts';
import { untilAvailable } from './until-available.ts';

export type Clock = {
  /** The time on which all processes agree. */
  now(): Date;
  close(): Promise<void>;
};

/** Below this a process's own clock is right enough: deadlines are kept to a second or two. */
const toleranceMs = 1_000;
const measureEveryMs = 5_000;

/**
 * This process's clock as it was at the start, carried on by the monotonic one and put right by a clock that all processes
 * share where the two differ by more than a second: deadlines, tokens and due times are compared across processes, and a
 * host whose clock is wrong, or steps, must not expire orders early or refuse everybody's tokens. While `readSharedMs`
 * does not answer, it goes on as it was.
 */
export async function openClock(options: {
  /** Epoch milliseconds by the shared clock. */
  readSharedMs: () => Promise<number>;
  log: Logger;
}): Promise<Clock> {
  /** When `performance.now()` was 0, in epoch milliseconds. */
  let zeroMs = Date.now() - performance.now();

  async function measure(): Promise<void> {
    const startedMs = performance.now();
    const sharedMs = await options.readSharedMs();
    const halfTripMs = (performance.now() - startedMs) / 2;
    const offsetMs = sharedMs - (zeroMs + startedMs + halfTripMs);
    // A slow answer says less, but still that a clock is minutes off.
    if (Math.abs(offsetMs) <= toleranceMs + halfTripMs) return;
    options.log.warn(
      { offsetMs: Math.round(offsetMs) },
      "this process's clock is wrong: put right by the clock of Redis",
    );
    zeroMs += offsetMs;
  }

  await untilAvailable(measure);
  const loop: Loop = startLoop({ name: 'clock', everyMs: measureEveryMs, log: options.log, turn: measure });
  return {
    now: () => new Date(zeroMs + performance.now()),
    close: () => loop.stop(),
  };
}
