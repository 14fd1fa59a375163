import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Client, createClient } from 'graphql-sse';
import { type TestGraph, startTestGraph } from './test-graph.ts';

// What a test looks at has no type of its own.
// eslint-disable-next-line typescript/no-explicit-any
type Result = { data?: any; errors?: any[] };

const eventually = async (holds: () => boolean, withinMs = 5_000): Promise<void> => {
  const deadline = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

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
