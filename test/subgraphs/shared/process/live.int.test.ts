import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Live, openLive, readOnWake } from '../../../../subgraphs/shared/process/live.ts';
import { type Redis, openRedis } from '../../../../subgraphs/shared/process/redis.ts';
import { startTestServers } from '../../../support/test-servers.ts';
import { log } from '../events-world.ts';
import { until } from '../../../support/until.ts';

let redis: Redis;
let here: Live;
let there: Live;
let servers: Awaited<ReturnType<typeof startTestServers>>;
beforeAll(async () => {
  servers = await startTestServers({ mysqlUrl: String(process.env['TEST_MYSQL_URL']) });
  redis = await openRedis(servers.redisUrl, log);
  [here, there] = await Promise.all([openLive(redis, log), openLive(redis, log)]);
});
afterAll(async () => {
  await Promise.all([here?.close(), there?.close()]);
  redis?.destroy();
  await servers?.stop();
});

describe('a live notice', () => {
  test('reaches the listeners of its channel in every process, and no others', async () => {
    const heard: unknown[] = [];
    const ends = [
      here.listen('a', (message) => heard.push(['here', message])),
      there.listen('a', (message) => heard.push(['there', message])),
      there.listen('b', (message) => heard.push(['other', message])),
    ];
    here.publish('a', '1');
    await until(() => heard.length === 2);
    expect(heard).toEqual(expect.arrayContaining([['here', '1'], ['there', '1']])); // prettier-ignore
    for (const end of ends) end();
    here.publish('a', '2');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard).toHaveLength(2);
  });

  test('that may have been missed is told of by null, when the connection is back', async () => {
    const heard: unknown[] = [];
    const end = there.listen('c', (message) => heard.push(message));
    await redis.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await until(() => heard.length > 0);
    expect(heard[0]).toBeNull();
    await until(() => {
      here.publish('c', 'again');
      return heard.includes('again');
    });
    end();
  });
});

describe('reading on wake', () => {
  const source = () => {
    const items: number[] = [];
    let position = 0;
    let reads = 0;
    let wakes = 0;
    let wake: () => void = () => undefined;
    const iterator = readOnWake({
      pollMs: 60_000,
      subscribe: (given) => {
        wake = given;
        wakes += 1;
        return () => {
          wakes -= 1;
        };
      },
      read: async () => {
        reads += 1;
        const news = items.slice(position);
        position = items.length;
        return news;
      },
    });
    return { items, iterator, wake: () => wake(), reads: () => reads, listeners: () => wakes };
  };

  test('gives what there is, then what comes, nothing twice and nothing missing', async () => {
    const { items, iterator, wake, listeners } = source();
    items.push(1, 2);
    const got: number[] = [];
    const reading = (async () => {
      for await (const item of iterator) {
        got.push(item);
        if (item === 50) break;
      }
    })();
    for (let item = 3; item <= 50; item += 1) {
      items.push(item);
      wake();
      if (item % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await reading;
    expect(got).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(listeners()).toBe(0);
  });

  test('does not read between wakes, and once for many of them', async () => {
    const { items, iterator, wake, reads } = source();
    const first = iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(reads()).toBe(1);
    items.push(1);
    for (let times = 0; times < 10; times += 1) wake();
    expect(await first).toEqual({ done: false, value: 1 });
    expect(reads()).toBe(2);
    await iterator.return?.();
  });

  test('ends at once when it is returned while it waits', async () => {
    const { iterator, listeners } = source();
    const pending = iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 10));
    await iterator.return?.();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(listeners()).toBe(0);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('ends with the error of a read and listens no more', async () => {
    let listening = true;
    const iterator = readOnWake<number>({
      pollMs: 60_000,
      subscribe: () => () => (listening = false),
      read: () => Promise.reject(new Error('away')),
    });
    await expect(iterator.next()).rejects.toThrow('away');
    expect(listening).toBe(false);
    expect((await iterator.next()).done).toBe(true);
  });

  test('looks by itself when no wake comes', async () => {
    const items: number[] = [];
    const iterator = readOnWake({ pollMs: 20, subscribe: () => () => undefined, read: async () => items.splice(0) });
    const next = iterator.next();
    setTimeout(() => items.push(7), 30);
    expect((await next).value).toBe(7);
    await iterator.return?.();
  });
});
