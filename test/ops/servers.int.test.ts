import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import mysql from 'mysql2/promise';
import { createClient } from 'redis';
import { type Servers, freePort, startServers, stopLeftServers } from '../../ops/embedded/servers.ts';
import { isRunning } from '../../ops/lock-directory.mjs';
import { programCacheDir } from '../support/test-servers.ts';
import { until } from '../support/until.ts';

const starter = resolve(import.meta.dirname, '../support/start-servers.ts');

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'servers-test-'));
});
afterEach(async () => {
  await stopLeftServers(dataDir);
  await rm(dataDir, { recursive: true, force: true });
});

const start = (): Promise<Servers> => startServers({ dataDir, cacheDir: programCacheDir, log: () => {} });

/** A process that starts the servers, prints where they are and waits for the end of its input. */
async function startElsewhere(): Promise<{ child: ChildProcess; mysqlUrl: string; redisUrl: string }> {
  const child = spawn(process.execPath, [starter, dataDir, programCacheDir], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, ...(JSON.parse(line.toString()) as { mysqlUrl: string; redisUrl: string }) };
}

async function query(mysqlUrl: string, ...statements: string[]): Promise<unknown> {
  const connection = await mysql.createConnection(mysqlUrl);
  try {
    let rows: unknown;
    for (const statement of statements) [rows] = await connection.query(statement);
    return rows;
  } finally {
    await connection.end();
  }
}

