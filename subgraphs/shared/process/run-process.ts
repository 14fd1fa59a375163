import { ConfigError } from './env.ts';
import { refuseStart } from './refuse-start.ts';
import { createLogger } from './telemetry.ts';
import { isUnavailable } from '../errors/unavailable.ts';

/** A start that hangs, e.g. on a database that doesn't answer, is given this long after a signal. */
const defaultStartGraceMs = 10_000;
/** A stop that hangs is given this long: its supervisor, or the container's, would kill it after 30 s without a word. */
export const defaultStopGraceMs = 28_000;

/**
 * Runs a service as a process: `start` returns how to stop it. SIGTERM and SIGINT drain once and exit 0 (or `process.exitCode`); a second signal
 * doesn't hurry it; a start that hasn't ended 10 s after a signal is left, with exit code 1, and so is a stop that takes longer than 28 s. A process that was forked also ends with its parent. A configuration that can't work is printed without a stack, and any other error with it; both exit 1.
 * A dependency that is away ends nothing: see `outliveDependencies`.
 */
export async function runProcess(
  start: () => Promise<{ stop(): Promise<void> }>,
  {
    startGraceMs = defaultStartGraceMs,
    stopGraceMs = defaultStopGraceMs,
  }: { startGraceMs?: number; stopGraceMs?: number } = {},
): Promise<void> {
  outliveDependencies();
  let stopping: Promise<void> | undefined;
  let started = false;
  const starting = start();
  const stop = () => {
    if (!started && !stopping) {
      setTimeout(() => {
        if (started) return;
        console.error(`The start did not end within ${startGraceMs / 1000} s of the signal: ended without it.`);
        process.exit(1);
      }, startGraceMs);
    }
    stopping ??= starting
      .then((service) => {
        setTimeout(() => {
          console.error(`The stop did not end within ${stopGraceMs / 1000} s: ended without it.`);
          process.exit(1);
        }, stopGraceMs);
        return service.stop();
      })
      .then(
        () => process.exit(process.exitCode ?? 0),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // The channel to the supervisor of `npm start -- --split`: when that dies, nobody would end this process.
  if (process.connected) process.on('disconnect', stop);
  try {
    await starting;
    started = true;
  } catch (error) {
    if (error instanceof ConfigError) await refuseStart(error);
    console.error(error);
    process.exit(1);
  }
}

/**
 * The net under libraries: an error of a connection that one of them throws where nobody can catch it, or emits where it
 * lets nobody listen, is logged, and the process goes on: what needed the connection has its own time limit. Any other
 * error that nobody caught ends the process, as ever.
 */
function outliveDependencies(): void {
  const log = createLogger('process', 'warn');
  const outlive = (error: unknown): void => {
    if (isUnavailable(error)) {
      log.error({ err: error }, 'an error of a dependency reached nobody');
      return;
    }
    log.fatal({ err: error }, 'an error that nobody caught ends this process');
    process.exit(1);
  };
  process.on('uncaughtException', outlive);
  process.on('unhandledRejection', outlive);
}
