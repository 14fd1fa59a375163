import { RedisBackend, type RedisBackendConfig, type RedisJobRepository } from '@agendajs/redis-backend';
import { inTime } from '../time/in-time.ts';
import { type JobStore, type JobStoreOptions, commandTimeoutMs, connectTimeoutMs } from './job-store.ts';

/** A connection over which a question has no answer for this long may have died without a word: it is made anew. */
const silenceMs = 2_000;
const maxReconnectDelayMs = 2_000;

/** Agenda's jobs in Redis. Rejects when it can't be reached now. */
export async function connectRedisStore({ redisUrl, prefix, onError }: JobStoreOptions): Promise<JobStore> {
  const keys = { keyPrefix: `${prefix}:agenda:`, channelName: `${prefix}:agenda:notices` };
  const backend = new RedisBackend({ ...keys, redisOptions: redisOptionsOf(redisUrl) });
  const client = (backend.repository as RedisJobRepository).getRedis();
  client.on('error', onError);
  let connections = 0;
  client.on('connect', () => (connections += 1));
  /**
   * The client's own `socketTimeout` would not do in ioredis 5.11.1: its timer outlives its connection and cuts the next one
   * (https://github.com/redis/ioredis/issues/2147, mended by pull request 2148).
   */
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
  return { backend, ping, close: async () => client.disconnect() };
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
