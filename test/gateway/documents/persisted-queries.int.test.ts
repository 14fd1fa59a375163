import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { openPersistedQueries } from '../../../gateway/documents/persisted-queries.ts';
import { readTrustedDocuments } from '../../../gateway/documents/trusted-documents.ts';
import { openRedis } from '../../../subgraphs/shared/process/redis.ts';
import { createLogger } from '../../../subgraphs/shared/process/telemetry.ts';
import { startRedis } from '../../faults/matrix/server.ts';
import { until } from '../../support/until.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

let graphs: TestGraph[] = [];
beforeAll(async () => {
  // Two gateways with one Redis.
  graphs = await Promise.all([startTestGraph({ shape: 'in process' }), startTestGraph({ shape: 'in process' })]);
});
afterAll(() => Promise.all(graphs.map((graph) => graph.close())));

let queries = 0;
/** A query that nobody has sent yet. */
const newQuery = () => `query Q${process.pid}x${(queries += 1)} { viewer { kind } }`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const persisted = (query: string, more: object = {}) => ({
  extensions: { persistedQuery: { version: 1, sha256Hash: sha256(query), ...more } },
});
const data = { viewer: { kind: 'anonymous' } };

/** To the quick front, and to Apollo Server. */
const paths = ['/graphql', '/graphql/'];
const post = async (body: object, { path = '/graphql', gateway = 0 } = {}) => {
  const response = await fetch(`${graphs[gateway]?.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    cache: response.headers.get('cache-control'),
    ...((await response.json()) as object),
  };
};
const get = async (parameters: Record<string, string>, path = '/graphql') => {
  const response = await fetch(`${graphs[0]?.url}${path}?${new URLSearchParams(parameters).toString()}`, {
    headers: { 'apollo-require-preflight': '1' },
  });
  return { status: response.status, ...((await response.json()) as object) };
};
const stored = async (query: string) => {
  for (const { redis } of graphs.slice(0, 1).map(({ runtime }) => runtime)) {
    for (let tries = 0; tries < 100; tries += 1) {
      if ((await redis.hExists('{apq}:texts', sha256(query))) === 1) return true;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  return false;
};

describe.each(paths)('an automatic persisted query at %s', (path) => {
  test('is not found, is sent once, and is known by its hash from then on, at every gateway', async () => {
    const query = newQuery();
    expect(await post({ query: '', ...persisted(query) }, { path })).toMatchObject({
      status: 200,
      cache: 'private, no-cache, must-revalidate',
      errors: [{ message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }],
    });
    expect(await post({ query, ...persisted(query) }, { path })).toMatchObject({ status: 200, data });
    expect(await stored(query)).toBe(true);
    expect(await post(persisted(query), { path })).toMatchObject({ status: 200, data });
    expect(await post(persisted(query), { path, gateway: 1 })).toMatchObject({ status: 200, data });
    const extensions = JSON.stringify(persisted(query).extensions);
    expect(await get({ extensions, variables: '{}' }, path)).toMatchObject({ status: 200, data });
    expect(await post({ documentId: `sha256:${sha256(query)}` }, { path })).toMatchObject({ status: 200, data });
    expect(await get({ documentId: sha256(query) }, path)).toMatchObject({ status: 200, data });
  });

  test('by GET is registered too', async () => {
    const query = newQuery();
    const extensions = JSON.stringify(persisted(query).extensions);
    expect(await get({ query, extensions }, path)).toMatchObject({ status: 200, data });
    expect(await get({ extensions }, path)).toMatchObject({ status: 200, data });
  });

  test('that can not be: of another version, another hash, malformed, or text and id together', async () => {
    const query = newQuery();
    const refused = async (body: object) => {
      const { status, errors } = (await post(body, { path })) as { status: number; errors?: { message: string; extensions: { code: string } }[] }; // prettier-ignore
      return [status, errors?.[0]?.extensions.code, errors?.[0]?.message];
    };
    expect(await refused(persisted(query, { version: 2 }))).toEqual([400, 'BAD_REQUEST', 'Unsupported persisted query version']); // prettier-ignore
    expect(await refused({ query: '{ __typename }', ...persisted(query) })).toEqual([400, 'BAD_REQUEST', 'provided sha does not match query']); // prettier-ignore
    expect((await refused(persisted(query, { sha256Hash: 1 })))[1]).toBe('BAD_REQUEST');
    expect((await refused({ extensions: { persistedQuery: true } }))[1]).toBe('BAD_REQUEST');
    expect((await refused({ documentId: 1 }))[1]).toBe('BAD_REQUEST');
    expect((await refused({ query, documentId: sha256(query) }))[1]).toBe('BAD_REQUEST');
    expect((await refused({ documentId: sha256(query) })).slice(0, 2)).toEqual([404, 'PERSISTED_QUERY_NOT_FOUND']);
    expect(await stored(query)).toBe(false);
  });

  test('that breaks a limit or the schema is refused and not remembered', async () => {
    for (const query of [`{ ${'a { '.repeat(12)}a${' }'.repeat(12)} }`, `query Q${(queries += 1)} { nothing }`]) {
      expect(await post({ query, ...persisted(query) }, { path })).toMatchObject({ status: 400 });
      expect(await post(persisted(query), { path })).toMatchObject({ errors: [{ message: 'PersistedQueryNotFound' }] });
    }
  });

  test('that is longer than 16 KiB is executed and not remembered', async () => {
    const query = `${newQuery()} # ${'x'.repeat(16 * 1024)}`;
    expect(await post({ query, ...persisted(query) }, { path })).toMatchObject({ status: 200, data });
    expect(await post(persisted(query), { path })).toMatchObject({ errors: [{ message: 'PersistedQueryNotFound' }] });
  });
});

