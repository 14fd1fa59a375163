import { mkdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { acquireLock } from '../lock-directory.mjs';
import {
  type DaemonKind,
  recordedDaemons,
  signalDaemon,
  startDaemon,
  stopDaemon,
  stopRecordedDaemons,
} from './daemon.ts';
import { type KeptDaemon, keepRunning } from './keep-running.ts';
import { type DatabaseOptions, mariaDb, socketPath } from './mariadb.ts';
import { redis } from './redis.ts';
import { registerUse } from './registered-use.ts';

export { freePort } from './daemon.ts';

/**
 * Root URL of the database server, URL of Redis; `mysqlSocketUrl` is the former by the server's Unix socket, where it is
 * ours. `stop` ends what was started, unless another process still uses it.
 */
export type Servers = { mysqlUrl: string; mysqlSocketUrl: string; redisUrl: string; stop(): Promise<void> };

/**
 * Gives a MariaDB and a Redis: those of the given URLs, else servers of our own, reachable from this machine only, with
 * their data under `dataDir`. Their programs are found on PATH or fetched from the distribution's packages.
 *
 * Two processes may use one `dataDir` at once: they share the servers, and the last one to stop ends them. Servers that
 * a killed process left behind are taken over, running or crashed, with their data. One that dies is started again.
 *
 * @param options.dataDir made when missing; data is kept between starts
 * @param options.mysqlUrl root URL of a MySQL or MariaDB to use instead
 * @param options.redisUrl URL of a Redis to use instead
 * @param options.durable false: for throw-away data, faster, a crash may lose it. true when not given
 * @param options.databaseKind another database than MariaDB, for tests
 * @param options.cacheDir where fetched programs are kept (`<cacheDir>/packages`); `dataDir` when not given
 * @throws Error that says what to do when a server cannot be had, with the end of its log when it does not come up
 */
export async function startServers(options: {
  dataDir: string;
  mysqlUrl?: string;
  redisUrl?: string;
  log: (line: string) => void;
  durable?: boolean;
  cacheDir?: string;
  databaseKind?: (options: DatabaseOptions) => Promise<DaemonKind | undefined>;
}): Promise<Servers> {
  const { mysqlUrl, redisUrl, log, durable = true, databaseKind = mariaDb } = options;
  if (mysqlUrl && redisUrl) return { mysqlUrl, mysqlSocketUrl: mysqlUrl, redisUrl, stop: async () => {} };
  await mkdir(options.dataDir, { recursive: true });
  const dataDir = await realpath(options.dataDir);
  const packagesDir = join(resolve(options.cacheDir ?? dataDir), 'packages');
  const kindOptions = { dataDir, packagesDir, durable, log };
  const group = await joinGroup(dataDir, log);
  try {
    const mysqlPort = mysqlUrl ? 0 : await group.start('MariaDB', 'MYSQL_URL', () => databaseKind(kindOptions));
    const redisPort = redisUrl ? 0 : await group.start('Redis', 'REDIS_URL', () => redis(kindOptions));
    group.unlock();
    const ownUrl = `mysql://root@127.0.0.1:${mysqlPort}`;
    return {
      mysqlUrl: mysqlUrl ?? ownUrl,
      mysqlSocketUrl: mysqlUrl ?? `${ownUrl}?${new URLSearchParams({ socketPath: socketPath(dataDir) }).toString()}`,
      redisUrl: redisUrl ?? `redis://127.0.0.1:${redisPort}`,
      stop: group.stop,
    };
  } catch (error) {
    group.unlock();
    await group.stop();
    throw error;
  }
}

/** Ends the servers that a killed process left running on `dataDir`, unless another process uses them. */
export async function stopLeftServers(dataDir: string): Promise<void> {
  const unlock = await acquireLock(lockPath(dataDir));
  try {
    if (registerUse(usersPath(dataDir)).end() === 'last') await stopRecordedDaemons(dataDir);
  } finally {
    unlock();
  }
}

const lockPath = (dataDir: string): string => join(dataDir, 'servers.lock');
const usersPath = (dataDir: string): string => join(dataDir, 'users');

/** Locks the data directory and registers this process as a user of its servers. */
async function joinGroup(dataDir: string, log: (line: string) => void) {
  const lock = () =>
    acquireLock(lockPath(dataDir), {
      onWait: (pid) => log(`waiting for process ${pid}, which is starting or stopping the same servers`),
    });
  const unlock = await lock();
  const use = registerUse(usersPath(dataDir));
  const daemons: KeptDaemon[] = [];
  // The servers do not end with this process by themselves, and at exit there is no time for more than a signal.
  const signalAtExit = (): void => {
    // Those recorded and not those in `daemons`: the one that is just starting is to end, too.
    if (use.end() === 'last') for (const daemon of recordedDaemons(dataDir)) signalDaemon(daemon, 'SIGTERM');
  };
  process.once('exit', signalAtExit);
  return {
    unlock,
    /** The servers are watched from now on, under the same lock: it has to be given back by `unlock`. */
    async start(title: string, variable: string, find: () => Promise<DaemonKind | undefined>): Promise<number> {
      const kind = await findOrExplain(title, variable, find);
      const daemon = await startDaemon(kind, dataDir, log);
      daemons.push(keepRunning(kind, { daemon, dataDir, lock, log }));
      return daemon.port;
    },
    async stop(): Promise<void> {
      await Promise.all(daemons.map((daemon) => daemon.release()));
      const release = await lock();
      try {
        process.off('exit', signalAtExit);
        if (use.end() !== 'last') return;
        await Promise.all(daemons.map((daemon) => stopDaemon(dataDir, daemon.current())));
      } finally {
        release();
      }
    },
  };
}

async function findOrExplain(
  title: string,
  variable: string,
  find: () => Promise<DaemonKind | undefined>,
): Promise<DaemonKind> {
  const advice = `Set ${variable} to the URL of a running server, install ${title}, or run \`docker compose up\`.`;
  let kind: DaemonKind | undefined;
  try {
    kind = await find();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${title} is not on PATH and could not be fetched: ${reason}\n${advice}`, { cause: error });
  }
  if (!kind) throw new Error(`${title} is not on PATH, and this system has no apt to fetch it with. ${advice}`);
  return kind;
}
