import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, processIdentity } from '../lock-directory.mjs';
import { lastLines } from './run-command.ts';

const pollMs = 20;
/** Crash recovery of a database may take its time. */
const readyTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;
const killTimeoutMs = 5_000;
/** A free port may be taken by someone else before the daemon binds it. */
const maxStartAttempts = 3;

/** How to run one kind of server on a data directory. */
export type DaemonKind = {
  name: string;
  /** Makes what the first start needs; must do nothing when it is there already. */
  prepare(): Promise<void>;
  command(port: number): { file: string; args: string[]; env: NodeJS.ProcessEnv };
  /** Whether the server on this port of 127.0.0.1 answers, and serves this data directory. */
  answers(port: number): Promise<boolean>;
};

/** A server that runs; `process` as `processIdentity` names it. */
export type Daemon = { name: string; process: string; port: number };

/**
 * Starts a server, or takes over the one that an earlier process left running on the same data directory. Its process
 * is recorded in `<dataDir>/<name>.server.json`, its output in `<dataDir>/<name>.log`. It runs in a session of its own, so that a terminal's
 * Ctrl-C does not reach it. The caller holds the directory's lock.
 *
 * @param port to listen on; a free one when not given
 * @throws Error with the end of the log when it does not come up
 */
export async function startDaemon(
  kind: DaemonKind,
  dataDir: string,
  log: (line: string) => void,
  port?: number,
): Promise<Daemon> {
  const startedAtMs = performance.now();
  const left = await adoptDaemon(kind, dataDir);
  if (left) {
    log(`${kind.name} is running already on port ${left.port}`);
    return left;
  }
  await kind.prepare();
  for (let attempt = 1; ; attempt += 1) {
    const daemon = await spawnDaemon(kind, dataDir, port);
    if (await becomesReady(kind, daemon)) {
      log(`${kind.name} is ready on port ${daemon.port} after ${Math.round(performance.now() - startedAtMs)} ms`);
      return daemon;
    }
    await stopDaemon(dataDir, daemon);
    const output = readFileSync(join(dataDir, `${kind.name}.log`), 'utf8');
    if (attempt === maxStartAttempts || !/address already in use/i.test(output)) {
      throw new Error(`${kind.name} did not start. The end of ${dataDir}/${kind.name}.log:\n${lastLines(output, 20)}`);
    }
  }
}

const recordSuffix = '.server.json';
const recordPath = (dataDir: string, name: string): string => join(dataDir, `${name}${recordSuffix}`);

async function adoptDaemon(kind: DaemonKind, dataDir: string): Promise<Daemon | undefined> {
  const daemon = recordedDaemon(kind.name, dataDir);
  if (!daemon || !isRunning(daemon.process)) return undefined;
  if (await becomesReady(kind, daemon)) return daemon;
  await stopDaemon(dataDir, daemon);
  return undefined;
}

function recordedDaemon(name: string, dataDir: string): Daemon | undefined {
  try {
    return JSON.parse(readFileSync(recordPath(dataDir, name), 'utf8')) as Daemon;
  } catch (error) {
    // Not there, or cut off by a power failure: then nothing of it runs any more.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function spawnDaemon(kind: DaemonKind, dataDir: string, given: number | undefined): Promise<Daemon> {
  const port = given ?? (await freePort());
  const { file, args, env } = kind.command(port);
  // Of a server that died, its last words are kept.
  const output = openSync(join(dataDir, `${kind.name}.log`), given === undefined ? 'w' : 'a');
  const child = spawn(file, args, { env, cwd: dataDir, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.unref();
  const pid = child.pid as number;
  const daemon = { name: kind.name, process: processIdentity(pid) ?? `${pid}@ended`, port };
  // At once, for those who read it without the lock.
  const written = `${recordPath(dataDir, kind.name)}.new`;
  writeFileSync(written, JSON.stringify(daemon));
  renameSync(written, recordPath(dataDir, kind.name));
  return daemon;
}

async function becomesReady(kind: DaemonKind, daemon: Daemon): Promise<boolean> {
  const deadline = Date.now() + readyTimeoutMs;
  while (isRunning(daemon.process) && Date.now() < deadline) {
    if (await kind.answers(daemon.port)) return true;
    await sleep(pollMs);
  }
  return false;
}

/** Ends a server: SIGTERM or the given signal, and SIGKILL when it still runs 10 s later. */
export async function stopDaemon(
  dataDir: string,
  daemon: Daemon,
  signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
): Promise<void> {
  signalDaemon(daemon, signal);
  if (!(await ends(daemon, stopTimeoutMs))) {
    signalDaemon(daemon, 'SIGKILL');
    if (!(await ends(daemon, killTimeoutMs)))
      throw new Error(`${daemon.name} (process ${daemon.process}) cannot be stopped`);
  }
  await rm(recordPath(dataDir, daemon.name), { force: true });
}

/** Ends all servers that are recorded in a data directory. The caller holds the directory's lock. */
export async function stopRecordedDaemons(dataDir: string): Promise<void> {
  await Promise.all(recordedDaemons(dataDir).map((daemon) => stopDaemon(dataDir, daemon)));
}

/** All servers that are recorded in a data directory, also one that is only starting. */
export const recordedDaemons = (dataDir: string): Daemon[] =>
  readdirSync(dataDir)
    .filter((entry) => entry.endsWith(recordSuffix))
    .map((entry) => recordedDaemon(entry.slice(0, -recordSuffix.length), dataDir))
    .filter((daemon) => daemon !== undefined);

/** Sends a signal to a server if it still runs; never to another process that got its id. */
export function signalDaemon(daemon: Daemon, signal: NodeJS.Signals): void {
  if (!isRunning(daemon.process)) return;
  try {
    process.kill(Number.parseInt(daemon.process, 10), signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function ends(daemon: Daemon, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isRunning(daemon.process)) {
    if (Date.now() > deadline) return false;
    await sleep(pollMs);
  }
  return true;
}

/** Below the ports that Linux and macOS give to outgoing connections by default. */
const portRange = { from: 10_240, to: 32_768 };
/** A prime: processes that were started one after the other begin far from each other. */
const portsBetweenProcesses = 7_919;
const portCount = portRange.to - portRange.from;
let nextPort = (process.pid * portsBetweenProcesses) % portCount;

/**
 * A TCP port of 127.0.0.1 that nobody listens on at the moment, not one that outgoing connections get: who gives it back
 * for a moment, as a service that is started again does, finds it free. None is given twice while it may be that nobody has
 * listened there yet: a process goes through all ports in turn.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 1; attempt <= portCount; attempt += 1) {
    const port = portRange.from + nextPort;
    nextPort = (nextPort + 1) % portCount;
    if (await canListen(port)) return port;
  }
  throw new Error(`no port between ${portRange.from} and ${portRange.to} is free`);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
