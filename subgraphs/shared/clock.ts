import { type Loop, startLoop } from './loop.ts';
import type { Logger } from './telemetry.ts';

export type Clock = {
  /** The time on which all processes agree. */
  now(): Date;
  close(): Promise<void>;
};

/** Below this a process's own clock is right enough: deadlines are kept to a second or two. */
const toleranceMs = 1_000;
const measureEveryMs = 5_000;
/** A measurement that took longer than this says too little. */
const maxRoundTripMs = 500;

/**
 * This process's clock, put right by a clock that all processes share where the two differ by more than a second:
 * deadlines, tokens and due times are compared across processes, and a host whose clock is wrong must not expire orders
 * early or refuse everybody's tokens. While `readSharedMs` does not answer, the last correction stands.
 */
export async function openClock(options: {
  /** Epoch milliseconds by the shared clock. */
  readSharedMs: () => Promise<number>;
  log: Logger;
}): Promise<Clock> {
  let correctionMs = 0;

  async function measure(): Promise<void> {
    const started = performance.now();
    const sharedMs = await options.readSharedMs();
    const roundTripMs = performance.now() - started;
    if (roundTripMs > maxRoundTripMs) return;
    const offsetMs = Math.round(sharedMs + roundTripMs / 2 - Date.now());
    const wrong = Math.abs(offsetMs) > toleranceMs;
    if (wrong && Math.abs(offsetMs - correctionMs) > toleranceMs)
      options.log.warn({ offsetMs }, "this process's clock is wrong: put right by the clock of Redis");
    correctionMs = wrong ? offsetMs : 0;
  }

  await measure();
  const loop: Loop = startLoop({ name: 'clock', everyMs: measureEveryMs, log: options.log, turn: measure });
  return {
    now: () => new Date(Date.now() + correctionMs),
    close: () => loop.stop(),
  };
}
