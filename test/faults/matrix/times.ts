import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Yardstick } from './yardstick.ts';

/** How long things took, judged when it is known how busy the machine was. */
export type Times = {
  /** To be called at its end. */
  took(what: string, tookMs: number, limitMs: number): void;
  /**
   * The promises are those of an idle machine: a limit is so much longer as work took longer than its processor time, or by
   * three times what an order took beyond the usual.
   */
  late(beyondUsualMs: number): string[];
};

/** The yardstick has measured meanwhile, or just before. */
const justBeforeMs = 2_500;

export function openTimes(yardstick: Yardstick): Times {
  const lag = monitorEventLoopDelay();
  lag.enable();
  const over: { what: string; tookMs: number; limitMs: number; slowdown: number }[] = [];
  return {
    took(what, tookMs, limitMs) {
      if (tookMs <= limitMs) return;
      over.push({
        what,
        tookMs,
        limitMs,
        slowdown: yardstick.slowdownSince(performance.now() - tookMs - justBeforeMs),
      });
    },
    late(beyondUsualMs) {
      lag.disable();
      // This process asks and measures: where it stood still, answers waited for it.
      const lagMs = lag.max / 1e6;
      return over.flatMap(({ what, tookMs, limitMs, slowdown }) => {
        const slackMs = Math.max(3 * beyondUsualMs, limitMs * (slowdown - 1)) + lagMs;
        if (tookMs <= limitMs + slackMs) return [];
        return [`${what} took ${Math.round(tookMs)} ms of ${limitMs}, ${Math.round(slackMs)} more on this machine`];
      });
    },
  };
}
