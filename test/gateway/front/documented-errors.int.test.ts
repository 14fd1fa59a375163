import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { openBareSocket } from './bare-socket.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

const root = new URL('../../../', import.meta.url);
const documentation = readFileSync(new URL('docs/errors.md', root), 'utf8');

/** The first two columns of each line of a section's table. */
function linesOf(title: string): [string, string][] {
  const section = documentation.split('\n## ').find((part) => part.startsWith(title)) ?? '';
  return [...section.matchAll(/^\| `?(\w+)`? +\| ([^|]*?) +\|/gm)]
    .filter(([, name]) => name !== 'Code')
    .map(([, name, next]) => [name as string, next as string]);
}

let graph: TestGraph;
let narrow: TestGraph;
beforeAll(async () => {
  [graph, narrow] = await Promise.all([
    startTestGraph({ shape: 'over HTTP' }),
    startTestGraph({ shape: 'over HTTP', gateway: { config: { trustedDocumentsOnly: true } } }),
  ]);
}, 60_000);
afterAll(async () => {
  await Promise.all([graph?.close(), narrow?.close()]);
});

type Seen = { readonly status: number; readonly code: unknown };
const json = { 'content-type': 'application/json' };

async function ask(init: RequestInit, path = '/graphql', url = graph.url): Promise<Seen> {
  const response = await fetch(url + path, { method: 'POST', headers: json, ...init });
  const body = (await response.json()) as { code?: string; errors?: { extensions: { code: string } }[] };
  return { status: response.status, code: body.code ?? body.errors?.[0]?.extensions.code };
}
const query = (text: string, variables?: object, headers: Record<string, string> = {}) =>
  ask({ body: JSON.stringify({ query: text, variables }), headers: { ...json, ...headers } });
async function whileDown(work: () => Promise<Seen>): Promise<Seen> {
  graph.stage.down.add('payment').add('product');
  try {
    return await work();
  } finally {
    graph.stage.down.clear();
  }
}

/** Asks for it here; or names the test that does, where it takes more than this graph. */
type Probe = (() => Promise<Seen> | Promise<Seen>[]) | string;

const requests: Readonly<Record<string, Probe>> = {
  BAD_REQUEST: () => [ask({ body: '{"query' }), ask({ body: Buffer.from([0x22, 0xff, 0x22]) }), ask({ body: '{}' }), ask({ body: '[]' }), query('query ($i: ID!) { user(id: $i) { id } }', { i: '\ud800' }), ask({ method: 'PUT', body: '{}' }), query('subscription { changes(orderId: "1") { seq } }'), ask({ method: 'GET' }, '/graphql?query=mutation{fail}'), ask({ body: '{}' }, '/graphql/stream'), ask({ body: 'query=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } })],
  UNSUPPORTED_MEDIA_TYPE: () => [ask({ body: gzipSync('{}'), headers: { ...json, 'content-encoding': 'gzip' } }), ask({ body: '{}', headers: { 'content-type': 'application/json; charset=utf-16' } }), ask({ body: '<a/>', headers: { 'content-type': 'application/xml' } })],
  PAYLOAD_TOO_LARGE: () => ask({ body: JSON.stringify({ query: ' '.repeat(100 * 1024) }) }),
  GRAPHQL_PARSE_FAILED: () => query('{'),
  GRAPHQL_VALIDATION_FAILED: () => query('{ nothing }'),
  OPERATION_RESOLUTION_FAILURE: () => ask({ body: JSON.stringify({ query: 'query A { __typename }', operationName: 'B' }) }),
  PERSISTED_QUERY_NOT_FOUND: () => [ask({ body: JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: '0'.repeat(64) } } }) }), ask({ body: '{"documentId":"x"}' })],
  DOCUMENT_NOT_TRUSTED: () => ask({ body: '{"query":"{ __typename }"}' }, '/graphql', narrow.url),
  BAD_USER_INPUT: () => [query('query ($n: Int) { users(first: $n) { id } }', { n: 'x' })],
  TOO_MANY_TOKENS: () => query(`{ ${'a '.repeat(1_001)} }`),
  TOO_MANY_OPERATIONS: () => query('query A { __typename } query B { __typename }'),
  TOO_MANY_FIELDS: () => query(`{ ...A ...A ...A ...A ...A } fragment A on Query { ${'users { id } '.repeat(210)} }`),
  TOO_DEEP: () => query(`${'{ a '.repeat(12)}${'}'.repeat(12)}`),
  TOO_MANY_ALIASES: () => query(`{ ${Array.from({ length: 16 }, (_, index) => `a${index}: __typename`).join(' ')} }`),
  TOO_MANY_DIRECTIVES: () => query(`{ __typename ${'@include(if: true) '.repeat(11)} }`),
  TOO_MANY_MUTATIONS: () => query(`mutation { ${Array.from({ length: 6 }, (_, index) => `a${index}: slowly(ms: 1)`).join(' ')} }`),
  TOO_MUCH_INTROSPECTION: () => query('{ a: __schema { description } b: __schema { description } }'),
  TOO_COSTLY: () => query('{ products(first: 100) { seller { products(first: 100) { id } } } }'),
  ANSWER_TOO_LARGE: 'test/gateway/operations/answer-size.int.test.ts',
  TOO_MANY_SUBSCRIPTIONS: 'test/gateway/front/socket-operations.int.test.ts',
  UNAUTHENTICATED: () => query('{ __typename }', {}, { authorization: 'Bearer x' }),
  FORBIDDEN: 'test/e2e/authorisation/authorisation.e2e.test.ts',
  NOT_FOUND: () => ask({}, '/nowhere'),
  TOO_MANY_REQUESTS: 'test/subgraphs/user/known-places.int.test.ts',
  INCOMPLETE_DATA: 'test/gateway/execute/foreign-graphs.unit.test.ts',
  PLANNING_FAILED: 'test/gateway/execute/subscriptions-differential.unit.test.ts',
  DEFER_NOT_SUPPORTED: () => query('{ ... @defer { __typename } }'),
  SERVICE_UNAVAILABLE: () => whileDown(() => query('{ products { id } }')),
  OVERLOADED: 'test/gateway/turns/overload.int.test.ts',
  DEADLINE_EXCEEDED: 'test/gateway/operations/deadline.int.test.ts',
  INTERNAL_SERVER_ERROR: () => query('{ users { secret } }'),
  UNAUTHORISED_CALLER: 'test/subgraphs/shared/auth/authenticator.int.test.ts',
  BRANCH_COMPENSATED: 'test/subgraphs/order/saga.int.test.ts',
}; // prettier-ignore

