import { type RedisClientOptions, createClient } from 'redis';
import { type Dependency, type DependencyPart, openDependency, usualStartTimeoutMs } from './dependency.ts';
import { ConfigError } from './env.ts';
import { inTime } from '../time/in-time.ts';
import type { Logger } from './telemetry.ts';

export type Redis = ReturnType<typeof connect>;
type RedisSocketOptions = NonNullable<RedisClientOptions['socket']>;

const maxReconnectDelayMs = 1_000;

const connect = (url: string, options: { offlineQueue: boolean }) =>
  createClient({
    url,
    disableOfflineQueue: !options.offlineQueue,
    commandsQueueMaxLength: 10_000,
    socket: {
      connectTimeout: 3_000,
      // By chance up to half sooner: not all processes at once.
      reconnectStrategy: (tries: number) =>
        Math.min(50 * 2 ** Math.min(tries, 6), maxReconnectDelayMs) * (0.5 + Math.random() / 2),
    },
  });

const lookEveryMs = 500;
/** A Redis that has taken a command, or a connection, and says nothing for this long is away. */
const answerTimeoutMs = 1_500;
const silent = 'it takes connections and does not answer';

/**
 * Connects; afterwards reconnects for ever with back-off. A command while the connection is down fails at once
 * (no queue in memory), and so does one that a hanging Redis does not answer within about 2 s, so that a caller can say
 * 503 instead of hanging. Throws ConfigError when there is no first connection within `startTimeoutMs`.
 */
export async function openRedis(
  url: string,
  log: Logger,
  {
    startTimeoutMs = usualStartTimeoutMs,
    dependency = openDependency({ name: 'redis', setting: 'REDIS_URL', log }),
  }: { startTimeoutMs?: number; dependency?: Dependency } = {},
): Promise<Redis> {
  const client = connect(url, { offlineQueue: false });
  const part = dependency.part();
  let last = silent;
  let isSaid = startTimeoutMs > usualStartTimeoutMs;
  const ready = new Promise<void>((resolve) => client.once('ready', resolve));
  watchConnection(client, {
    away(error) {
      last = error.message;
      if (isSaid) part.away(error);
    },
    back: part.back,
  });
  let giveUp: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    giveUp = setTimeout(
      () => reject(new ConfigError(`REDIS_URL: no Redis answers at ${new URL(url).host} (${last}).`)),
      startTimeoutMs,
    );
  });
  try {
    client.connect().catch(() => undefined); // told by the event `error`, and tried again
    await Promise.race([ready, late]);
  } catch (error) {
    if (client.isOpen) client.destroy();
    throw error;
  } finally {
    clearTimeout(giveUp);
  }
  isSaid = true;
  return client;
}

/** Longer than any read blocks: a connection over which nothing has come or gone for so long is made anew. */
const silenceMs = 5_000;

/**
 * A client of its own for reads that block, not connected yet. Asking whether Redis answers would wait behind a read, so it
 * is known by its silence; while its user does something else, it is connected again for nothing.
 */
export const blockingClient = (redis: Redis): Redis =>
  redis.duplicate({ socket: { ...redis.options?.socket, socketTimeout: silenceMs } as RedisSocketOptions });

/**
 * Asks a client every 0.5 s, once it is connected, whether Redis still answers, and connects again when it does not: a connection to a
 * server that hangs, or has vanished without a word, would otherwise keep its commands waiting. Ends with the client.
 */
export function watchConnection(client: Redis, dependency: DependencyPart): void {
  /** Since when a new connection waits for Redis's first answers. */
  let greetingSinceMs: number | undefined;
  let looking = false;
  let startingOver = false;
  client.on('connect', () => (greetingSinceMs = performance.now()));
  client.on('ready', () => {
    greetingSinceMs = undefined;
    void look();
  });
  client.on('error', (error: Error) => {
    greetingSinceMs = undefined;
    dependency.away(error);
  });

  function startOver(): void {
    dependency.away(new Error(silent));
    startingOver = true;
    greetingSinceMs = undefined;
    client.destroy();
    // Not at once: what the client does for the old connection has to end first.
    setImmediate(() => {
      startingOver = false;
      client.connect().catch(() => undefined); // told by the event `error`, and tried again
    });
  }
  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      await inTime(client.ping(), answerTimeoutMs);
      dependency.back();
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ETIMEDOUT' && client.isReady) startOver();
    } finally {
      looking = false;
    }
  }
  const timer = setInterval(() => {
    if (startingOver) return;
    if (!client.isOpen) clearInterval(timer);
    else if (client.isReady) void look();
    else if (greetingSinceMs !== undefined && performance.now() - greetingSinceMs > answerTimeoutMs) startOver();
  }, lookEveryMs);
  timer.unref();
}
