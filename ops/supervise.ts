import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Env } from '../subgraphs/shared/process/env.ts';
import { unusableConfiguration } from '../subgraphs/shared/process/refuse-start.ts';
import { platformNodeArguments } from './bootstrap.mjs';

/** A service that runs as a process of its own. */
export type Program = {
  readonly name: string;
  /** Its entry file. */
  readonly file: string;
  readonly env: Env;
  /** Answers 200 when the service can work. */
  readonly readyUrl: string;
};

export type Supervised = {
  readonly name: string;
  /** The process that runs now; undefined between two. */
  pid(): number | undefined;
  /** Resolves when the service says that it is ready; rejects when it was given up. */
  ready(): Promise<void>;
  /** Ends the program as `stop` does, and starts it again at once. */
  restart(): Promise<void>;
  /** SIGTERM, and SIGKILL for one that is still there after 30 s. It isn't started again. */
  stop(): Promise<void>;
};

const stopTimeoutMs = 30_000;
const readyPollMs = 50;
const firstBackoffMs = 250;
const maxBackoffMs = 5_000;
/** Who lived this long has not crashed at its start. */
const healthyAfterMs = 30_000;
const maxCrashesInARow = 6;
/** For what has worked before: its servers are away, and will be back. */
const patience = { START_WAIT_SECONDS: '86400' };

/**
 * Runs a program and starts it again, with back-off, when it ends by itself. A program that was never ready, and ends six
 * times in a row within 30 s of its start or can't work with its configuration, is given up: `onGiveUp` is told, once.
 * One that was ready once is started again for as long as it takes. With `onEnd: 'wait'` a program that ends by itself
 * waits for `restart` instead.
 *
 * Its output goes to `print` line by line. It lives in a process group of its own, so that a terminal's Ctrl-C reaches
 * only the supervisor, which stops its programs in order; and it ends when the supervisor is gone.
 */
export function supervise(
  program: Program,
  options: { print: (line: string) => void; onGiveUp: (error: Error) => void; onEnd?: 'wait' },
): Supervised {
  let child: ChildProcess | undefined;
  let stopping = false;
  let restarting = false;
  /** Set while the program waits for `restart`. */
  let goOn: (() => void) | undefined;
  let givenUp: Error | undefined;
  let crashes = 0;
  let wasReady = false;
  const running = run();

  async function run(): Promise<void> {
    while (!stopping) {
      const startedAtMs = performance.now();
      child = undefined;
      const env = wasReady ? { ...patience, ...program.env } : program.env;
      const { code, signal, error, refused } = await runOnce(program, { env, print: options.print, onStart: (started) => (child = started) }); // prettier-ignore
      if (stopping) return;
      if (restarting) {
        restarting = false;
        continue;
      }
      crashes = performance.now() - startedAtMs > healthyAfterMs ? 1 : crashes + 1;
      const how = error?.message ?? (signal === null ? `exit code ${code}` : signal);
      if (options.onEnd === 'wait') {
        options.print(`ended with ${how}; waiting for a change`);
        await new Promise<void>((resolve) => (goOn = resolve));
        goOn = undefined;
        continue;
      }
      // Of a program that has worked before a refusal means that something it needs is away.
      if (!wasReady && (refused || crashes >= maxCrashesInARow)) {
        const why = refused
          ? 'its configuration, see above'
          : `it ended ${crashes} times in a row, see its output above`;
        givenUp = new Error(`${program.name} can't be run: ${why} (${how}).`);
        options.onGiveUp(givenUp);
        return;
      }
      const delayMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(crashes - 1, 10));
      options.print(`ended with ${how}; starting it again in ${delayMs} ms`);
      await sleep(delayMs);
    }
  }

  return {
    name: program.name,
    pid: () => (isAlive(child) ? child.pid : undefined),
    async ready() {
      while (!stopping) {
        if (givenUp) throw givenUp;
        const response = await fetch(program.readyUrl).catch(() => undefined); // not listening yet
        await response?.arrayBuffer();
        if (response?.ok) {
          wasReady = true;
          return;
        }
        await sleep(readyPollMs);
      }
    },
    async restart() {
      if (stopping) return;
      restarting = isAlive(child);
      goOn?.();
      await end(child);
    },
    async stop() {
      stopping = true;
      goOn?.();
      if (!isAlive(child)) return;
      await end(child);
      await running;
    },
  };
}

/** `error`: it could not be started, e.g. for want of memory or processes; `refused`: it said that its configuration can't work. */
type End = { code: number | null; signal: NodeJS.Signals | null; error?: Error; refused?: boolean };

/** Runs a program to its end. */
function runOnce(
  program: Program,
  { env, print, onStart }: { env: Env; print: (line: string) => void; onStart: (child: ChildProcess) => void },
): Promise<End> {
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      child = fork(program.file, [], {
        execArgv: platformNodeArguments,
        env,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        detached: true,
      });
    } catch (error) {
      // Some errors of starting are thrown (ENOMEM), others are an event (EAGAIN).
      resolve({ code: null, signal: null, error: error as Error });
      return;
    }
    onStart(child);
    // Without free descriptors there are no streams.
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', print);
    }
    let refused = false;
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    child.on('message', (said) => (refused ||= isDeepStrictEqual(said, unusableConfiguration)));
    // What it said last may be read after its end, and then the channel is at its end, too.
    child.once('exit', (code, signal) => {
      const end = () => resolve({ code, signal, refused });
      if (child.connected) child.once('disconnect', end);
      else end();
    });
  });
}

const isAlive = (child: ChildProcess | undefined): child is ChildProcess =>
  child?.pid !== undefined && child.exitCode === null && child.signalCode === null;

/** Resolves when the process has ended. */
async function end(child: ChildProcess | undefined): Promise<void> {
  if (!isAlive(child)) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const cut = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await ended;
  clearTimeout(cut);
}