test('on a socket a hash is not found, registered, and found', async () => {
  const query = newQuery();
  const client = createClient({ url: `${graphs[0]?.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket });
  const ask = async (payload: { query: string; extensions: Record<string, unknown> }): Promise<unknown> => {
    try {
      return (await Array.fromAsync(client.iterate(payload)))[0];
    } catch (error) {
      return error;
    }
  };
  expect(await ask({ query: '', ...persisted(query) })).toMatchObject([{ message: 'PersistedQueryNotFound' }]);
  expect(await ask({ query, ...persisted(query) })).toEqual({ data });
  expect(await ask({ query: '', ...persisted(query) })).toEqual({ data });
  await client.dispose();
});

test('without Redis a hash alone is not found, what this gateway knows is, and nothing fails', async () => {
  const log = createLogger('test', 'silent');
  const redis = await openRedis(String(process.env['TEST_REDIS_URL']), log);
  const options = { redis, log, trusted: readTrustedDocuments({ path: undefined, only: false }) };
  const those = openPersistedQueries(options);
  const query = newQuery();
  those.remember(sha256(query), query);
  expect(await stored(query)).toBe(true);
  redis.destroy();
  expect(await those.textOf(persisted(query))).toEqual({ query });
  const other = newQuery();
  await expect(those.textOf(persisted(other))).rejects.toThrow('PersistedQueryNotFound');
  await expect(openPersistedQueries(options).textOf(persisted(query))).rejects.toThrow('PersistedQueryNotFound');
  expect(await those.textOf({ query: other, ...persisted(other) })).toEqual({ query: other, register: sha256(other) });
  those.remember(sha256(other), other);
  // It could not be stored, so it isn't known here either: the next who sends it has it stored.
  await new Promise((resolve) => setTimeout(resolve, 20));
  await expect(those.textOf(persisted(other))).rejects.toThrow('PersistedQueryNotFound');
});

test('when Redis was emptied, what a gateway knows is known there, and to the others again once it is sent', async () => {
  const log = createLogger('test', 'silent');
  const server = await startRedis();
  const redis = await openRedis(`redis://127.0.0.1:${server.port}`, log);
  try {
    const options = { redis, log, trusted: readTrustedDocuments({ path: undefined, only: false }) };
    const open = () => openPersistedQueries(options);
    const [one, query] = [open(), newQuery()];
    one.remember(sha256(query), query);
    await until(() => redis.hExists('{apq}:texts', sha256(query)), { what: 'the text' });
    await redis.flushAll();
    expect(await one.textOf(persisted(query))).toEqual({ query });
    await expect(open().textOf(persisted(query))).rejects.toThrow('PersistedQueryNotFound');
    await expect(open().textOf({ documentId: sha256(query) })).rejects.toThrow('No document is known by this id.');
    // As a client does that was told so, though it may reach the gateway that knows it: each registers it anew.
    await new Promise((resolve) => setTimeout(resolve, 5_100));
    one.remember(sha256(query), query);
    await until(() => redis.hExists('{apq}:texts', sha256(query)), { what: 'the text' });
    expect(await open().textOf(persisted(query))).toEqual({ query });
    expect(await open().textOf({ documentId: sha256(query) })).toEqual({ query });
  } finally {
    redis.destroy();
    await server.stop();
  }
}, 30_000);
