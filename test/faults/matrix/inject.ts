import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { type Connection, createConnection } from 'mysql2/promise';
import { createClient } from 'redis';
import { freePort } from '../../../ops/embedded/daemon.ts';
import { until } from '../../support/until.ts';
import { type Server, moreRoom } from './server.ts';
import type { Own, Stage } from './stage.ts';
import type { Dependency, Fault, Outage } from './table.ts';

/** A fault that has begun: how long it is to last, and what ends it. */
export type Injected = { readonly holdMs: number; end(): Promise<void> };

type Inject = (stage: Stage, dependency: Dependency) => Promise<Injected>;

const slowMs = 2_000;
/** Long enough for every probe to see it twice. */
const holdMs = 3_500;
const lastSecondMs = 1_000;
/** Those of the standard streams: a process with this limit keeps what is open and can open nothing. */
const fewestDescriptors = 3;
/** The least that MariaDB takes. */
const maxConnections = 10;
const fillerChunkBytes = 1024 * 1024;
const giveUpStartMs = 60_000;

const through =
  (begin: (stage: Stage, dependency: Dependency) => void, lasts = holdMs): Inject =>
  async (stage, dependency) => {
    begin(stage, dependency);
    return { holdMs: lasts, end: async () => gateOf(stage, dependency).mend() };
  };

const refuses =
  (lasts: number): Inject =>
  async (stage, dependency) => {
    const gate = gateOf(stage, dependency);
    await gate.refuse();
    return { holdMs: lasts, end: () => gate.accept() };
  };

/** How each fault is made where nothing in `own` says otherwise. */
const common: Partial<Record<Fault, Inject>> = {
  'refuses for 0.2 s': refuses(200),
  'refuses for 3 s': refuses(3_000),
  'refuses for 60 s': refuses(60_000),
  resets: through((stage, dependency) => gateOf(stage, dependency).cut()),
  'slow by 2 s': through((stage, dependency) => gateOf(stage, dependency).delay(slowMs), 6_000),
  async hangs(stage, dependency) {
    const hung = stage.servers.get(dependency) ?? ownOf(stage, dependency);
    hung.signal('SIGSTOP');
    return { holdMs: holdMs + 3_000, end: async () => hung.signal('SIGCONT') };
  },
};

/** A process of ours is killed; its supervisor starts it again. It is back when it says that it can work. */
const killed: Inject = async (stage, dependency) => {
  const victim = ownOf(stage, dependency);
  const pid = victim.pid();
  victim.signal('SIGKILL');
  const isBack = async (): Promise<boolean> =>
    stage.processes().some(({ name, pid: now }) => name === victim.name && now() !== pid) &&
    (await fetch(victim.readyUrl).then(({ ok }) => ok, () => false)); // prettier-ignore
  return {
    holdMs: 0,
    end: async () => void (await until(isBack, { timeoutMs: giveUpStartMs, what: `another ${victim.name} to be ready` })), // prettier-ignore
  };
};

/** A process may open no more descriptors, and has to: its connections are reset. */
async function withoutDescriptors(stage: Stage, dependency: Dependency): Promise<Injected> {
  const pid = (stage.servers.get(dependency) ?? ownOf(stage, dependency)).pid() as number;
  const before = limitOf(pid, 'nofile');
  setLimit(pid, 'nofile', fewestDescriptors);
  const gate = stage.gates.get(dependency);
  gate?.cut();
  gate?.mend();
  return { holdMs, end: async () => setLimit(pid, 'nofile', before) };
}

/** What a company on the other side of the network makes of its own trouble. */
const trouble = '{"error":{"code":"api_unavailable"}}';
const serverError = `HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: ${trouble.length}\r\n\r\n${trouble}`;

