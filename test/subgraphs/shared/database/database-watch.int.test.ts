import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import {
  type Database,
  idleTransactionSeconds,
  openDatabase,
  select,
  write,
} from '../../../../subgraphs/shared/database/database.ts';
import { openDependency } from '../../../../subgraphs/shared/process/dependency.ts';
import { ConfigError } from '../../../../subgraphs/shared/process/env.ts';
import { isUnavailable } from '../../../../subgraphs/shared/errors/errors.ts';
import { createLogger } from '../../../../subgraphs/shared/process/telemetry.ts';
import { type TcpProxy, startTcpProxy } from '../../../faults/tcp-proxy.ts';
import { testEngine } from '../../../support/engines.ts';
import { type TestServers, startTestServers } from '../../../support/test-servers.ts';
import { until } from '../../../support/until.ts';

const log = createLogger('test', 'silent');
const refusalWithinMs = 3_000;
const poolSize = 4;

let servers: TestServers;
let proxy: TcpProxy;
let db: Database;
let said: string[];
beforeAll(async () => {
  servers = await startTestServers({ redisUrl: String(process.env['TEST_REDIS_URL']) });
  const server = new URL(servers.mysqlUrl);
  proxy = await startTcpProxy({ host: server.hostname, port: Number(server.port) });
  const direct = await open(servers.mysqlUrl, { schema: 'mysql' });
  await write(direct.em(), 'create schema watched');
  await direct.close();
  const lines = { warn: (_: unknown, message: string) => said.push(message) };
  const dependency = openDependency({ name: 'database', setting: 'MYSQL_URL', log: lines as never });
  db = await open(`mysql://root@127.0.0.1:${proxy.port}`, { schema: 'watched', dependency });
  await write(db.em(), 'create table if not exists t (n int not null primary key) engine = InnoDB');
}, 60_000);
afterEach(async () => {
  proxy.mend();
  await signal('SIGCONT');
});
afterAll(async () => {
  await db?.close();
  await proxy?.close();
  await servers?.stop();
});

const open = (
  url: string,
  { schema, ...rest }: { schema: string; dependency?: ReturnType<typeof openDependency>; startTimeoutMs?: number },
): Promise<Database> => openDatabase({ url: `${url}/${schema}`, entities: [], migrations: [], poolSize, log, ...rest });
async function signal(name: NodeJS.Signals): Promise<void> {
  const { process: identity } = JSON.parse(
    await readFile(join(servers.dataDir, `${testEngine}.server.json`), 'utf8'),
  ) as {
    process: string;
  };
  process.kill(Number.parseInt(identity, 10), name);
  await new Promise((next) => setTimeout(next, 300)); // until all of its threads have it
}
const read = () => select(db.em(), 'select 1 as one');
/** How a work ends, and after how long. */
async function outcome(work: Promise<unknown>): Promise<{ ended: string; withinMs: number }> {
  const startedAt = performance.now();
  const ended = await work.then(
    () => 'done',
    (error: Error) => (isUnavailable(error) ? 'not now' : error.message),
  );
  return { ended, withinMs: performance.now() - startedAt };
}
/** More at once than there are connections: some wait for one. */
const manyReads = () => Promise.all(Array.from({ length: poolSize * 3 }, () => outcome(read())));

test.each<[string, () => unknown]>([
  ['hangs (SIGSTOP)', () => signal('SIGSTOP')],
  ['can be reached no longer, without a word', () => proxy.stall()],
  ['refuses and cuts connections', () => proxy.cut()],
])(
  'a server that %s: all that waits, for an answer or a connection, is told "not now" within 3 s, then at once; it works again when it is back',
  async (_, take) => {
    await until(async () => (await outcome(read())).ended === 'done');
    said = [];
    await take();
    for (const { ended, withinMs } of await manyReads()) {
      expect(ended).toBe('not now');
      expect(withinMs).toBeLessThan(refusalWithinMs);
    }
    const transaction = await outcome(db.transaction((tx) => write(tx, 'insert into t values (1)')));
    expect(transaction).toEqual({ ended: 'not now', withinMs: expect.any(Number) });
    expect(transaction.withinMs).toBeLessThan(500);
    expect(said).toEqual(['a dependency is away']);

    proxy.mend();
    await signal('SIGCONT');
    await until(async () => (await outcome(read())).ended === 'done', { timeoutMs: 5_000 });
    expect((await manyReads()).map(({ ended }) => ended)).toEqual(Array.from({ length: poolSize * 3 }, () => 'done'));
    await until(() => said.length === 2);
    expect(said).toEqual(['a dependency is away', 'a dependency is back']);
  },
  30_000,
);

