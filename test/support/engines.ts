import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import type { DaemonKind } from '../../ops/embedded/daemon.ts';
import { unpackForeignPackages } from '../../ops/embedded/debian-packages.ts';
import { type DatabaseOptions, asRoot, mariaDb, serves, socketPath, temporaryDirectory } from '../../ops/embedded/mariadb.ts'; // prettier-ignore
import { runCommand } from '../../ops/embedded/run-command.ts';
import { acquireLock } from '../../ops/lock-directory.mjs';

const kinds = { mariadb: mariaDb, mysql: mySql, tidb: tiDb };

/** The database of this test run by its name: `npm test -- --engine mysql`. */
export const testEngine = process.env['TEST_ENGINE'] ?? 'mariadb';

/** The database of this test run. Throws where there is none of the name. */
export function databaseKind(): (options: DatabaseOptions) => Promise<DaemonKind | undefined> {
  if (!Object.hasOwn(kinds, testEngine)) throw new Error(`--engine ${testEngine} is none of ${Object.keys(kinds).join(', ')}`); // prettier-ignore
  return kinds[testEngine as keyof typeof kinds];
}

/** Newest MySQL that Debian has. Its root is for `localhost` alone, and a server that resolves no names needs another. */
async function mySql({ dataDir, packagesDir, durable, log }: DatabaseOptions): Promise<DaemonKind> {
  const unpacked = await unpackForeignPackages({
    names: ['mysql-server-core'],
    suite: 'sid',
    directory: join(packagesDir, 'mysql'),
    log,
  });
  if (unpacked === undefined)
    throw new Error('--engine mysql fetches MySQL from Debian, and this is none. Start a MySQL, and set TEST_MYSQL_URL to its root URL.'); // prettier-ignore
  const base = join(unpacked.root, 'usr');
  const [file = '', ...loading] = unpacked.loader;
  const program = [...loading, join(base, 'sbin/mysqld'), '--no-defaults', `--basedir=${base}`, `--lc-messages-dir=${join(base, 'share/mysql')}`, ...asRoot()]; // prettier-ignore
  const directory = join(dataDir, 'mysql');
  const accounts = join(dataDir, 'accounts.sql');
  return {
    name: 'mysql',
    async prepare() {
      await mkdir(temporaryDirectory(dataDir), { recursive: true });
      await writeFile(accounts, "create user if not exists root@'127.0.0.1';\ngrant all on *.* to root@'127.0.0.1' with grant option;\n"); // prettier-ignore
      if (existsSync(directory)) return;
      // Made once, beside the program: copying one takes a tenth of the time that making one does.
      const first = join(unpacked.root, 'first-data');
      await madeOnce(first, async (made) => {
        await runCommand(file, [...program, '--initialize-insecure', `--datadir=${made}`, ...plain, ...careless]);
      });
      await madeOnce(directory, (made) => cp(first, made, { recursive: true }));
    },
    command: (port) => ({
      file,
      args: [
        ...program,
        `--datadir=${directory}`,
        `--tmpdir=${temporaryDirectory(dataDir)}`,
        `--socket=${socketPath(dataDir)}`,
        `--port=${port}`,
        `--init-file=${accounts}`,
        '--bind-address=127.0.0.1',
        ...plain,
        '--skip-name-resolve',
        '--character-set-server=utf8mb4',
        '--max-connections=400',
        '--innodb-lock-wait-timeout=5',
        '--innodb-buffer-pool-size=256M',
        ...(durable ? [] : careless),
      ],
      env: process.env,
    }),
    answers: (port) => serves(port, directory),
  };
}

/** What tests have no use for is left out: it costs time at the start and with each table. */
const plain = [
  '--secure-file-priv=NULL',
  '--skip-log-bin',
  '--mysqlx=OFF',
  '--performance-schema=OFF',
  '--auto-generate-certs=OFF',
  '--innodb-redo-log-capacity=64M',
];
/** For data that nobody keeps: nothing waits for the disk. */
const careless = [
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=OFF',
  '--innodb-flush-method=nosync',
  // One thread less between a commit and the log: meant for few processors.
  '--innodb-log-writer-threads=OFF',
];

/** Makes a directory unless it is there: aside, then renamed, so what a killed process leaves behind is never taken for it. */
async function madeOnce(directory: string, make: (path: string) => Promise<void>): Promise<void> {
  const release = await acquireLock(`${directory}.lock`);
  try {
    if (existsSync(directory)) return;
    const staging = await mkdtemp(`${directory}-`);
    try {
      await make(join(staging, 'made'));
      await rename(join(staging, 'made'), directory);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  } finally {
    release();
  }
}

/** TiDB with its store for tests, in one process: the program at `TIDB_SERVER`. */
async function tiDb({ dataDir }: DatabaseOptions): Promise<DaemonKind> {
  const file = process.env['TIDB_SERVER'];
  if (!file) throw new Error('--engine tidb needs TIDB_SERVER, the path of a tidb-server: see docs/operating.md.');
  const directory = join(dataDir, 'tidb');
  return {
    name: 'tidb',
    prepare: async () => void (await mkdir(directory, { recursive: true })),
    command: (port) => ({
      file,
      args: ['-store', 'unistore', '-path', directory, '-host', '127.0.0.1', '-P', String(port), '-socket', socketPath(dataDir), '-report-status=false', '-L', 'error'], // prettier-ignore
      env: process.env,
    }),
    async answers(port) {
      try {
        const connection = await createConnection({ host: '127.0.0.1', port, user: 'root', connectTimeout: 5_000 });
        try {
          await connection.query('set global tidb_enable_check_constraint = on');
          return true;
        } finally {
          await connection.end();
        }
      } catch {
        return false; // not yet: the caller asks again as long as the process runs
      }
    },
  };
}
