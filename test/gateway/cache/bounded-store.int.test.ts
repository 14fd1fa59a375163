import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type StoreBounds, openBoundedStore } from '../../../gateway/cache/bounded-store.ts';
import { type Redis, openRedis } from '../../../subgraphs/shared/process/redis.ts';
import { createLogger } from '../../../subgraphs/shared/process/telemetry.ts';

let redis: Redis;
beforeAll(async () => {
  redis = await openRedis(String(process.env['TEST_REDIS_URL']), createLogger('test', 'silent'));
});
afterAll(() => redis.destroy());

let stores = 0;
const open = (bounds: Partial<StoreBounds> = {}) => {
  const name = `bounded-${process.pid}-${(stores += 1)}`;
  return {
    name,
    ...openBoundedStore(redis, { name, maxEntries: 100, maxBytes: 10_000, lifetimeSeconds: 60, ...bounds }),
  };
};

describe('a bounded store', () => {
  test('gives what was put last under a key, and null for what was not', async () => {
    const store = open();
    await store.put('a', 'one');
    await store.put('a', 'zwölf');
    expect([await store.get('a'), await store.get('b')]).toEqual(['zwölf', null]);
    expect(await redis.get(`{${store.name}}:bytes`)).toBe('6');
  });

  test('keeps no more entries than it may: the oldest go', async () => {
    const store = open({ maxEntries: 3 });
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      await store.put(key, key);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(await Promise.all(['a', 'b', 'c', 'd', 'e'].map((key) => store.get(key)))).toEqual([null, null, 'c', 'd', 'e']); // prettier-ignore
    expect(await redis.get(`{${store.name}}:bytes`)).toBe('3');
  });

  test('goes on when Redis has evicted one of its keys alone', async () => {
    for (const lost of ['texts', 'ends', 'bytes']) {
      const store = open({ maxBytes: 100 });
      await store.put('a', 'x'.repeat(60));
      await redis.del(`{${store.name}}:${lost}`);
      await store.put('b', 'x'.repeat(60));
      expect((await store.get('b'))?.length).toBe(60);
      expect(await redis.get(`{${store.name}}:bytes`)).toBe('60');
    }
  });

  test('keeps no more bytes than it may, not even of one entry', async () => {
    const store = open({ maxBytes: 100 });
    await store.put('a', 'x'.repeat(60));
    await new Promise((resolve) => setTimeout(resolve, 2));
    await store.put('b', 'x'.repeat(60));
    expect([await store.get('a'), (await store.get('b'))?.length]).toEqual([null, 60]);
    await store.put('c', 'x'.repeat(101));
    expect(await Promise.all(['a', 'b', 'c'].map((key) => store.get(key)))).toEqual([null, null, null]);
    expect(await redis.get(`{${store.name}}:bytes`)).toBe('0');
  });

  test('gives nothing after its lifetime, and leaves nothing behind', async () => {
    const store = open({ lifetimeSeconds: 0.2 });
    await store.put('a', 'x');
    expect(await store.get('a')).toBe('x');
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(await store.get('a')).toBeNull();
    expect(await redis.keys(`{${store.name}}:*`)).toEqual([]);
  });
});
