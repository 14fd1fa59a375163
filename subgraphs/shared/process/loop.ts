import { AsyncLocalStorage } from 'node:async_hooks';
import { isUnavailable } from '../errors/errors.ts';
import type { Logger } from './telemetry.ts';
import { type Time, realTime } from '../time/time.ts';

export type Loop = {
  /** Runs a turn now, or right after the one that is running. */
  kick(): void;
  /** Waits for the running turn, and for one more where it was kicked meanwhile; starts no other. */
  stop(): Promise<void>;
};

const firstBackoffMs = 250;
const maxBackoffMs = 2_000;

/**
 * Runs `turn` at once and then every `everyMs`, or only when kicked where that is not given; never two at once. A failing turn is logged and tried again with back-off up to 2 s, by
 * chance up to half sooner, so that not all loops of all processes come back at once. A dependency that is away is said
 * where it is watched (`openDependency`), not by each loop that meets it.
 */
export function startLoop(options: {
  name: string;
  everyMs?: number;
  log: Logger;
  time?: Time;
  turn: () => Promise<void>;
}): Loop {
  const { time = realTime } = options;
  // Whoever kicks it goes on: a turn belongs to no request's trace.
  const start = AsyncLocalStorage.bind(startNow);
  let stopped = false;
  let again = false;
  let failures = 0;
  /** Those that no dependency is to blame for. */
  let ownFailures = 0;
  let cancelTimer: (() => void) | undefined;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    do {
      again = false;
      try {
        await options.turn();
        if (ownFailures > 0) options.log.info({ loop: options.name }, 'working again');
        failures = 0;
        ownFailures = 0;
      } catch (error) {
        failures += 1;
        const line = { err: (error as Error).message, failures, loop: options.name };
        if (isUnavailable(error)) options.log.debug(line, 'background loop waits for a dependency');
        else {
          ownFailures += 1;
          if (ownFailures === 1 || ownFailures % 10 === 0)
            options.log.warn(line, 'background loop failed, will try again');
        }
      }
    } while (again && failures === 0);
    running = undefined;
    const { everyMs } = options;
    const delayMs =
      failures === 0
        ? everyMs
        : Math.min(maxBackoffMs, (everyMs ?? firstBackoffMs) * 2 ** Math.min(failures - 1, 6)) *
          (0.5 + time.random() / 2);
    if (!stopped && delayMs !== undefined) cancelTimer = time.after(delayMs, start);
  }
  function startNow(): void {
    cancelTimer?.();
    if (stopped) return;
    if (running) again = true;
    else running = run();
  }

  start();
  return {
    kick: start,
    async stop() {
      stopped = true;
      cancelTimer?.();
      await running;
    },
  };
}
