import { createClient } from 'redis';
import { ConfigError } from './env.ts';
import type { Logger } from './telemetry.ts';

export type Redis = ReturnType<typeof connect>;

const connect = (url: string, options: { offlineQueue: boolean }) =>
  createClient({
    url,
    disableOfflineQueue: !options.offlineQueue,
    commandsQueueMaxLength: 10_000,
    pingInterval: 30_000,
    socket: {
      connectTimeout: 3_000,
      reconnectStrategy: (tries: number) => Math.min(50 * 2 ** Math.min(tries, 6), 2_000) + Math.random() * 100,
    },
  });

/** A Redis that starts together with us may take this long. */
const defaultStartTimeoutMs = 10_000;

/**
 * Connects; afterwards reconnects for ever with back-off. A command while the connection is down fails at once
 * (no queue in memory), so that a caller can say 503 instead of hanging. Throws ConfigError when there is no first
 * connection within `startTimeoutMs`.
 */
export async function openRedis(
  url: string,
  log: Logger,
  { startTimeoutMs = defaultStartTimeoutMs }: { startTimeoutMs?: number } = {},
): Promise<Redis> {
  const client = connect(url, { offlineQueue: false });
  let last = '';
  client.on('error', (error: Error) => {
    if (error.message !== last) log.warn({ err: error.message }, 'redis connection');
    last = error.message;
  });
  client.on('ready', () => {
    last = '';
  });
  let giveUp: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    giveUp = setTimeout(() => {
      const reason = last === '' ? 'it takes connections and does not answer' : last;
      reject(new ConfigError(`REDIS_URL: no Redis answers at ${new URL(url).host} (${reason}).`));
    }, startTimeoutMs);
  });
  try {
    await Promise.race([client.connect(), late]);
  } catch (error) {
    if (client.isOpen) client.destroy();
    throw error;
  } finally {
    clearTimeout(giveUp);
  }
  return client;
}
