import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createClient } from 'redis';
import { freePort } from '../embedded/servers.ts';
import { type BenchPlatform, startBenchPlatform } from './bench-platform.ts';
import {
  countWork,
  cpuMs,
  dataDir,
  machineOnly,
  median,
  perSecond,
  repeat,
  residentMiB,
  round,
  workOf,
  writeResults,
} from './measure.ts';
import { buyers, openShop, placeAndPay, signInAgain } from './order-flow.ts';

const root = resolve(import.meta.dirname, '..', '..');
const warmStarts = 3;
/** What a start leaves to do is done by then: trusted documents are planned, garbage is collected. */
const settleSeconds = 20;
const restSeconds = 60;
const loadMinutes = 10;
/** Shorter than access tokens last. */
const signInEveryMinutes = 5;

type Figure = { readonly what: string; readonly is: number; readonly goal?: number };

/**
 * `npm run bench -- start [minutes of load = 10]`: what the platform takes to start, what it keeps in memory, and what it
 * does while nobody asks for anything.
 */
export async function benchStart(args: readonly string[]): Promise<void> {
  const minutes = Number(args[0] ?? loadMinutes);
  const figures: Figure[] = [];
  const note = (found: readonly Figure[]): void => {
    figures.push(...found);
    console.table(found.map(({ what, is, goal }) => ({ what, is, goal, met: goal === undefined ? '' : is <= goal })));
  };
  note(await measureStarts());
  note(await measureSplit());
  note(await measureOneProcess(minutes));
  note([{ what: 'packages of production, MB', is: await productionPackagesMb(), goal: 200 }]);
  await writeResults('start', { machine: machineOnly(), figures });
}

/** `npm start` as users run it: with servers of its own in a new data directory, and again on what that left. */
async function measureStarts(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'order-platform-start-'));
  try {
    await mkdir(dataDir(), { recursive: true });
    await mkdir(join(dataDir(), 'packages'), { recursive: true });
    await symlink(join(dataDir(), 'packages'), join(directory, 'packages'));
    const cold = await startOnce(directory);
    const warm = [];
    for (let index = 0; index < warmStarts; index += 1) warm.push(await startOnce(directory));
    return [
      { what: 'start cold, s', is: round(cold / 1_000, 2) },
      { what: 'start warm, s', is: round(median(warm) / 1_000, 2), goal: 3 },
    ];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Milliseconds from the command to `ready`. */
async function startOnce(directory: string): Promise<number> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, [join(root, 'ops', 'bootstrap.mjs'), 'start'], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      PORT: String(await freePort()),
      DATA_DIR: directory,
      NODE_COMPILE_CACHE: join(directory, 'compile-cache'),
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await isReady(child);
  const tookMs = performance.now() - startedAtMs;
  child.kill('SIGTERM');
  await once(child, 'exit');
  return tookMs;
}

const isReady = (child: ChildProcess): Promise<void> =>
  new Promise((done, reject) => {
    child.once('exit', (code) => reject(new Error(`the platform ended with ${code} before it was ready`)));
    createInterface({ input: child.stdout as Readable }).on('line', (line) => {
      if (line.startsWith('ready ')) done();
    });
  });

async function measureOneProcess(minutes: number): Promise<Figure[]> {
  const platform = await startBenchPlatform();
  const pid = platform.pids['platform'] as number;
  try {
    const ready: Figure = { what: 'one process, ready, MiB', is: round(residentMiB(pid)), goal: 250 };
    await sleep(settleSeconds * 1_000);
    const rest = await measureRest(platform);
    const shop = await openShop(platform);
    const runs = [];
    for (let left = minutes; left > 0; left -= signInEveryMinutes) {
      await signInAgain(shop);
      const seconds = Math.min(left, signInEveryMinutes) * 60;
      runs.push(await repeat({ concurrency: buyers, seconds }, (line) => placeAndPay(shop, line)));
    }
    return [
      ready,
      ...rest,
      { what: `one process, after ${minutes} min of load, MiB`, is: round(residentMiB(pid)), goal: 350 },
      { what: 'orders placed and paid a second under load', is: round(perSecond(...runs)) },
    ];
  } finally {
    await platform.stop();
  }
}

async function measureRest(platform: BenchPlatform): Promise<Figure[]> {
  const redis = await createClient({ url: platform.redisUrl }).connect();
  try {
    const commands = async (): Promise<number> =>
      Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1]);
    const pid = platform.pids['platform'] as number;
    await countWork(platform.connection);
    const count = async () => ({
      cpu: cpuMs(pid),
      sql: (await workOf(platform.connection)).statements,
      redis: await commands(),
    });
    const before = await count();
    await sleep(restSeconds * 1_000);
    const after = await count();
    // Counting is a statement and a command.
    const aSecond = (name: keyof typeof before): number => (after[name] - before[name]) / restSeconds;
    return [
      { what: 'one process, at rest, MiB', is: round(residentMiB(pid)) },
      { what: 'at rest, % of a core', is: round(aSecond('cpu') / 10, 2), goal: 1 },
      { what: 'at rest, SQL statements a second', is: round(aSecond('sql') - 1 / restSeconds, 2), goal: 1 },
      { what: 'at rest, Redis commands a second', is: round(aSecond('redis') - 1 / restSeconds) },
    ];
  } finally {
    redis.destroy();
  }
}

/** Each process by its entry file. */
async function measureSplit(): Promise<Figure[]> {
  const platform = await startBenchPlatform({ args: ['--split'] });
  try {
    const children = await childrenOf(platform.pids['platform'] as number);
    const named = await Promise.all(children.map(async (pid) => [await programOf(pid), pid] as const));
    return named.toSorted(([one], [other]) => one.localeCompare(other)).map(([name, pid]) => ({
      what: `split, ready, ${name}, MiB`,
      is: round(residentMiB(pid)),
      ...(name === 'gateway/server.ts' && { goal: 130 }),
    })); // prettier-ignore
  } finally {
    await platform.stop();
  }
}

const childrenOf = async (pid: number): Promise<number[]> =>
  (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').map(Number);

/** The TypeScript file that a process runs, from the project's folder on. */
async function programOf(pid: number): Promise<string> {
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  return words.find((word) => word.endsWith('.ts'))?.replace(`${root}/`, '') ?? String(pid);
}

/** The size of node_modules after `npm ci --omit=dev`, as the container image has them. */
async function productionPackagesMb(): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'order-platform-packages-'));
  try {
    for (const name of ['package.json', 'package-lock.json', '.npmrc'])
      await copyFile(join(root, name), join(directory, name));
    const npm = ['ci', '--omit=dev', '--omit=optional', '--ignore-scripts', '--prefer-offline'];
    await promisify(execFile)('npm', npm, { cwd: directory });
    return round((await sizeBytes(join(directory, 'node_modules'))) / 1e6);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function sizeBytes(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  let bytes = 0;
  for (const entry of entries) if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}
