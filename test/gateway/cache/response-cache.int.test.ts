import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildSchema } from 'graphql';
import type { Graph } from '../../../gateway/supergraph/reloadable.ts';
import { openResponseCache } from '../../../gateway/cache/response-cache.ts';
import { openCacheVersions } from '../../../subgraphs/shared/process/cache-versions.ts';
import { type Redis, openRedis } from '../../../subgraphs/shared/process/redis.ts';
import { createLogger, createMetrics } from '../../../subgraphs/shared/process/telemetry.ts';
import { type Server, startRedis } from '../../faults/matrix/server.ts';
import { startTcpProxy } from '../../faults/tcp-proxy.ts';
import { until } from '../../support/until.ts';

const log = createLogger('test', 'silent');
const open = () => openRedis(String(process.env['TEST_REDIS_URL']), log);
let redis: Redis;
beforeAll(async () => {
  redis = await open();
});
afterAll(() => redis.destroy());

const sdl = 'type Query { thing(is: ID): String }';
let schemas: Parameters<Graph['onSchema']>[0][] = [];
const onSchema: Graph['onSchema'] = (listener) => {
  schemas.push(listener);
  listener({ apiSchema: buildSchema(sdl), coreSupergraphSdl: sdl });
  return () => (schemas = schemas.filter((one) => one !== listener));
};

/** A cache over something that can be asked and changed, with tags of its own. */
function stage(connection: Redis = redis) {
  const metrics = createMetrics();
  const cache = openResponseCache({ redis: connection, log, metrics, graph: { onSchema } });
  const versions = openCacheVersions(connection, log);
  const [tag, query] = [`thing:${randomUUID()}`, `{ thing(is: "${randomUUID()}") }`];
  let value = 'first';
  let asked = 0;
  return {
    cache, versions, metrics, tag,
    asked: () => asked,
    set: (next: string) => { value = next; },
    get: (options: { variables?: object; maxAgeSeconds?: number; execute?: () => Promise<string | null> } = {}) =>
      cache.answer(
        { query, variables: { ...options.variables }, tags: [tag], maxAgeSeconds: options.maxAgeSeconds ?? 60 },
        options.execute ?? (async () => { asked += 1; return value; }),
      ),
  }; // prettier-ignore
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 50));

