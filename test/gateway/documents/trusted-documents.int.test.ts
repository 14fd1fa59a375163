import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildSchema, parse } from 'graphql';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { openDocuments } from '../../../gateway/documents/documents.ts';
import { readAll, readTrustedDocuments } from '../../../gateway/documents/trusted-documents.ts';
import { ConfigError } from '../../../subgraphs/shared/process/env.ts';
import { until } from '../../support/until.ts';
import { openBareSocket } from '../front/bare-socket.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

const products = 'query Products {\n  products(first: 1) {\n    id\n  }\n}';
const changes = 'subscription Changes {\n  changes(orderId: "o1") {\n    seq\n  }\n}';
const manifestOf = (...operations: { id: string; name: string; type: string; body: string }[]) =>
  JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations });
const manifest = manifestOf(
  { id: 'products-1', name: 'Products', type: 'query', body: products },
  { id: 'changes-1', name: 'Changes', type: 'subscription', body: changes },
);

let directory: string;
let graph: TestGraph;
const fileWith = async (name: string, text: string): Promise<string> => {
  await writeFile(join(directory, name), text);
  return join(directory, name);
};
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trusted-'));
  const path = await fileWith('manifest.json', manifest);
  graph = await startTestGraph({
    shape: 'in process',
    env: { TRUSTED_DOCUMENTS_ONLY: 'true', TRUSTED_DOCUMENTS: path },
  });
});
afterAll(async () => {
  await graph.close();
  await rm(directory, { recursive: true });
});

const data = { products: [{ id: 'p0' }] };
const post = async (body: object, path: string) => {
  const response = await fetch(`${graph.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, ...((await response.json()) as object) };
};
const refused = { status: 403, errors: [{ extensions: { code: 'DOCUMENT_NOT_TRUSTED' } }] };

describe.each(['/graphql', '/graphql/'])('a gateway that demands trusted documents, at %s', (path) => {
  test('executes those of its manifest, by id or text', async () => {
    expect(await post({ documentId: 'products-1' }, path)).toEqual({ status: 200, data });
    expect(await post({ query: products }, path)).toEqual({ status: 200, data });
    const response = await fetch(`${graph.url}${path}?documentId=products-1`);
    expect(await response.json()).toEqual({ data });
  });

  test('knows them in another layout, with comments, and with the __typename that client libraries add', async () => {
    expect(await post({ query: '# ours\nquery Products { products(first:1) { id __typename } }' }, path)).toEqual({ status: 200, data: { products: [{ id: 'p0', __typename: 'Product' }] } }); // prettier-ignore
  });

  test.each([
    ['another argument', { query: products.replace('1', '2') }],
    ['another field', { query: products.replace('id', 'id name') }],
    ['another name', { query: products.replace('Products', 'Others') }],
    ['an alias', { query: products.replace('id', 'it: id') }],
    ['an aliased __typename', { query: products.replace('id', 'id kind: __typename') }],
    ['introspection', { query: '{ __schema { queryType { name } } }' }],
    ['nothing but __typename', { query: '{ __typename }' }],
    ['an unknown id', { documentId: 'products-2' }],
    ['the hash of an unknown text', { documentId: 'a'.repeat(64) }],
  ])('refuses %s', async (_what, body) => {
    expect(await post(body, path)).toMatchObject(refused);
  });
});

test('sockets execute trusted documents alone, subscriptions too', async () => {
  const client = createClient({ url: `${graph.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket });
  const first = async (payload: { query: string; documentId?: string }): Promise<unknown> => {
    const results = client.iterate(payload);
    try {
      return (await results.next()).value;
    } catch (error) {
      return error;
    } finally {
      await results.return?.();
    }
  };
  expect(await first({ query: products })).toEqual({ data });
  expect(await first({ query: '', documentId: 'products-1' })).toEqual({ data });
  const notTrusted = [{ extensions: { code: 'DOCUMENT_NOT_TRUSTED' } }];
  expect(await first({ query: '{ users { id } }' })).toMatchObject(notTrusted);
  expect(await first({ query: changes.replace('o1', 'o2') })).toMatchObject(notTrusted);
  const events = client.iterate({ query: '', documentId: 'changes-1' } as never);
  const next = events.next();
  while (graph.stage.open === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  graph.stage.changes.emit('o1', { seq: 7, orderId: 'o1' });
  expect(await next).toMatchObject({ value: { data: { changes: { seq: 7 } } } });
  await events.return?.();
  await client.dispose();
});

