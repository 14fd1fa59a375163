import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from '../lock-directory.mjs';
import { type Daemon, type DaemonKind, startDaemon } from './daemon.ts';
import { lastLines } from './run-command.ts';

/** A server that is started again when it ends by itself. */
export type KeptDaemon = {
  /** The one that runs now, or ran last. */
  current(): Daemon;
  /** It is not started again from now on; it goes on running. */
  release(): Promise<void>;
};

const lookEveryMs = 250;
const firstBackoffMs = 250;
const maxBackoffMs = 5_000;
/** A server that lived this long has not died of its start. */
const healthyAfterMs = 10_000;

/**
 * Starts a server again at its port when it has died, at once the first time, with back-off when it dies again or does not
 * come up. Every process that uses the servers of a data directory watches them: the lock lets one of them do it.
 */
export function keepRunning(
  kind: DaemonKind,
  options: {
    readonly daemon: Daemon;
    readonly dataDir: string;
    readonly lock: () => Promise<() => void>;
    readonly log: (line: string) => void;
  },
): KeptDaemon {
  const { dataDir, lock, log } = options;
  let current = options.daemon;
  let released = false;
  let deaths = 0;
  const stop = new AbortController();
  const pause = (ms: number): Promise<void> =>
    sleep(ms, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
  const watching = watch();

  async function watch(): Promise<void> {
    let startedAtMs = performance.now();
    while (!released) {
      await pause(lookEveryMs);
      if (released || isRunning(current.process)) continue;
      deaths = performance.now() - startedAtMs > healthyAfterMs ? 1 : deaths + 1;
      const delayMs = deaths === 1 ? 0 : Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(deaths - 2, 10));
      log(`${kind.name} has died; starting it again on port ${current.port}${delayMs > 0 ? ` in ${delayMs} ms` : ''}`);
      await pause(delayMs);
      startedAtMs = performance.now();
      await restart();
    }
  }
  async function restart(): Promise<void> {
    let unlock = (): void => undefined;
    try {
      // It fails where the disk is full.
      unlock = await lock();
      if (released) return;
      current = await startDaemon(kind, dataDir, log, current.port);
    } catch (error) {
      log(`${kind.name} did not start: ${lastLines((error as Error).message, 1)}`);
    } finally {
      unlock();
    }
  }

  return {
    current: () => current,
    async release() {
      released = true;
      stop.abort();
      await watching;
    },
  };
}