describe('the response cache', () => {
  test('gives an answer again, with its age, also at another gateway; other variables are another answer', async () => {
    const one = stage();
    expect(await one.get()).toEqual({ text: 'first', ageSeconds: 0 });
    await settled();
    one.set('second');
    expect(await one.get()).toEqual({ text: 'first', ageSeconds: 0 });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await one.get()).toEqual({ text: 'first', ageSeconds: 1 });
    expect(await one.get({ variables: { a: 1 } })).toEqual({ text: 'second', ageSeconds: 0 });
    expect(one.asked()).toBe(2);
    expect(await one.metrics.registry.metrics()).toContain('gateway_response_cache_total{outcome="hit"} 2');
  });

  test('gives nothing that is older than it may be', async () => {
    const one = stage();
    await one.get({ maxAgeSeconds: 1 });
    await settled();
    one.set('second');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await one.get({ maxAgeSeconds: 1 }))?.text).toBe('second');
  });

  test('[GM-11] gives nothing older once a change is over', async () => {
    const one = stage();
    await one.get();
    await settled();
    await one.versions.change([one.tag, 'thing:other'], async () => one.set('second'));
    expect((await one.get())?.text).toBe('second');
    await settled();
    one.set('unseen');
    expect((await one.get())?.text).toBe('second');
  });

  test('while something is being changed it neither gives nor keeps anything of it', async () => {
    const one = stage();
    await one.get();
    await settled();
    await one.versions.change([one.tag], async () => {
      one.set('in between');
      expect((await one.get())?.text).toBe('in between');
      await settled();
      one.set('second');
      expect((await one.get())?.text).toBe('second');
    });
    expect((await one.get())?.text).toBe('second');
  });

  test('an answer that began before a change and ends after it is not kept', async () => {
    const one = stage();
    let finish = (_text: string): void => undefined;
    const slow = one.get({ execute: () => new Promise((resolve) => (finish = resolve)) });
    await settled();
    await one.versions.change([one.tag], async () => one.set('second'));
    // Whoever asks now does not wait for that answer either.
    expect((await one.get())?.text).toBe('second');
    finish('first');
    expect((await slow)?.text).toBe('first');
    await settled();
    expect((await one.get())?.text).toBe('second');
  });

  test('a change that fails, or whose process dies on the way, leaves nothing older behind', async () => {
    const failing = stage();
    await failing.get();
    await settled();
    const change = failing.versions.change([failing.tag], async () => {
      failing.set('second');
      throw new Error('the answer to COMMIT was lost');
    });
    await expect(change).rejects.toThrow('lost');
    expect((await failing.get())?.text).toBe('second');

    const dying = stage();
    await dying.get();
    await settled();
    void dying.versions.change([dying.tag], () => new Promise(() => undefined));
    await settled();
    dying.set('second');
    expect((await dying.get())?.text).toBe('second');
    const left = await redis.pTTL(`answers:changes:${dying.tag}`);
    expect(left).toBeGreaterThan(500_000);
  });

  test('asks once for all who ask the same at a time; an answer not to be kept is nobody else’s', async () => {
    const one = stage();
    const slowly = async () => {
      await settled();
      return 'once';
    };
    let asked = 0;
    const all = await Promise.all(Array.from({ length: 10 }, () => one.get({ execute: () => ((asked += 1), slowly()) }))); // prettier-ignore
    expect(new Set(all.map((answer) => answer?.text))).toEqual(new Set(['once']));
    expect(asked).toBe(1);
    const two = stage();
    expect(await two.get({ execute: async () => null })).toBeNull();
    await settled();
    expect((await two.get())?.text).toBe('first');
    await expect(two.get({ variables: { b: 1 }, execute: () => Promise.reject(new Error('no')) })).rejects.toThrow(
      'no',
    );
    expect((await two.get({ variables: { b: 1 } }))?.text).toBe('first');
  });

  test('[GM-11] without Redis everything is asked for, and changes are made', async () => {
    const connection = await open();
    const one = stage(connection);
    connection.destroy();
    expect((await one.get())?.text).toBe('first');
    expect(await one.versions.change([one.tag], async () => 'changed')).toBe('changed');
    expect(await one.metrics.registry.metrics()).toContain('gateway_response_cache_total{outcome="unavailable"} 1');
  });

  test('a change that Redis could not be told of is told when it is back', async () => {
    const url = new URL(String(process.env['TEST_REDIS_URL']));
    const gate = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    const behindGate = await openRedis(`redis://127.0.0.1:${gate.port}`, log);
    try {
      const one = stage();
      const versions = openCacheVersions(behindGate, log);
      await one.get();
      await settled();
      gate.cut();
      await versions.change([one.tag], async () => one.set('second'));
      expect((await one.get())?.text).toBe('first');
      gate.mend();
      await until(async () => (await one.get())?.text === 'second', { timeoutMs: 10_000, what: 'the change' });
      expect(await redis.exists(`answers:changes:${one.tag}`)).toBe(0);
    } finally {
      behindGate.destroy();
      await gate.close();
    }
  }, 20_000);

  describe('on a Redis of its own', () => {
    let server: Server;
    let connection: Redis;
    beforeAll(async () => {
      server = await startRedis();
      connection = await openRedis(`redis://127.0.0.1:${server.port}`, log);
    }, 30_000);
    afterAll(async () => {
      connection?.destroy();
      await server?.stop();
    });

    test('that was emptied gives nothing from before, and nothing that began before', async () => {
      const one = stage(connection);
      await one.get();
      await settled();
      one.set('second');
      await connection.flushAll();
      expect((await one.get())?.text).toBe('second');
      await settled();
      expect((await one.get())?.text).toBe('second');

      const execute = async () => {
        await one.versions.change([one.tag], async () => one.set('third'));
        await connection.flushAll();
        return 'second';
      };
      await connection.flushAll();
      await one.get({ execute });
      await settled();
      expect((await one.get())?.text).toBe('third');
    });

    test('that has lost its last second gives nothing that was changed in it', async () => {
      const one = stage(connection);
      await one.get();
      await settled();
      await connection.sendCommand(['SAVE']);
      await one.versions.change([one.tag], async () => one.set('second'));
      await server.kill();
      await server.start();
      await until(() => connection.ping().then(() => true, () => false), { what: 'Redis' }); // prettier-ignore
      expect(await connection.exists('{answers}:texts')).toBe(1);
      expect((await one.get())?.text).toBe('second');
      await settled();
      one.set('unseen');
      expect((await one.get())?.text).toBe('second');
    }, 20_000);
  });

  test('another supergraph has other answers, and one that it gave half-way is not kept', async () => {
    const one = stage();
    await one.get();
    await settled();
    one.set('second');
    const exchange = (text: string) => schemas.at(-1)?.({ apiSchema: buildSchema(text), coreSupergraphSdl: text });
    exchange(`${sdl} scalar New`);
    expect((await one.get())?.text).toBe('second');
    await settled();
    one.set('third');
    const execute = async () => {
      exchange(`${sdl} scalar Newer`);
      return 'half-way';
    };
    expect((await one.get({ variables: { a: 1 }, execute }))?.text).toBe('half-way');
    exchange(`${sdl} scalar New`);
    await settled();
    expect((await one.get())?.text).toBe('second');
    expect((await one.get({ variables: { a: 1 } }))?.text).toBe('third');
    const listening = schemas.length;
    one.cache.close();
    expect(schemas.length).toBe(listening - 1);
  });

  test('an answer that is very long is not kept', async () => {
    const one = stage();
    await one.get({ execute: async () => 'x'.repeat(300 * 1024) });
    await settled();
    expect((await one.get())?.text).toBe('first');
  });
});