const webhook = (body: string | Buffer, headers: Record<string, string> = json) =>
  ask({ body: body as string, headers }, '/webhooks/simulated');
const webhooks: Readonly<Record<string, Probe>> = {
  UNKNOWN_PROVIDER: 'test/subgraphs/payment/webhooks.int.test.ts',
  BODY_TOO_LARGE: () => webhook('x'.repeat(64 * 1024 + 1)),
  BODY_UNREADABLE: 'test/subgraphs/payment/webhooks.int.test.ts',
  UNSUPPORTED_MEDIA_TYPE: () => webhook(gzipSync('{}'), { ...json, 'content-encoding': 'gzip' }),
  SIGNATURE_MISSING: 'test/subgraphs/payment/signature.unit.test.ts',
  SIGNATURE_MALFORMED: 'test/subgraphs/payment/signature.unit.test.ts',
  SIGNATURE_MISMATCH: 'test/subgraphs/payment/signature.unit.test.ts',
  TIMESTAMP_OUTSIDE_WINDOW: 'test/subgraphs/payment/signature.unit.test.ts',
  SERVICE_UNAVAILABLE: () => whileDown(() => webhook('{}')),
  TOO_MANY_REQUESTS: 'test/gateway/front/webhook-gate.int.test.ts',
  INTERNAL_SERVER_ERROR: 'test/subgraphs/payment/webhooks.int.test.ts',
};

const subscribe = (id: string) => ({ id, type: 'subscribe', payload: { query: 'subscription { changes(orderId: "w") { seq } }' } }); // prettier-ignore
const closing = async (message: unknown, init = true): Promise<number> => {
  const { send, closed } = await openBareSocket(graph.port, { init });
  for (const one of Array.isArray(message) ? message : [message]) send(one);
  return closed;
};
/** What the socket is closed with. */
const closes: Readonly<Record<string, (() => Promise<number>) | string>> = {
  1006: 'test/gateway/front/socket-transport.unit.test.ts',
  1007: async () => {
    const { socket, closed } = await openBareSocket(graph.port);
    socket.send(Buffer.from([0xff]), { binary: false });
    return closed;
  },
  1009: () => closing('x'.repeat(64 * 1024 + 1)),
  1012: 'test/gateway/front/sockets.int.test.ts',
  1013: 'gateway/front/sockets.ts',
  4400: () => closing('nothing'),
  4401: () => closing(subscribe('1'), false),
  4403: async () => (await openBareSocket(graph.port, { authorization: 'Bearer x' })).closed,
  4406: async () => {
    const [code] = (await once(new WebSocket(`ws://127.0.0.1:${graph.port}/graphql`, 'graphql-ws'), 'close')) as [number]; // prettier-ignore
    return code;
  },
  4408: async () => (await openBareSocket(graph.port, { init: false })).closed,
  4409: () => closing([subscribe('1'), subscribe('1')]),
  4429: () => closing({ type: 'connection_init' }),
  4500: 'gateway/front/socket-transport.ts',
};

const isSeenElsewhere = (file: string, name: string): void => {
  expect([file, existsSync(new URL(file, root))]).toEqual([file, true]);
  expect(readFileSync(new URL(file, root), 'utf8')).toContain(name);
};

describe('docs/errors.md, line by line', () => {
  describe.each([
    ['`errors[]', requests],
    ['`POST /webhooks', webhooks],
  ])('%s', (title, probes) => {
    test.each(linesOf(title))('%s: %s', async (code, statuses) => {
      const probe = probes[code];
      // A line of the documentation without a probe.
      if (probe === undefined) throw new Error(`${code} has no probe`);
      if (typeof probe === 'string') {
        isSeenElsewhere(probe, code);
        return;
      }
      const asked = probe();
      for (const seen of Array.isArray(asked) ? await Promise.all(asked) : [await asked]) {
        expect(seen.code).toBe(code);
        expect(statuses.split(', ')).toContain(String(seen.status));
      }
    });
    test('no probe without a line', () => {
      expect(Object.keys(probes).toSorted()).toEqual(linesOf(title).map(([code]) => code).toSorted()); // prettier-ignore
    });
  });

  test.each(linesOf('WebSocket close codes'))('a socket is closed with %s', async (code) => {
    const probe = closes[code];
    if (probe === undefined) throw new Error(`${code} has no probe`);
    if (typeof probe === 'string') isSeenElsewhere(probe, code);
    else expect(String(await probe())).toBe(code);
  });
});
