import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import type { DaemonKind } from './daemon.ts';
import { unpackDebianPackages } from './debian-packages.ts';
import { findOnPath } from './find-on-path.ts';
import { runCommand } from './run-command.ts';

type MariaDbProgram = {
  server: string;
  installDb: string;
  /** Where it was unpacked; undefined for one of the system's own. */
  base: string | undefined;
  options: string[];
  env: NodeJS.ProcessEnv;
};

const connectTimeoutMs = 5_000;
/** The address of a Unix socket holds 108 bytes, the last one is 0. */
const maxSocketPathBytes = 107;

/**
 * `durable` false: for throw-away data, a crash may lose or damage it; `packagesDir`: where programs fetched from the
 * distribution are kept.
 */
export type DatabaseOptions = {
  readonly dataDir: string;
  readonly packagesDir: string;
  readonly durable: boolean;
  readonly log: (line: string) => void;
};

/**
 * MariaDB on `<dataDir>/mariadb`, reached as root without a password, from this machine only.
 *
 * @returns undefined where there is no MariaDB and no way to get one
 */
export async function mariaDb(options: DatabaseOptions): Promise<DaemonKind | undefined> {
  const program = await findMariaDb(options);
  if (!program) return undefined;
  const { dataDir, durable } = options;
  const directory = join(dataDir, 'mariadb');
  return {
    name: 'mariadb',
    async prepare() {
      await mkdir(temporaryDirectory(dataDir), { recursive: true });
      await prepareDataDirectory(program, directory);
    },
    command: (port) => ({
      file: program.server,
      args: ['--no-defaults', ...program.options, ...serverOptions({ dataDir, directory, port, durable })],
      env: program.env,
    }),
    answers: (port) => serves(port, directory),
  };
}

async function findMariaDb(options: {
  packagesDir: string;
  log: (line: string) => void;
}): Promise<MariaDbProgram | undefined> {
  const server = findOnPath('mariadbd', 'mysqld');
  const installDb = findOnPath('mariadb-install-db', 'mysql_install_db');
  // MySQL's server has the same name, but another way to make its first data directory.
  if (server && installDb && (await runCommand(server, ['--version'])).includes('MariaDB')) {
    return { server, installDb, base: undefined, options: [], env: process.env };
  }
  const unpacked = await unpackDebianPackages({
    names: ['mariadb-server-core', 'mariadb-client-core'],
    directory: join(options.packagesDir, 'mariadb'),
    log: options.log,
  });
  if (!unpacked) return undefined;
  const base = join(unpacked.root, 'usr');
  return {
    server: join(base, 'sbin', 'mariadbd'),
    installDb: join(base, 'bin', 'mariadb-install-db'),
    base,
    options: [`--basedir=${base}`, `--lc-messages-dir=${join(base, 'share', 'mysql')}`],
    env: unpacked.env,
  };
}

/** Made aside and then renamed: what a killed first start leaves behind is never taken for a data directory. */
async function prepareDataDirectory(program: MariaDbProgram, directory: string): Promise<void> {
  if (existsSync(directory)) return;
  const staging = await mkdtemp(`${directory}-`);
  // The program is a shell script that takes paths apart at their spaces: it gets others.
  const plain = await mkdtemp(join(plainTemporary(), 'mariadb-install-'));
  try {
    await symlink(staging, join(plain, 'data'));
    await mkdir(join(plain, 'tmp'));
    if (program.base !== undefined) await symlink(program.base, join(plain, 'base'));
    const base = program.base === undefined ? [] : [`--basedir=${join(plain, 'base')}`];
    const installDb = program.base === undefined ? program.installDb : join(plain, 'base', 'bin', 'mariadb-install-db');
    const options = ['--auth-root-authentication-method=normal', '--skip-test-db', `--datadir=${join(plain, 'data')}`];
    // For the same reason as `temporaryDirectory`: several are made at once.
    const env = { ...program.env, TMPDIR: join(plain, 'tmp') };
    await runCommand(installDb, ['--no-defaults', ...base, ...options, ...asRoot()], { env });
    await rename(staging, directory);
  } finally {
    await rm(plain, { recursive: true, force: true });
    await rm(staging, { recursive: true, force: true });
  }
}

const plainTemporary = (): string => (/^[\w/.-]+$/.test(tmpdir()) ? tmpdir() : '/tmp');

function serverOptions(options: { dataDir: string; directory: string; port: number; durable: boolean }): string[] {
  return [
    `--datadir=${options.directory}`,
    `--tmpdir=${temporaryDirectory(options.dataDir)}`,
    `--socket=${socketPath(options.dataDir)}`,
    `--port=${options.port}`,
    '--bind-address=127.0.0.1',
    '--skip-name-resolve',
    '--character-set-server=utf8mb4',
    '--max-connections=400',
    '--innodb-lock-wait-timeout=5',
    '--innodb-buffer-pool-size=256M',
    '--performance-schema=OFF',
    ...(options.durable ? ['--innodb-flush-log-at-trx-commit=1'] : throwAway),
    ...asRoot(),
  ];
}

/** For data that nobody keeps: nothing waits for the disk, which is most of the time that a new table takes. MariaDB's own options are `loose`, for a MySQL on PATH. */
const throwAway = [
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=OFF',
  '--innodb-flush-method=nosync',
  '--loose-debug-no-sync',
  '--loose-skip-sync-frm',
];

/** One of its own: at its start MariaDB deletes every temporary table that it finds, in /tmp also those of other servers. */
export const temporaryDirectory = (dataDir: string): string => join(dataDir, 'mariadb-tmp');

/** MariaDB and MySQL refuse to run as root unless told to. */
export const asRoot = (): string[] => (process.getuid?.() === 0 ? ['--user=root'] : []);

/** The server's Unix socket, which it removes at its end. */
export function socketPath(dataDir: string): string {
  const path = join(dataDir, 'mariadb.sock');
  if (Buffer.byteLength(path) <= maxSocketPathBytes) return path;
  return join(tmpdir(), `mariadb-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}.sock`);
}

/** Whether the server on this port is the one with this data directory. */
export async function serves(port: number, directory: string): Promise<boolean> {
  try {
    const connection = await mysql.createConnection({
      host: '127.0.0.1',
      port,
      user: 'root',
      connectTimeout: connectTimeoutMs,
    });
    try {
      const [rows] = await connection.query<mysql.RowDataPacket[]>('SELECT @@datadir AS directory');
      return (await realpath(String(rows[0]?.['directory']))) === (await realpath(directory));
    } finally {
      await connection.end();
    }
  } catch {
    return false; // not yet: the caller asks again as long as the process runs
  }
}
