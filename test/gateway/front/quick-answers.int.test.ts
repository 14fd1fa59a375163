import { gzipSync } from 'node:zlib';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

/**
 * Plain requests to `/graphql` are answered without Apollo Server. `/graphql/` is the same path to Express and none of
 * the quick ones, so Apollo Server answers there. Whatever is sent, both must say the same.
 */
let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ shape: 'in process' });
});
afterAll(() => graph.close());

type Sent = {
  readonly method?: string;
  readonly search?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** Sent in chunks, without a content-length. */
  readonly chunked?: boolean;
};
type Answer = { status: number | undefined; headers: string[]; body: string; isQuick: boolean };

const traceparent = '00-22222222222222222222222222222222-3333333333333333-01';

function send(
  path: string,
  { method = 'POST', search = '', headers = {}, body, chunked = false }: Sent,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${graph.url}${path}${search}`,
      {
        method,
        headers: {
          traceparent,
          ...(method === 'POST' && { 'content-type': 'application/json' }),
          ...(body !== undefined && !chunked && { 'content-length': String(Buffer.byteLength(body)) }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const { rawHeaders } = response;
          const named = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name.toLowerCase()}: ${rawHeaders[index + 1]}`] : [])); // prettier-ignore
          resolve({
            status: response.statusCode,
            headers: named.filter((line) => !line.startsWith('date: ')).toSorted(),
            body: Buffer.concat(chunks).toString(),
            // Express writes capitals.
            isQuick: rawHeaders.includes('content-type'),
          });
        });
      },
    );
    sent.on('error', reject);
    if (chunked && body !== undefined) sent.write(body);
    sent.end(chunked ? undefined : body);
  });
}

/** Sends it both ways; they must answer the same. */
async function both(sent: Sent): Promise<Answer> {
  const [quick, apollo] = await Promise.all([send('/graphql', sent), send('/graphql/', sent)]);
  expect(apollo.isQuick).toBe(false);
  expect({ ...quick, isQuick: undefined }).toEqual({ ...apollo, isQuick: undefined });
  return quick;
}

const query = '{ products(first: 2) { id name seller { id name } } }';
const asked = (extra: object = {}) => JSON.stringify({ query, ...extra });
const get = (parameters: Record<string, string>) => ({
  method: 'GET',
  search: `?${new URLSearchParams(parameters).toString()}`,
});

const quick: [string, Sent][] = [
  ['a query', { body: asked() }],
  ['a query with everything null', { body: asked({ variables: null, operationName: null, extensions: null }) }],
  ['a named query', { body: asked({ query: `query A ${query}`, operationName: 'A' }) }],
  ['variables', { body: asked({ query: 'query A($id: ID!) { user(id: $id) { name } }', variables: { id: 'é😀' } }) }],
  ['a mutation', { body: asked({ query: 'mutation { rename(id: "u1", name: "New") { id name } }' }) }],
  ['null data without an error', { body: asked({ query: '{ order(id: "none") { id } }' }) }],
  ['introspection', { body: asked({ query: '{ __schema { queryType { name } } __typename }' }) }],
  ['a charset', { body: asked(), headers: { 'content-type': 'application/json; charset=UTF-8' } }],
  ['an allowed origin', { body: asked(), headers: { origin: 'http://localhost:4000' } }],
  ['another origin', { body: asked(), headers: { origin: 'https://evil.example' } }],
  ['any accept', { body: asked(), headers: { accept: '*/*' } }],
  ['the media type of GraphQL', { body: asked(), headers: { accept: 'application/graphql-response+json' } }],
  ['a preferred media type', { body: asked(), headers: { accept: 'application/json;q=0.8, application/graphql-response+json' } }],
  ['what Apollo Client accepts', { body: asked(), headers: { accept: 'multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9' } }],
  ['a GET', get({ query })],
  ['a GET with all parameters', get({ query: 'query A($id: ID!) { user(id: $id) { name } }', variables: '{"id":"u+1 &?"}', operationName: 'A' })],
  ['a GET of our own page', { ...get({ query }), headers: { 'sec-fetch-site': 'same-origin' } }],
]; // prettier-ignore