const own: Partial<Record<Dependency, Partial<Record<Fault, Inject>>>> = {
  redis: {
    emptied: (stage) => onRedis(stage, ['FLUSHALL']),
    'read-only': async (stage) => onRedis(stage, ['REPLICAOF', '127.0.0.1', String(await freePort())], ['REPLICAOF', 'NO', 'ONE']), // prettier-ignore
    'out of memory': (stage) => onRedis(stage, ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']), // prettier-ignore
    async 'out of connections'(stage) {
      const admin = await redisOf(stage);
      await admin.sendCommand(['CONFIG', 'SET', 'maxclients', '1']);
      await admin.sendCommand(['CLIENT', 'KILL', 'SKIPME', 'yes']);
      return {
        holdMs,
        async end() {
          await admin.sendCommand(['CONFIG', 'SET', 'maxclients', '10000']);
          admin.destroy();
        },
      };
    },
    // It can't put its snapshot into place and refuses writes, as when the disk is full.
    async 'disk full'(stage) {
      const admin = await redisOf(stage);
      const inTheWay = join(serverOf(stage, 'redis').dataDir, 'redis', 'dump.rdb');
      await rm(inTheWay, { recursive: true, force: true });
      await mkdir(join(inTheWay, 'taken'), { recursive: true });
      await admin.sendCommand(['CONFIG', 'SET', 'save', '3600 1']);
      await saved(admin, 'err');
      return {
        holdMs,
        async end() {
          await rm(inTheWay, { recursive: true, force: true });
          await saved(admin, 'ok');
          await admin.sendCommand(['CONFIG', 'SET', 'save', '']);
          admin.destroy();
        },
      };
    },
    async 'restarted without its last second'(stage, dependency) {
      const server = serverOf(stage, dependency);
      const { end } = await onRedis(stage, ['SAVE']);
      await end();
      await sleep(lastSecondMs);
      return restarted(server);
    },
  },
  database: {
    async 'restarted without its last second'(stage, dependency) {
      const root = await rootOf(stage);
      await root.query('set global innodb_flush_log_at_trx_commit = 0');
      await sleep(lastSecondMs);
      root.destroy();
      return restarted(serverOf(stage, dependency));
    },
    'out of memory': (stage, dependency) => restarted(serverOf(stage, dependency), 1_000),
    async 'read-only'(stage) {
      const root = await rootOf(stage);
      await root.query('set global read_only = 1');
      return {
        holdMs,
        async end() {
          await root.query('set global read_only = 0');
          await root.end();
        },
      };
    },
    async 'out of connections'(stage) {
      const root = await rootOf(stage);
      const [[before]] = (await root.query('select @@max_connections as most')) as unknown as [[{ most: number }]];
      await root.query(`set global max_connections = ${maxConnections}`);
      await root.query("create user if not exists 'crowd'@'%'");
      const [ids] = (await root.query(
        "select id as id from information_schema.processlist where user not in ('root', 'crowd') and user not like 'system%'",
      )) as unknown as [{ id: number }[]];
      const crowd: Connection[] = [];
      for (const { id } of ids) await root.query(`kill ${id}`).catch(() => undefined); // it has gone by itself
      const { port } = serverOf(stage, 'database');
      for (let more = true; more && crowd.length < maxConnections;) {
        const connection = await createConnection({ host: '127.0.0.1', port, user: 'crowd' }).catch(() => undefined);
        if (connection) crowd.push(connection);
        else more = false;
      }
      return {
        holdMs,
        async end() {
          await root.query(`set global max_connections = ${before.most}`);
          for (const connection of crowd) connection.destroy();
          await root.end();
        },
      };
    },
    // The platform's tables are in files that may not grow, and something else takes what is left. Nothing can be dropped
    // then, as that needs room, too: it is started again with another file.
    async 'disk full'(stage, dependency) {
      const server = serverOf(stage, dependency);
      const root = await rootOf(stage);
      await root.query('create database if not exists filler');
      await root.query('create table filler.chunk (bytes longblob) engine=InnoDB');
      for (let bytes = fillerChunkBytes; bytes >= 1_024;) {
        try {
          await root.query(`insert into filler.chunk values (repeat('x', ${bytes}))`);
        } catch (error) {
          if ((error as { code?: string }).code !== 'ER_RECORD_FILE_FULL') throw error;
          bytes /= 4;
        }
      }
      root.destroy();
      return {
        holdMs,
        async end() {
          await server.kill();
          const files = (await readdir(join(server.dataDir, 'mariadb'))).filter((name) => name.startsWith('ibdata'));
          await server.start([moreRoom(files.length - 1)]);
          const again = await rootOf(stage);
          await again.query('drop database filler');
          await again.end();
        },
      };
    },
  },
  'job store': {
    async emptied(stage) {
      const client = await MongoClient.connect(`mongodb://127.0.0.1:${serverOf(stage, 'job store').port}/jobs`);
      await client.db().dropDatabase();
      await client.close();
      return { holdMs, end: async () => undefined };
    },
    async 'restarted without its last second'(stage, dependency) {
      const server = serverOf(stage, dependency);
      const [files, copy] = [join(server.dataDir, 'ferretdb'), join(server.dataDir, 'a-second-ago')];
      server.signal('SIGSTOP');
      await cp(files, copy, { recursive: true });
      server.signal('SIGCONT');
      await sleep(lastSecondMs);
      return restarted(server, 0, async () => {
        await rm(files, { recursive: true });
        await cp(copy, files, { recursive: true });
        await rm(copy, { recursive: true });
      });
    },
    'out of memory': (stage, dependency) => restarted(serverOf(stage, dependency), 1_000),
    'out of connections': withoutDescriptors,
    async 'disk full'(stage, dependency) {
      const pid = serverOf(stage, dependency).pid();
      const before = limitOf(pid, 'fsize');
      setLimit(pid, 'fsize', 1);
      return { holdMs, end: async () => setLimit(pid, 'fsize', before) };
    },
  },
  provider: {
    'restarted without its last second': killed,
    'read-only': through((stage, dependency) => gateOf(stage, dependency).answer(serverError)),
  },
};
for (const service of ['user', 'product', 'order', 'payment', 'worker'] as const) {
  own[service] = {
    'restarted without its last second': killed,
    'out of memory': killed,
    'out of connections': withoutDescriptors,
  };
}

/** Begins a fault of all dependencies of an outage; it ends for all at the same time. */
export async function inject(stage: Stage, { dependencies, fault }: Outage): Promise<Injected> {
  const begun = await Promise.all(
    dependencies.map((dependency) => {
      const begin = own[dependency]?.[fault] ?? common[fault];
      if (!begin) throw new Error(`no way to make ${dependency} ${fault}`);
      return begin(stage, dependency);
    }),
  );
  return {
    holdMs: Math.max(...begun.map(({ holdMs: lasts }) => lasts)),
    end: async () => void (await Promise.all(begun.map(({ end }) => end()))),
  };
}

function gateOf(stage: Stage, dependency: Dependency) {
  const gate = stage.gates.get(dependency);
  if (!gate) throw new Error(`nothing stands before ${dependency} in the shape ${stage.shape}`);
  return gate;
}

function serverOf(stage: Stage, dependency: Dependency): Server {
  const server = stage.servers.get(dependency);
  if (!server) throw new Error(`${dependency} is no server of its own`);
  return server;
}

/** Of two of each the first one is meant. */
const copy = /-\d$/;

export function ownOf(stage: Stage, dependency: Dependency): Own {
  const name = dependency === 'provider' ? 'simulated-provider' : dependency;
  const found = stage.processes().find((process) => process.name.replace(copy, '') === name);
  if (!found) throw new Error(`${dependency} is no process of its own in the shape ${stage.shape}`);
  return found;
}

/** Killed outright, and started again after a while on what its files hold. */
async function restarted(
  server: Server,
  awayMs = 0,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<Injected> {
  await server.kill();
  return {
    holdMs: awayMs,
    async end() {
      await meanwhile();
      await server.start();
    },
  };
}

const rootOf = (stage: Stage): Promise<Connection> =>
  createConnection({ host: '127.0.0.1', port: serverOf(stage, 'database').port, user: 'root' });

type RedisAdmin = ReturnType<typeof createClient>;
async function redisOf(stage: Stage): Promise<RedisAdmin> {
  const admin = createClient({ url: `redis://127.0.0.1:${serverOf(stage, 'redis').port}` });
  // Its server may be killed, which its next command tells.
  admin.on('error', () => undefined);
  await admin.connect();
  return admin as RedisAdmin;
}

/** One command that makes the fault, another that ends it. */
async function onRedis(stage: Stage, command: string[], thenCommand?: string[]): Promise<Injected> {
  const admin = await redisOf(stage);
  await admin.sendCommand(command);
  return {
    holdMs,
    async end() {
      if (thenCommand) await admin.sendCommand(thenCommand);
      admin.destroy();
    },
  };
}

/** Asks for snapshots until one has this outcome. */
async function saved(admin: RedisAdmin, outcome: 'ok' | 'err'): Promise<void> {
  await until(
    async () => {
      await admin.sendCommand(['BGSAVE']).catch(() => undefined); // one runs already
      await sleep(100);
      return (await admin.info('persistence')).includes(`rdb_last_bgsave_status:${outcome}`);
    },
    { what: `a snapshot that is ${outcome}` },
  );
}

type Limit = 'nofile' | 'fsize';
const limitOf = (pid: number, limit: Limit): string =>
  execFileSync('prlimit', ['--pid', String(pid), `--${limit}`, '--noheadings', '--raw', '--output', 'SOFT'], { encoding: 'utf8' }).trim(); // prettier-ignore
const setLimit = (pid: number, limit: Limit, value: string | number): void =>
  void execFileSync('prlimit', ['--pid', String(pid), `--${limit}=${value}:`]);