async function redisCommand(redisUrl: string, ...command: string[]): Promise<unknown> {
  const client = createClient({ url: redisUrl, socket: { reconnectStrategy: false } });
  client.on('error', () => {}); // the promises reject with it
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

async function serverProcess(name: string): Promise<string> {
  return (JSON.parse(await readFile(join(dataDir, `${name}.server.json`), 'utf8')) as { process: string }).process;
}

const keep = ['CREATE DATABASE kept', 'CREATE TABLE kept.t (n INT) ENGINE=InnoDB', 'INSERT INTO kept.t VALUES (42)'];

test('data is kept over stop and start, and stop ends the processes', async () => {
  const first = await start();
  await query(first.mysqlUrl, ...keep);
  await redisCommand(first.redisUrl, 'SET', 'kept', 'yes');
  const processes = [await serverProcess('mariadb'), await serverProcess('redis')];
  await first.stop();
  expect(processes.map(isRunning)).toEqual([false, false]);

  const second = await start();
  expect(await query(second.mysqlUrl, 'SELECT n FROM kept.t')).toEqual([{ n: 42 }]);
  expect(await redisCommand(second.redisUrl, 'GET', 'kept')).toBe('yes');
  await second.stop();
});

test('a directory may have spaces, quotes and letters of any alphabet in its path', async () => {
  dataDir = join(dataDir, `it's a "dä ta" 数据`);
  const servers = await start();
  expect(await query(servers.mysqlUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  const ways =
    'select substring_index(host, ":", 1) as way from information_schema.processlist where id = connection_id()';
  expect(await query(servers.mysqlUrl, ways)).toEqual([{ way: '127.0.0.1' }]);
  expect(await query(servers.mysqlSocketUrl, ways)).toEqual([{ way: 'localhost' }]);
  expect(await redisCommand(servers.redisUrl, 'PING')).toBe('PONG');
  await servers.stop();
});

test('the database runs with the settings that the product counts on', async () => {
  const servers = await start();
  const settings =
    'SELECT @@character_set_server, @@innodb_lock_wait_timeout, @@max_connections, @@innodb_flush_log_at_trx_commit, @@bind_address, @@tmpdir';
  expect(await query(servers.mysqlUrl, settings)).toEqual([
    {
      '@@character_set_server': 'utf8mb4',
      '@@innodb_lock_wait_timeout': 5,
      '@@max_connections': 400,
      '@@innodb_flush_log_at_trx_commit': 1,
      '@@bind_address': '127.0.0.1',
      // In a shared one another MariaDB's start deletes the temporary tables of this one.
      '@@tmpdir': join(await realpath(dataDir), 'mariadb-tmp'),
    },
  ]);
  await servers.stop();
});

test('servers left running by a starter that was killed are taken over, and ended by the one that took them', async () => {
  const left = await startElsewhere();
  await query(left.mysqlUrl, ...keep);
  left.child.kill('SIGKILL');
  await once(left.child, 'exit');

  const adopted = await start();
  expect({ mysqlUrl: adopted.mysqlUrl, redisUrl: adopted.redisUrl }).toEqual({
    mysqlUrl: left.mysqlUrl,
    redisUrl: left.redisUrl,
  });
  expect(await query(adopted.mysqlUrl, 'SELECT n FROM kept.t')).toEqual([{ n: 42 }]);
  const mariadb = await serverProcess('mariadb');
  await adopted.stop();
  expect(isRunning(mariadb)).toBe(false);
});

test('a database that was killed together with its starter comes back with what was committed', async () => {
  const left = await startElsewhere();
  await query(left.mysqlUrl, ...keep);
  for (const name of ['mariadb', 'redis']) process.kill(Number.parseInt(await serverProcess(name), 10), 'SIGKILL');
  left.child.kill('SIGKILL');
  await once(left.child, 'exit');

  const servers = await start();
  expect(await query(servers.mysqlUrl, 'SELECT n FROM kept.t')).toEqual([{ n: 42 }]);
  await servers.stop();
});

test('two that start at once share the servers; the last one to stop ends them', async () => {
  const [other, own] = await Promise.all([startElsewhere(), start()]);
  expect([own.mysqlUrl, own.redisUrl]).toEqual([other.mysqlUrl, other.redisUrl]);
  await own.stop();
  expect(await query(other.mysqlUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);

  const mariadb = await serverProcess('mariadb');
  other.child.stdin?.end();
  await once(other.child, 'exit');
  expect(isRunning(mariadb)).toBe(false);
});

test('a process that exits without stop signals its servers to end', async () => {
  const child = spawn(process.execPath, [starter, dataDir, programCacheDir, 'exit'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  expect(JSON.parse(await text(child.stdout))).toHaveProperty('mysqlUrl');
  const processes = [await serverProcess('mariadb'), await serverProcess('redis')];
  const deadline = Date.now() + 10_000;
  while (processes.some(isRunning) && Date.now() < deadline) await new Promise((next) => setTimeout(next, 20));
  expect(processes.map(isRunning)).toEqual([false, false]);
});

test('a process that exits while they start leaves none of them behind', async () => {
  const child = spawn(process.execPath, [starter, dataDir, programCacheDir, 'exit-early'], { stdio: 'inherit' });
  await once(child, 'exit');
  const mariadb = await serverProcess('mariadb');
  const deadline = Date.now() + 30_000;
  while (isRunning(mariadb) && Date.now() < deadline) await new Promise((next) => setTimeout(next, 20));
  expect(isRunning(mariadb)).toBe(false);
});

test('given URLs are used as they are and nothing is started', async () => {
  const given = { mysqlUrl: 'mysql://root@db.example/', redisUrl: 'redis://cache.example' };
  const servers = await startServers({ ...given, dataDir: join(dataDir, 'unused'), log: () => {} });
  expect(servers).toMatchObject(given);
  await expect(readFile(join(dataDir, 'unused', 'servers.lock'))).rejects.toThrow('ENOENT');
});

test('a server that cannot come up is reported with the end of its log', async () => {
  const first = await start();
  await first.stop();
  await rm(join(dataDir, 'mariadb', 'mysql'), { recursive: true });
  await expect(start()).rejects.toThrow(/mariadb did not start[^]*mysql/);
});

test('free ports are free, none is given twice, and none is among those of outgoing connections', async () => {
  const ports = await Promise.all(Array.from({ length: 200 }, () => freePort()));
  expect(new Set(ports).size).toBe(ports.length);
  for (const port of ports) {
    expect(port).toBeGreaterThan(1_023);
    expect(port).toBeLessThan(32_768);
  }
  const servers = ports.map((port) => createServer().listen(port, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
});

/** SIGKILL to a server of this data directory, unless it has ended by itself; resolves when it no longer runs. */
async function kill(name: string): Promise<string> {
  const process9 = await serverProcess(name);
  try {
    process.kill(Number.parseInt(process9, 10), 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  await until(() => !isRunning(process9));
  return process9;
}

test.each(['redis', 'mariadb'])(
  '%s is started again at its port, with its data, each time it dies; a second death soon after is said with the pause before the next start',
  async (name) => {
    const lines: string[] = [];
    const servers = await startServers({ dataDir, cacheDir: programCacheDir, log: (line) => lines.push(line) });
    try {
      await query(servers.mysqlUrl, ...keep);
      await redisCommand(servers.redisUrl, 'SET', 'kept', 'yes');
      // Redis writes to its disk each second.
      await redisCommand(servers.redisUrl, 'WAITAOF', '1', '0', '3000').catch(() => undefined);
      await new Promise((next) => setTimeout(next, 1_200));
      lines.length = 0;
      for (let death = 1; death <= 2; death += 1) {
        const killed = await kill(name);
        await until(async () => (await serverProcess(name)) !== killed, { what: 'another process' });
        await until(() => lines.filter((line) => line.includes('is ready on port')).length === death);
      }
      expect(await query(servers.mysqlUrl, 'SELECT n FROM kept.t')).toEqual([{ n: 42 }]);
      expect(await redisCommand(servers.redisUrl, 'GET', 'kept')).toBe('yes');
      const port = new URL(name === 'redis' ? servers.redisUrl : servers.mysqlUrl).port;
      expect(lines.map((line) => line.replace(/ after \d+ ms$/, ''))).toEqual([
        `${name} has died; starting it again on port ${port}`,
        `${name} is ready on port ${port}`,
        `${name} has died; starting it again on port ${port} in 250 ms`,
        `${name} is ready on port ${port}`,
      ]);
    } finally {
      await servers.stop();
    }
    expect([await serverProcess('redis').catch(() => 'none'), await serverProcess('mariadb').catch(() => 'none')]).toEqual(['none', 'none']); // prettier-ignore
  },
  60_000,
);

test('a server that cannot come up is tried again with back-off, until it can', async () => {
  const lines: string[] = [];
  const servers = await startServers({ dataDir, cacheDir: programCacheDir, log: (line) => lines.push(line) });
  const port = Number(new URL(servers.redisUrl).port);
  const taken = createServer((socket) => socket.destroy());
  try {
    const takePort = (): Promise<boolean> =>
      new Promise((resolve) => {
        taken.once('error', () => resolve(false)); // it was started again before
        taken.listen(port, '127.0.0.1', () => resolve(true));
      });
    await until(async () => {
      await kill('redis');
      return takePort();
    });
    await until(() => lines.filter((line) => line.startsWith('redis did not start')).length >= 2, {
      timeoutMs: 20_000,
    });
    expect(lines.some((line) => /^redis has died; .* in \d+ ms$/.test(line))).toBe(true);
    await new Promise((closed) => taken.close(closed));
    await until(async () => (await redisCommand(servers.redisUrl, 'PING').catch(() => undefined)) === 'PONG', {
      timeoutMs: 20_000,
    });
  } finally {
    taken.close();
    await servers.stop();
  }
}, 60_000);
