import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Client, createClient } from 'graphql-sse';
import { until } from '../../support/until.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

// What a test looks at has no type of its own.
// eslint-disable-next-line typescript/no-explicit-any
type Result = { data?: any; errors?: any[] };

const eventually = (holds: () => boolean, timeoutMs = 5_000) =>
  until(holds, { timeoutMs, everyMs: 5, what: holds.toString() });

describe('operations over Server-Sent Events', () => {
  let graph: TestGraph;
  const clients: Client[] = [];
  beforeAll(async () => {
    graph = await startTestGraph({ shape: 'over HTTP' });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.dispose();
    await eventually(() => graph.stage.open === 0);
  });
  afterAll(() => graph.close());

  const url = () => `http://127.0.0.1:${graph.port}/graphql/stream`;
  const follow = (query: string, options: { authorization?: string; variables?: Record<string, unknown> } = {}) => {
    const { authorization, variables } = options;
    const client = createClient({ url: url(), retryAttempts: 0, headers: authorization === undefined ? {} : { authorization } }); // prettier-ignore
    clients.push(client);
    const results: Result[] = [];
    let ended: 'complete' | { error: unknown } | undefined;
    const stop = client.subscribe<Result>({ query, ...(variables && { variables }) }, {
      next: (result) => void results.push(result as Result),
      error: (error) => (ended = { error }),
      complete: () => (ended = 'complete'),
    }); // prettier-ignore
    return { results, stop, ended: () => ended };
  };
  const ask = (body: unknown, headers: Record<string, string> = {}) =>
    fetch(url(), {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const badRequest = ({ headers }: Response) => ({
    errors: [{ message: expect.any(String), extensions: { code: 'BAD_REQUEST', traceId: headers.get('x-trace-id') } }],
  });
  const changes = 'subscription ($id: ID!) { changes(orderId: $id) { seq order { id customer { name } } } }';

  test('a subscription gets its events with the fields of other subgraphs, until its client goes', async () => {
    const { results, stop } = follow(changes, { variables: { id: 'o1' } });
    await eventually(() => graph.stage.open === 1);
    graph.stage.changes.emit('o1', { orderId: 'o1', seq: 1 });
    graph.stage.changes.emit('o1', { orderId: 'o1', seq: 2 });
    await eventually(() => results.length === 2);
    expect(results.map(({ data }) => data?.changes.seq)).toEqual([1, 2]);
    expect(results[0]?.data?.changes.order).toMatchObject({ id: 'o1', customer: { name: expect.any(String) } });
    stop();
    await eventually(() => graph.stage.open === 0);
  });

  test('a client that goes while its token is verified or its document is prepared leaves nothing behind', async () => {
    const held = async () => {
      const metrics = await graph.runtime.metrics.registry.metrics();
      return [/^websocket_connections (\d+)/m, /^subscription_streams (\d+)/m].map((of) =>
        Number(of.exec(metrics)?.[1]),
      );
    };
    expect(await held()).toEqual([0, 0]);
    for (let turn = 0; turn < 80; turn++) {
      const authorization = turn % 2 === 0 ? `authorization: Bearer ${await graph.token()}\r\n` : '';
      const body = JSON.stringify({ query: `subscription S${turn} { changes(orderId: "o${turn}") { seq } }` });
      const head = `POST /graphql/stream HTTP/1.1\r\nhost: gateway\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n${authorization}content-length: ${body.length}\r\n\r\n`;
      const socket = connect(graph.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(head + body);
      await new Promise((resolve) => setTimeout(resolve, (turn >> 1) % 8));
      if (turn % 4 < 2) socket.resetAndDestroy();
      else socket.destroy();
    }
    await until(async () => (await held()).every((count) => count === 0), { timeoutMs: 5_000, what: 'no stream' });
    await eventually(() => graph.stage.open === 0);
  });

  test('a query and a mutation give their one result and end', async () => {
    for (const [query, data] of [
      ['{ viewer { kind } }', { viewer: { kind: 'anonymous' } }],
      ['mutation { slowly(ms: 1) }', { slowly: true }],
    ] as const) {
      const { results, ended } = follow(query);
      await eventually(() => ended() === 'complete');
      expect(results).toEqual([{ data }]);
    }
  });

  test('the signed-in user is who asks; a token that is not good is 401', async () => {
    const authorization = `Bearer ${await graph.token({ sub: 'u7' })}`;
    const { results, ended } = follow('{ viewer { kind id } }', { authorization });
    await eventually(() => ended() === 'complete');
    expect(results).toEqual([{ data: { viewer: { kind: 'user', id: 'u7' } } }]);
    const refused = await ask({ query: '{ viewer { kind } }' }, { authorization: 'Bearer nonsense' });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });

  test.each([
    ['bad syntax', '{', 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', 'subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['too many aliases', `{ ${Array.from({ length: 20 }, (_, index) => `a${index}: __typename`).join(' ')} }`, 'TOO_MANY_ALIASES'], // prettier-ignore
    ['a refusal of the owner', 'subscription { changes(orderId: "foreign") { seq } }', 'NOT_FOUND'],
    ['a document without an id that is known', undefined, 'BAD_REQUEST'],
  ])('%s is the only event, with its code', async (_, query, code) => {
    const response = await ask({ query });
    if (query === undefined) {
      expect(response.status).toBe(400);
      return;
    }
    const text = await response.text();
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(text).toContain(`"code":"${code}"`);
    expect(text).toContain('event: complete');
  });

  test('a stream ends with its access token and with its session', async () => {
    const short = follow(changes, { variables: { id: 'o1' }, authorization: `Bearer ${await graph.token({ sub: 's', sid: 'short' }, { lifetimeSeconds: 1 })}` }); // prettier-ignore
    await eventually(() => short.ended() !== undefined);
    const revoked = follow(changes, { variables: { id: 'o1' }, authorization: `Bearer ${await graph.token({ sub: 'r', sid: 'sse-revoked' })}` }); // prettier-ignore
    await eventually(() => graph.stage.open === 1);
    graph.runtime.live.publish('auth-revoked', 'sse-revoked');
    await eventually(() => revoked.ended() !== undefined && graph.stage.open === 0);
  });

  test('the sixth stream of a user is refused with 429', async () => {
    const authorization = `Bearer ${await graph.token({ sub: 'many-streams' })}`;
    for (let nth = 0; nth < 5; nth += 1) follow(changes, { variables: { id: `m${nth}` }, authorization });
    await eventually(() => graph.stage.open === 5);
    const sixth = await ask({ query: '{ viewer { kind } }' }, { authorization });
    expect(sixth.status).toBe(429);
    expect(await sixth.json()).toMatchObject({ errors: [{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }] });
  });

  test('a client that reads nothing has no more than a few events waiting for it', async () => {
    const controller = new AbortController();
    const response = await fetch(url(), {
      method: 'POST',
      signal: controller.signal,
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'subscription { changes(orderId: "slow") { seq note { text } } }' }),
    });
    expect(response.status).toBe(200);
    await eventually(() => graph.stage.open === 1);
    const before = (await graph.runtime.metrics.subscriptionEvents.get()).values;
    const deliveredOf = (values: typeof before) => values.find(({ labels }) => labels.outcome === 'delivered')?.value ?? 0; // prettier-ignore
    const events = 300;
    const text = 'x'.repeat(100_000);
    for (let seq = 1; seq <= events; seq += 1) graph.stage.changes.emit('slow', { orderId: 'slow', seq, note: { __typename: 'PlainNote', text } }); // prettier-ignore
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    // What the kernel's buffers of both ends hold has left; the rest waits at its source.
    expect(deliveredOf((await graph.runtime.metrics.subscriptionEvents.get()).values) - deliveredOf(before)).toBeLessThan(events); // prettier-ignore
    controller.abort();
    await eventually(() => graph.stage.open === 0);
  });

  test('without the accept header it says how to ask; a body that is too large or no JSON is refused', async () => {
    expect((await fetch(url(), { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })).status).toBe(406); // prettier-ignore
    expect((await ask({ query: `{ viewer { kind } } # ${'x'.repeat(101 * 1024)}` })).status).toBe(413);
    expect((await ask({ query: '{ viewer { kind } }' }, { 'content-type': 'text/plain' })).status).toBe(415);
  });

  test.each([
    ['no query', {}],
    ['a list', []],
    ['a query of another type', { query: 5 }],
    ['variables of another type', { query: '{ viewer { kind } }', variables: [] }],
    ['extensions of another type', { query: '{ viewer { kind } }', extensions: 'x' }],
    ['a name of another type', { query: '{ viewer { kind } }', operationName: 5 }],
    ['an id of no document', { documentId: null }],
  ])("%s is refused with 400 in the gateway's form", async (_, body) => {
    const response = await ask(body);
    expect([response.status, await response.json()]).toEqual([400, badRequest(response)]);
  });

  test.each(['', '?query=', '?query={a}&variables={', '?query={a}&variables=[]', '?query={a}&extensions=1', '?operationName=A'])(
    'the address %j is refused',
    async (search) => {
      const response = await fetch(url() + search, { headers: { accept: 'text/event-stream' } });
      if (search === '?query=') expect(await response.text()).toContain('GRAPHQL_PARSE_FAILED');
      else expect([response.status, await response.json()]).toEqual([400, badRequest(response)]);
    },
  ); // prettier-ignore

  test('by GET a query with variables is answered, a mutation is refused with 405', async () => {
    const read = (search: Record<string, string>) => fetch(`${url()}?${new URLSearchParams(search).toString()}`, { headers: { accept: 'text/event-stream' } }); // prettier-ignore
    const product = await read({ query: 'query P($id: ID!) { product(id: $id) { id } }', variables: '{"id":"p1"}', operationName: 'P' }); // prettier-ignore
    expect(await product.text()).toContain('data: {"data":{"product":{"id":"p1"}}}');
    const before = graph.stage.mutations;
    const mutation = await read({ query: 'mutation { fail }' });
    expect([mutation.status, mutation.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await mutation.json()).toEqual(badRequest(mutation));
    expect(graph.stage.mutations).toBe(before);
  });

  test('any other method is refused with 405', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const response = await fetch(url(), { method, headers: { accept: 'text/event-stream' } });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST']);
      expect(await response.json()).toEqual(badRequest(response));
    }
  });

  test('a document may be named by its hash', async () => {
    const query = '{ viewer { kind app } }';
    const extensions = { persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') } };
    expect(await (await ask({ extensions })).text()).toContain('PERSISTED_QUERY_NOT_FOUND');
    expect(await (await ask({ query, extensions })).text()).toContain('"kind":"anonymous"');
    expect(await (await ask({ extensions })).text()).toContain('"kind":"anonymous"');
    expect(await (await ask({ documentId: extensions.persistedQuery.sha256Hash })).text()).toContain('"kind":"anonymous"'); // prettier-ignore
  });

  test('a body of any other type is refused unread, however its type is written', async () => {
    for (const contentType of ['text/plain; application/json', 'application/json-seq', 'x/application/json']) {
      const response = await ask({ query: `{ viewer { kind } } # ${'x'.repeat(200 * 1024)}` }, { 'content-type': contentType }); // prettier-ignore
      expect(response.status).toBe(415);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'UNSUPPORTED_MEDIA_TYPE' } }] });
    }
  });

  test('a page of an origin that is not allowed is refused with 403', async () => {
    const response = await fetch(`${url()}?query=${encodeURIComponent('{ viewer { kind } }')}`, {
      headers: { accept: 'text/event-stream', origin: 'https://evil.example' },
    });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
  });
});
