import { MongoBackend } from '@agendajs/mongo-backend';
import { RedisBackend, type RedisBackendConfig, type RedisJobRepository } from '@agendajs/redis-backend';
import type { AgendaBackend, JobRepository } from 'agenda';
import { MongoClient } from 'mongodb';
import { inTime } from '../time/in-time.ts';

/** A connected store of Agenda's jobs. Its driver connects again by itself, for as long as it takes. */
export type JobStore = {
  readonly backend: AgendaBackend;
  /** Rejects when the store does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
};

export type JobStoreOptions = {
  readonly mongoUrl: string | undefined;
  readonly redisUrl: string;
  readonly prefix: string;
  /** Told of every error of a connection; a driver would throw it out of reach or print it. */
  readonly onError: (error: Error) => void;
  /** Told of jobs that could not be handed back: their locks end by themselves. */
  readonly onLeft: (error: Error) => void;
};

const connectTimeoutMs = 3_000;
/** A store that takes a command and does not answer it within this time is away. */
const commandTimeoutMs = 2_500;
/** A connection over which a question has no answer for this long may have died without a word: it is made anew. */
const silenceMs = 2_000;
const maxReconnectDelayMs = 2_000;

/** MongoDB when `mongoUrl` is set, else Redis. Rejects when it can't be reached now. */
export const connectJobStore = (options: JobStoreOptions): Promise<JobStore> =>
  options.mongoUrl === undefined ? connectRedisStore(options) : connectMongoStore(options.mongoUrl, options);

async function connectRedisStore({ redisUrl, prefix, onError, onLeft }: JobStoreOptions): Promise<JobStore> {
  const keys = { keyPrefix: `${prefix}:agenda:`, channelName: `${prefix}:agenda:notices` };
  const backend = new RedisBackend({ ...keys, redisOptions: redisOptionsOf(redisUrl) });
  const client = (backend.repository as RedisJobRepository).getRedis();
  client.on('error', onError);
  let connections = 0;
  client.on('connect', () => (connections += 1));
  /** The client's own `socketTimeout` would not do: its timer outlives its connection and cuts the next one. */
  async function ping(): Promise<void> {
    const asked = connections;
    try {
      await inTime(client.ping(), silenceMs);
    } catch (error) {
      const isSilent = (error as { code?: unknown }).code === 'ETIMEDOUT';
      if (isSilent && connections === asked) client.disconnect(true);
      throw error;
    }
  }
  try {
    if (client.status !== 'ready') await inTime(firstOf(client, 'ready', 'close'), connectTimeoutMs);
    await ping();
  } catch (error) {
    client.disconnect();
    throw error;
  }
  return { backend: storeOnly(backend, onLeft), ping, close: async () => client.disconnect() };
}

const firstOf = (
  client: { once(event: string, listener: () => void): unknown },
  good: string,
  bad: string,
): Promise<void> =>
  new Promise((resolve, reject) => {
    client.once(good, resolve);
    client.once(bad, () => reject(new Error('the connection was refused or cut')));
  });

/** The backend makes its client itself, of options: it takes a URL only instead of them. */
function redisOptionsOf(redisUrl: string): NonNullable<RedisBackendConfig['redisOptions']> {
  const url = new URL(redisUrl);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    ...(url.username && { username: decodeURIComponent(url.username) }),
    ...(url.password && { password: decodeURIComponent(url.password) }),
    ...(url.pathname.length > 1 && { db: Number(url.pathname.slice(1)) }),
    ...(url.protocol === 'rediss:' && { tls: {} }),
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    // A command fails at once while there is no connection, and none is sent a second time by the driver.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 6), maxReconnectDelayMs) * (0.5 + Math.random() / 2),
  };
}

async function connectMongoStore(mongoUrl: string, { prefix, onError, onLeft }: JobStoreOptions): Promise<JobStore> {
  const client = new MongoClient(mongoUrl, {
    serverSelectionTimeoutMS: commandTimeoutMs,
    connectTimeoutMS: connectTimeoutMs,
    socketTimeoutMS: commandTimeoutMs,
  });
  client.on('error', onError);
  try {
    await client.connect();
    const backend = new MongoBackend({ mongo: client.db(), collection: `${prefix}_jobs` });
    await backend.connect();
    return {
      backend: storeOnly(backend, onLeft),
      ping: async () => void (await client.db().command({ ping: 1 })),
      close: () => client.close(),
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}

/**
 * What Agenda gets: a backend that is connected, without a channel of notices. Agenda's own for Redis emits errors that
 * nothing listens to, and leaves a connection behind at every try to connect; due jobs are found by asking each 0.5 s.
 */
function storeOnly({ name, repository }: AgendaBackend, onLeft: (error: Error) => void): AgendaBackend {
  return {
    name,
    repository: withoutLooseEnds(repository, onLeft),
    ownsConnection: false,
    connect: async () => undefined,
    disconnect: async () => undefined,
  };
}

/** Agenda hands single jobs back without waiting for it: a failure would be an unhandled rejection. */
function withoutLooseEnds(repository: JobRepository, onLeft: (error: Error) => void): JobRepository {
  const unlockJob = repository.unlockJob.bind(repository);
  repository.unlockJob = (job) => unlockJob(job).catch(onLeft);
  return repository;
}
