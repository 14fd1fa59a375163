import { inTime } from '../time/in-time.ts';

/** When nothing has come from it for this long a service is asked whether it lives, and has so long to say so: together below 3 s. */
const quietMs = 1_000;
const pingTimeoutMs = 1_300;
const checkEveryMs = 200;

/** Tells a service that stands still, which takes requests and answers none, from one that takes its time. */
export type Pulse = {
  began(): void;
  ended(): void;
  /** Something has come from it. */
  heard(): void;
};

/**
 * Watches while requests are on their way.
 *
 * @param options.ping resolves when the service says anything at all
 * @param options.onStill told when nothing has come from it, and no answer to that either
 */
export function openPulse(options: { ping: () => Promise<void>; onStill: () => void }): Pulse {
  let requests = 0;
  let lastSignMs = 0;
  /** A request has begun since the last sign: those that follow one another in silence are one silence. */
  let isOwed = false;
  let isAsking = false;
  let timer: NodeJS.Timeout | undefined;

  async function ask(): Promise<void> {
    const askedMs = performance.now();
    isAsking = true;
    try {
      await inTime(options.ping(), pingTimeoutMs);
      heard();
    } catch {
      // Something may have come meanwhile: then it lives.
      if (lastSignMs < askedMs && requests > 0) options.onStill();
    } finally {
      isAsking = false;
    }
  }
  function heard(): void {
    lastSignMs = performance.now();
    isOwed = false;
  }
  function check(): void {
    if (requests === 0) {
      clearInterval(timer);
      timer = undefined;
    } else if (!isAsking && performance.now() - lastSignMs > quietMs) {
      void ask();
    }
  }
  return {
    began() {
      requests += 1;
      if (requests === 1 && !isOwed) lastSignMs = performance.now();
      isOwed = true;
      timer ??= setInterval(check, checkEveryMs).unref();
    },
    ended() {
      requests -= 1;
    },
    heard,
  };
}