describe('the trusted documents of a gateway', () => {
  // So many that a request comes in between, if somebody doesn't wait until all are done.
  const bodies = Array.from({ length: 40 }, (_, index) => `query Trusted${index}($with: Boolean!) { products(first: ${index + 1}) { id kind @include(if: $with) seller { id name } } }`); // prettier-ignore
  let ahead: TestGraph;
  beforeAll(async () => {
    const path = await fileWith('ahead.json', manifestOf(...bodies.map((body, index) => ({ id: `t${index}`, name: `Trusted${index}`, type: 'query', body })))); // prettier-ignore
    ahead = await startTestGraph({ shape: 'in process', env: { TRUSTED_DOCUMENTS: path } });
  });
  afterAll(() => ahead.close());

  const ask = (body: string, isWith: boolean) => ahead.ask(body, { with: isWith });
  const askAll = async () => {
    const answers = [];
    for (const body of bodies.toReversed()) answers.push(await ask(body, true), await ask(body, false));
    return answers;
  };
  const introduced = async (): Promise<number> => {
    const text = await ahead.runtime.metrics.registry.metrics();
    return Number(/^gateway_newcomers_introduced_total(?:\{.*\})? (\d+)$/m.exec(text)?.[1]);
  };

  test('are planned and compiled for all their conditions once it is ready: whoever comes waits for nothing', async () => {
    await ahead.gateway.ready();
    for (const { status, body } of await askAll()) expect([status, body.errors]).toEqual([200, undefined]);
    expect(await introduced()).toBe(0);
    // Others are not.
    await ahead.ask('{ products(first: 1) { id } }');
    expect(await introduced()).toBe(1);
  });

  test('are so once another supergraph is served', async () => {
    await ahead.gateway.reload(ahead.supergraphSdl);
    const before = await introduced();
    for (const { status, body } of await askAll()) expect([status, body.errors]).toEqual([200, undefined]);
    expect(await introduced()).toBe(before);
  });

  test('reject a supergraph that lacks one of their fields; the old one is served', async () => {
    const without = ahead.supergraphSdl.replace(/(type Product\b[^{]*\{[^}]*?)\n {2}kind: String![^\n]*/, '$1');
    expect(without).not.toBe(ahead.supergraphSdl);
    await expect(ahead.gateway.reload(without)).rejects.toThrow(/TRUSTED_DOCUMENTS.*Cannot query field "kind"/s);
    const { body } = await ask(bodies[0] as string, true);
    expect(body.data?.products[0].kind).toBe('STOCKED');
    expect((await ahead.ask('{ product(id: "p1") { kind } }')).body).toEqual({
      data: { product: { kind: 'STOCKED' } },
    });
    await ahead.gateway.ready();
  });
});

test('on a socket an id is enough, without a query', async () => {
  const { send, received, socket } = await openBareSocket(graph.port);
  const ask = async (id: string, payload: object) => {
    send({ id, type: 'subscribe', payload });
    return until(() => received.find((message) => message.id === id));
  };
  expect(await ask('1', { documentId: 'products-1' })).toEqual({ id: '1', type: 'next', payload: { data } });
  expect(await ask('2', { documentId: 'products-1', query: null })).toMatchObject({ payload: { data } });
  expect(await ask('3', { documentId: 'other' })).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'DOCUMENT_NOT_TRUSTED' } }] }); // prettier-ignore
  const persistedQuery = { version: 1, sha256Hash: createHash('sha256').update(products).digest('hex') };
  expect(await ask('4', { extensions: { persistedQuery } })).toMatchObject({ payload: [{ message: 'PersistedQueryNotFound' }] }); // prettier-ignore
  expect(await ask('5', { extensions: { persistedQuery }, query: products })).toMatchObject({ payload: { data } });
  expect(await ask('6', { extensions: { persistedQuery } })).toMatchObject({ payload: { data } });
  socket.close();
});

describe('a manifest', () => {
  test('that is none is said with the variable at the start', async () => {
    for (const [name, text, reason] of [
      ['no-json', '{', "can't be read as JSON"],
      ['no-manifest', '{"format":"other","version":1,"operations":[]}', 'is not a persisted query manifest'],
      ['no-graphql', manifestOf({ id: 'a', name: 'A', type: 'query', body: '{' }), 'is not GraphQL: A'],
    ] as const) {
      const path = await fileWith(name, text);
      const read = () => readTrustedDocuments({ path, only: false });
      expect(read).toThrow(ConfigError);
      expect(read).toThrow(
        `TRUSTED_DOCUMENTS: ${path} ${name === 'no-graphql' ? 'has a document that ' : ''}${reason}`,
      );
    }
    expect(() => readTrustedDocuments({ path: join(directory, 'missing'), only: false })).toThrow(
      /TRUSTED_DOCUMENTS.*ENOENT/,
    );
  });

  test('with a document that the gateway would refuse ends the start', async () => {
    const path = await fileWith('unfit.json', manifestOf({ id: 'a', name: 'A', type: 'query', body: '{ nothing }' }));
    const documents = openDocuments(buildSchema('type Query { a: Int }'), { introspection: true });
    const read = () => readAll(readTrustedDocuments({ path, only: false }), documents);
    expect(read).toThrow(ConfigError);
    expect(read).toThrow('TRUSTED_DOCUMENTS: this gateway refuses one of them: Cannot query field "nothing"');
  });

  test('of our own clients has each of their operations by its hash', () => {
    const path = new URL('../../../schema/generated/trusted-documents.json', import.meta.url);
    const own = readTrustedDocuments({ path, only: true });
    expect(own.texts.length).toBeGreaterThan(10);
    for (const text of own.texts) expect(own.has(parse(`# ours\n${text}`))).toBe(true);
  });
});
