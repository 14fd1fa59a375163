import { createClient } from 'redis';
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

/**
 * Connects; afterwards reconnects for ever with back-off. A command while the connection is down fails at once
 * (no queue in memory), so that a caller can say 503 instead of hanging. Rejects when the first connection fails.
 */
export async function openRedis(url: string, log: Logger): Promise<Redis> {
  const client = connect(url, { offlineQueue: false });
  let last = '';
  client.on('error', (error: Error) => {
    if (error.message !== last) log.warn({ err: error.message }, 'redis connection');
    last = error.message;
  });
  client.on('ready', () => {
    last = '';
  });
  await client.connect();
  return client;
}
