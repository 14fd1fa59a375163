import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Daemon,
  type DaemonKind,
  freePort,
  signalDaemon,
  startDaemon,
  stopDaemon,
} from '../../../ops/embedded/daemon.ts';
import { mariaDb } from '../../../ops/embedded/mariadb.ts';
import { redis } from '../../../ops/embedded/redis.ts';
import { isRunning, processIdentity } from '../../../ops/lock-directory.mjs';
import { ferretDb } from '../../support/ferretdb.ts';
import { programCacheDir } from '../../support/test-servers.ts';

/** A real server that a test stops, kills and starts again. */
export type Server = {
  readonly dataDir: string;
  readonly port: number;
  pid(): number;
  signal(signal: NodeJS.Signals): void;
  /** Ends it outright; its files stay. */
  kill(): Promise<void>;
  /** Starts it again on its files, at its port; once changed, its options stay. */
  start(options?: readonly string[]): Promise<void>;
  /** Ends it and throws its data away. */
  stop(): Promise<void>;
};

const pollMs = 10;
/** Room for the platform and some thousand orders, and no more: `disk full` fills what is left of it. */
const databaseFiles = '--innodb-data-file-path=ibdata1:12M;ibdata2:148M';
/** More room, as a larger disk has. */
export const moreRoom = (times: number): string =>
  `${databaseFiles}${Array.from({ length: times }, (_, place) => `;ibdata${place + 3}:64M`).join('')}`;
const databaseOptions = ['--innodb-file-per-table=0', databaseFiles, '--innodb-flush-log-at-trx-commit=2'];

/** Starts a server of this kind in a directory of its own, removed by a later test run should this one be killed. */
async function startServer(
  kindOf: (dataDir: string) => Promise<DaemonKind | string | undefined>,
  options: readonly string[] = [],
): Promise<Server> {
  const dataDir = await mkdtemp(join(tmpdir(), 'order-platform-test-'));
  await writeFile(join(dataDir, 'owner'), processIdentity(process.pid) ?? '');
  const kind = await kindOf(dataDir);
  if (kind === undefined || typeof kind === 'string') throw new Error(kind ?? 'no such server can be had here');
  let more: readonly string[] = [];
  const withOptions: DaemonKind = {
    ...kind,
    command(port) {
      const { file, args, env } = kind.command(port);
      return { file, args: [...args, ...options, ...more], env };
    },
  };
  const port = await freePort();
  const start = (): Promise<Daemon> => startDaemon(withOptions, dataDir, () => undefined, port);
  let daemon = await start();
  return {
    dataDir,
    port,
    pid: () => Number.parseInt(daemon.process, 10),
    signal: (signal) => signalDaemon(daemon, signal),
    async kill() {
      signalDaemon(daemon, 'SIGKILL');
      while (isRunning(daemon.process)) await sleep(pollMs);
    },
    async start(others = more) {
      more = others;
      daemon = await start();
    },
    async stop() {
      signalDaemon(daemon, 'SIGCONT');
      await stopDaemon(dataDir, daemon);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const throwAway = { packagesDir: join(programCacheDir, 'packages'), durable: false, log: () => undefined };

/** A MariaDB that remembers what it has committed when it is killed, though not when the machine loses its power. */
export const startMariaDb = (): Promise<Server> =>
  startServer((dataDir) => mariaDb({ ...throwAway, dataDir }), databaseOptions);
/** A Redis that keeps what it was told to save, and nothing else. */
export const startRedis = (): Promise<Server> => startServer((dataDir) => redis({ ...throwAway, dataDir }));
export const startFerretDb = (): Promise<Server> => startServer((dataDir) => ferretDb(dataDir));

/** Why nothing here speaks MongoDB's protocol; undefined where something does. */
export async function mongoAbsence(): Promise<string | undefined> {
  const kind = await ferretDb(tmpdir());
  return typeof kind === 'string' ? kind : undefined;
}
