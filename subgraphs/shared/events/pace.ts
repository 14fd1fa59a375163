import type { Time } from '../time/time.ts';

/**
 * Relays publish, and consumers read, at most once in so long: what comes within it is taken together, in one transaction. What
 * comes after a quiet time is taken at once.
 */
export const turnsEveryMs = 20;

/** What nobody waits for goes out with what is next, or after so long. */
const soonMs = 100;

export type Kicks = {
  /** Has a turn begin at once, or `turnsEveryMs` after the last one began. */
  kick(): void;
  /** Has a turn begin within `soonMs`. */
  kickSoon(): void;
  /** To be called where a turn begins: it does what was to be done soon. */
  begun(): void;
  /** Calls off what waits; true where something did. */
  stop(): boolean;
};

/** Kicks of a loop, `go` having its next turn begin. */
export function openKicks({ time, go }: { readonly time: Time; readonly go: () => void }): Kicks {
  let begunAtMs = -Infinity;
  let cancelKick: (() => void) | undefined;
  let cancelSoon: (() => void) | undefined;
  const kick = (): void => {
    const restMs = turnsEveryMs - (time.monotonicMs() - begunAtMs);
    if (restMs <= 0) return go();
    cancelKick ??= time.after(restMs, () => {
      cancelKick = undefined;
      go();
    });
  };
  return {
    kick,
    kickSoon() {
      cancelSoon ??= time.after(soonMs, () => {
        cancelSoon = undefined;
        kick();
      });
    },
    begun() {
      begunAtMs = time.monotonicMs();
      cancelSoon?.();
      cancelSoon = undefined;
    },
    stop() {
      const waits = cancelKick !== undefined || cancelSoon !== undefined;
      cancelKick?.();
      cancelSoon?.();
      return waits;
    },
  };
}
