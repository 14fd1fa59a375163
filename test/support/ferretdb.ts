import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findOnPath } from '../../ops/embedded/find-on-path.ts';
import { type DaemonKind, freePort } from '../../ops/embedded/daemon.ts';
import { runCommand } from '../../ops/embedded/run-command.ts';
import { acquireLock } from '../../ops/lock-directory.mjs';
import { programCacheDir } from './test-servers.ts';

const version = 'v1.24.0';
const moduleName = 'github.com/FerretDB/FerretDB';
const buildTimeoutMs = 300_000;
const startTimeoutMs = 10_000;

export type MongoServer = { readonly url: string; stop(): Promise<void> };

const optionsFor = (directory: string, port: number): string[] => [
  ...['--handler=sqlite', `--sqlite-url=file:${directory}/`, `--state-dir=${directory}`],
  ...[`--listen-addr=127.0.0.1:${port}`, '--debug-addr=-', '--telemetry=disable', '--log-level=ERROR'],
];

/** FerretDB on `<dataDir>/ferretdb`, to be started and ended like the embedded servers; or why there is none here. */
export async function ferretDb(dataDir: string): Promise<DaemonKind | string> {
  const program = findOnPath('ferretdb') ?? (await build());
  if (!program.startsWith('/')) return program;
  const directory = join(dataDir, 'ferretdb');
  return {
    name: 'ferretdb',
    prepare: async () => void mkdirSync(directory, { recursive: true }),
    command: (port) => ({ file: program, args: optionsFor(directory, port), env: process.env }),
    answers: isListening,
  };
}

/**
 * A server that speaks MongoDB's protocol, for tests of what production keeps in MongoDB: FerretDB on SQLite, found on
 * PATH or built once from its Go module. A text instead says why there is none here.
 */
export async function startMongoServer(): Promise<MongoServer | string> {
  const program = findOnPath('ferretdb') ?? (await build());
  if (!program.startsWith('/')) return program;
  const directory = mkdtempSync(join(tmpdir(), 'ferretdb-'));
  const port = await freePort();
  const server = spawn(program, optionsFor(directory, port), { stdio: 'ignore' });
  await untilListening(server, port);
  return {
    url: `mongodb://127.0.0.1:${port}/jobs`,
    async stop() {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGTERM');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The program's path, or why it can't be built. A module built as a dependency doesn't know its version, so its source is built itself. */
async function build(): Promise<string> {
  const directory = join(programCacheDir, 'packages', 'ferretdb');
  const program = join(directory, 'ferretdb');
  if (existsSync(program)) return program;
  const go = findOnPath('go');
  if (!go) return 'neither ferretdb nor go is on PATH, so nothing here speaks MongoDB';
  mkdirSync(directory, { recursive: true });
  const release = await acquireLock(`${directory}.lock`, { timeoutMs: buildTimeoutMs });
  const source = mkdtempSync(join(tmpdir(), 'ferretdb-source-'));
  try {
    if (existsSync(program)) return program;
    const downloaded = await runCommand(go, ['mod', 'download', '-json', `${moduleName}@${version}`], { cwd: source });
    const { Dir } = JSON.parse(downloaded) as { Dir: string };
    cpSync(Dir, source, { recursive: true });
    for (const name of ['', 'build', join('build', 'version')]) chmodSync(join(source, name), 0o755);
    writeFileSync(join(source, 'build', 'version', 'version.txt'), `${version}\n`);
    await runCommand(go, ['build', '-o', program, './cmd/ferretdb'], { cwd: source });
    return program;
  } catch (error) {
    return `FerretDB ${version} can't be built here: ${(error as Error).message.slice(0, 500)}`;
  } finally {
    release();
    makeWritable(source);
    rmSync(source, { recursive: true, force: true });
  }
}

/** Go's module cache is read-only, and so are its copies. */
function makeWritable(directory: string): void {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) makeWritable(join(directory, entry.name));
}

async function untilListening(server: ChildProcess, port: number): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline) {
    if (server.exitCode !== null) break;
    if (await isListening(port)) return;
    await sleep(50);
  }
  throw new Error(`FerretDB did not start (exit code ${server.exitCode})`);
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
