import { existsSync, statfsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Servers, startServers, stopLeftServers } from '../../ops/embedded/servers.ts';
import { databaseKind } from './engines.ts';
import { isRunning, processIdentity } from '../../ops/lock-directory.mjs';

const prefix = 'order-platform-test-';
const ownerFile = 'owner';
const root = resolve(import.meta.dirname, '..', '..');

const memoryDisk = '/dev/shm';
const roomBytes = 6 * 1024 ** 3;

/**
 * Where the servers' data are: in memory where there is room, as most of the time that a new table takes is waiting for
 * the disk. `TMPDIR` chooses another place.
 */
const dataRoot = process.env['TMPDIR'] === undefined && hasRoom() ? memoryDisk : tmpdir();

function hasRoom(): boolean {
  if (!existsSync(memoryDisk)) return false;
  const { bavail, bsize } = statfsSync(memoryDisk);
  return Math.min(bavail * bsize, process.availableMemory()) >= roomBytes;
}

/** Where the servers' programs are kept, the same as for `npm start`: they are fetched once. */
export const programCacheDir = resolve(root, process.env['DATA_DIR'] ?? '.data');

/** Servers, and the directory that goes with them. */
export type TestServers = Servers & { readonly dataDir: string };

/**
 * Starts MariaDB and Redis on fresh data in a temporary directory, for one test run.
 *
 * @returns `stop` ends them and removes the data; it may be called twice
 */
export async function startTestServers(options: { mysqlUrl?: string; redisUrl?: string }): Promise<TestServers> {
  await removeAbandoned();
  const dataDir = await mkdtemp(join(dataRoot, prefix));
  await writeFile(join(dataDir, ownerFile), processIdentity(process.pid) ?? '');
  const servers = await startServers({
    ...options,
    dataDir,
    cacheDir: programCacheDir,
    durable: false,
    databaseKind: databaseKind(),
    log: (line) => process.stderr.write(`${line}\n`),
  });
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await servers.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { ...servers, dataDir, stop: () => (stopped ??= stop()) };
}

/** Jest ends at once on a signal, without its teardown; the servers are in a session of their own and would stay. */
export function stopOnSignals(servers: Servers): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      void servers.stop().finally(() => process.exit(128 + constants.signals[signal]));
    });
  }
}

/** Ends and removes what test runs that were killed outright left behind. */
async function removeAbandoned(): Promise<void> {
  for (const place of new Set([dataRoot, tmpdir()])) {
    for (const name of (await readdir(place)).filter((entry) => entry.startsWith(prefix))) {
      const dataDir = join(place, name);
      const owner = join(dataDir, ownerFile);
      if (!existsSync(owner) || isRunning(await readFile(owner, 'utf8'))) continue;
      await stopLeftServers(dataDir);
      await rm(dataDir, { recursive: true, force: true });
    }
  }
}
