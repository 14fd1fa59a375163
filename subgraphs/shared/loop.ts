import type { Logger } from './telemetry.ts';
import { type Time, realTime } from './time.ts';

export type Loop = {
  /** Runs a turn now, or right after the one that is running. */
  kick(): void;
  /** Waits for the running turn and starts no other. */
  stop(): Promise<void>;
};

const maxBackoffMs = 10_000;

/** Runs `turn` every `everyMs`, never two at once; a failing turn is logged and tried again with back-off up to 10 s. */
export function startLoop(options: {
  name: string;
  everyMs: number;
  log: Logger;
  time?: Time;
  turn: () => Promise<void>;
}): Loop {
  const { time = realTime } = options;
  let stopped = false;
  let again = false;
  let failures = 0;
  let cancelTimer: (() => void) | undefined;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    do {
      again = false;
      try {
        await options.turn();
        if (failures > 0) options.log.info({ loop: options.name }, 'working again');
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures === 1 || failures % 10 === 0)
          options.log.warn(
            { err: (error as Error).message, failures, loop: options.name },
            'background loop failed, will try again',
          );
      }
    } while (again && failures === 0 && !stopped);
    running = undefined;
    const delayMs =
      failures === 0 ? options.everyMs : Math.min(maxBackoffMs, options.everyMs * 2 ** Math.min(failures - 1, 6));
    if (!stopped) cancelTimer = time.after(delayMs, start);
  }
  function start(): void {
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