const odd: [string, Sent, number][] = [
  ['a field error', { body: asked({ query: '{ product(id: "p1") { id broken } }' }) }, 200],
  ['an error that takes everything along', { body: asked({ query: '{ product(id: "p1") { must } }' }) }, 200],
  ['an unexpected error', { body: asked({ query: '{ users { secret } }' }) }, 200],
  ['no body', {}, 400],
  ['an empty body', { body: '' }, 400],
  ['an empty object', { body: '{}' }, 400],
  ['broken JSON', { body: '{"query": ' }, 400],
  ['a JSON string', { body: '"query"' }, 400],
  ['null', { body: 'null' }, 400],
  ['a batch', { body: `[${asked()}]` }, 400],
  ['a byte order mark', { body: `\ufeff${asked()}` }, 200],
  ['bytes that are no UTF-8', { body: Buffer.from('{"query":"{ user(id: \\"\xff\\") { name } }"}', 'latin1') }, 400],
  ['a query that is a number', { body: '{"query": 1}' }, 400],
  ['an empty query', { body: '{"query": ""}' }, 400],
  ['variables as text', { body: asked({ variables: '{}' }) }, 400],
  ['variables as a list', { body: asked({ variables: [] }) }, 400],
  ['a wrong operationName', { body: asked({ operationName: 'B' }) }, 400],
  ['an empty operationName', { body: asked({ operationName: '' }) }, 400],
  ['an operationName of another type', { body: asked({ operationName: 1 }) }, 400],
  ['extensions as text', { body: asked({ extensions: 'x' }) }, 400],
  ['bad syntax', { body: asked({ query: '{' }) }, 400],
  ['an unknown field', { body: asked({ query: '{ nothing }' }) }, 400],
  ['a missing variable', { body: asked({ query: 'query ($id: ID!) { user(id: $id) { id } }' }) }, 400],
  ['a variable of a wrong type', { body: asked({ query: 'query ($n: Int) { users(first: $n) { id } }', variables: { n: 'x' } }) }, 400],
  ['a subscription', { body: asked({ query: 'subscription { changes(orderId: "o1") { seq } }' }) }, 400],
  ['too deep', { body: asked({ query: `${'{ a '.repeat(12)}${'}'.repeat(12)}` }) }, 400],
  ['too costly', { body: asked({ query: '{ products(first: 100) { seller { products(first: 100) { id } } } }' }) }, 400],
  ['too large', { body: asked({ variables: { x: 'x'.repeat(101 * 1024) } }) }, 413],
  ['a compressed body', { body: gzipSync(asked()), headers: { 'content-encoding': 'gzip' } }, 415],
  ['an unknown encoding', { body: asked(), headers: { 'content-encoding': 'x' } }, 415],
  ['another charset', { body: asked(), headers: { 'content-type': 'application/json; charset=latin1' } }, 415],
  ['a form', { body: 'query=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 400],
  ['plain text', { body: asked(), headers: { 'content-type': 'text/plain' } }, 400],
  ['GraphQL as the body', { body: query, headers: { 'content-type': 'application/graphql' } }, 415],
  ['XML', { body: '<query/>', headers: { 'content-type': 'application/xml' } }, 415],
  ['a body in chunks', { body: asked(), chunked: true }, 200],
  ['an accept for nothing of ours', { body: asked(), headers: { accept: 'text/html' } }, 406],
  ['a bad token', { body: asked(), headers: { authorization: 'Bearer x' } }, 401],
  ['no bearer', { body: asked(), headers: { authorization: 'Basic x' } }, 401],
  ['a GET of nothing', { method: 'GET' }, 400],
  ['a GET with an empty query', get({ query: '' }), 400],
  ['a GET with bad variables', get({ query, variables: '{' }), 400],
  ['a GET with a list of variables', get({ query, variables: '[]' }), 400],
  ['a GET of a mutation', get({ query: 'mutation { slowly(ms: 1) }' }), 405],
  ['a GET with two queries', { method: 'GET', search: `?query=${encodeURIComponent(query)}&query=${encodeURIComponent(query)}` }, 400],
  ['a GET with an unknown parameter', get({ query, other: '1' }), 200],
  ['a GET of another site', { ...get({ query }), headers: { 'sec-fetch-site': 'cross-site' } }, 400],
  ['a GET of another origin', { ...get({ query }), headers: { origin: 'https://evil.example' } }, 400],
  ['a GET with a preflight header', { ...get({ query }), headers: { origin: 'https://evil.example', 'apollo-require-preflight': '1' } }, 200],
  ['a PUT', { method: 'PUT', body: asked(), headers: { 'content-type': 'application/json' } }, 405],
  ['a HEAD', { method: 'HEAD', search: `?query=${encodeURIComponent(query)}` }, 405],
]; // prettier-ignore

describe('a plain request', () => {
  test.each(quick)('%s is answered at once, as Apollo Server would', async (_name, sent) => {
    const answer = await both(sent);
    expect([answer.status, answer.isQuick]).toEqual([200, true]);
    expect(answer.headers).toContain('cache-control: no-store');
    expect(answer.headers).toContain('x-trace-id: 22222222222222222222222222222222');
  });

  test("a signed-in user's request is answered at once too", async () => {
    const headers = { authorization: `Bearer ${await graph.token({ sub: 'u5' })}` };
    const answer = await both({ body: asked({ query: '{ viewer { id } }' }), headers });
    expect([answer.body, answer.isQuick]).toEqual(['{"data":{"viewer":{"id":"u5"}}}\n', true]);
  });
});

describe('any other request', () => {
  test.each(odd)('%s gets the same answer both ways', async (_name, sent, status) => {
    expect((await both(sent)).status).toBe(status);
  });

  test('a mutation with an error runs once', async () => {
    const before = graph.stage.mutations;
    await send('/graphql', { body: asked({ query: 'mutation { fail }' }) });
    expect(graph.stage.mutations - before).toBe(1);
  });
});