test('a statement that waits long on a server that answers is let wait', async () => {
  said = [];
  expect((await outcome(select(db.em(), 'select sleep(2.5)'))).ended).toBe('done');
  expect(said).toEqual([]);
});

test('a process that stands still in a transaction keeps its locks from others for seconds only, and is told', async () => {
  const other = await open(servers.mysqlUrl, { schema: 'watched' });
  try {
    await write(db.em(), 'insert ignore into t values (5)');
    const change = (by: Database) => by.transaction((tx) => write(tx, 'update t set n = 6 where n = 5'));
    let isLocked = false;
    const still = outcome(
      db.transaction(async (tx) => {
        await write(tx, 'update t set n = 7 where n = 5');
        isLocked = true;
        await new Promise((next) => setTimeout(next, (idleTransactionSeconds + 2) * 1_000));
      }),
    );
    await until(() => isLocked);
    const changed = await change(other);
    const ended = (await still).ended;
    const left = await select(other.em(), 'select n from t where n between 5 and 7');
    // Only MariaDB ends such a transaction; elsewhere the others wait for it.
    const byEnding = { changed: 1, ended: 'not now', left: [{ n: 6 }] };
    const byWaiting = { changed: 0, ended: 'done', left: [{ n: 7 }] };
    expect({ changed, ended, left }).toEqual(testEngine === 'mariadb' ? byEnding : byWaiting);
  } finally {
    await other.close();
  }
}, 40_000);

test('a server that is read-only says "not now" to writes, nothing is half done, and it is used again when it is not', async () => {
  const admin = await open(servers.mysqlUrl, { schema: 'watched' });
  // Not root: root may write on.
  await write(admin.em(), "create user if not exists writer@'%' identified by 'secret'");
  await write(admin.em(), "grant all on watched.* to writer@'%'");
  const server = new URL(servers.mysqlUrl);
  const writer = await open(`mysql://writer:secret@${server.host}`, { schema: 'watched' });
  try {
    const insert = () =>
      writer.transaction(async (tx) => {
        await write(tx, 'insert into t values (10)');
        await write(tx, 'insert into t values (11)');
      });
    await write(admin.em(), 'set global read_only = on');
    expect((await outcome(insert())).ended).toBe('not now');
    await write(admin.em(), 'set global read_only = off');
    expect(await select(admin.em(), 'select count(*) as n from t where n >= 10')).toEqual([{ n: 0 }]);
    expect((await outcome(insert())).ended).toBe('done');
  } finally {
    await write(admin.em(), 'set global read_only = off');
    await writer.close();
    await admin.close();
  }
});

test('a server without a free connection says "not now", and is not taken for one that is away', async () => {
  const admin = await open(servers.mysqlUrl, { schema: 'watched' });
  await write(admin.em(), "create user if not exists crowd@'%' identified by 'secret' with max_user_connections 1");
  await write(admin.em(), "grant all on watched.* to crowd@'%'");
  const lines: string[] = [];
  const dependency = openDependency({
    name: 'database',
    setting: 'MYSQL_URL',
    log: { warn: (_: unknown, message: string) => lines.push(message) } as never,
  });
  const crowd = await open(`mysql://crowd:secret@${new URL(servers.mysqlUrl).host}`, { schema: 'watched', dependency });
  try {
    const [long, ...others] = await Promise.all(
      [2, 0, 0].map((seconds) => outcome(select(crowd.em(), `select sleep(${seconds})`))),
    );
    expect(
      [long, ...others].map((one) => one?.ended).toSorted((one = '', other = '') => one.localeCompare(other)),
    ).toEqual(['done', 'not now', 'not now']);
    expect(lines).toEqual([]);
  } finally {
    await crowd.close();
    await admin.close();
  }
});

test('a database that never answers is said at the start, with the variable to mend and without its password', async () => {
  // Nothing listens on port 1.
  const opening = open('mysql://root:secret@127.0.0.1:1', { schema: 'x', startTimeoutMs: 300 });
  await expect(opening).rejects.toThrow(ConfigError);
  await expect(opening).rejects.toThrow(/^MYSQL_URL: no database answers at 127\.0\.0\.1:1 /);
});
