import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { until } from '../../support/until.ts';
import { type BareSocketOptions, openBareSocket } from './bare-socket.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

// What a test looks at has no type of its own.
// eslint-disable-next-line typescript/no-explicit-any
type Result = { data?: any; errors?: any[] };

const eventually = (holds: () => boolean, timeoutMs = 2_000) =>
  until(holds, { timeoutMs, everyMs: 5, what: holds.toString() });

describe.each(['in process', 'over HTTP'] as const)('a federated subscription, subgraphs %s', (shape) => {
  let graph: TestGraph;
  const clients: Client[] = [];
  beforeAll(async () => {
    graph = await startTestGraph({ shape });
  });
  afterEach(async () => {
    graph.stage.down.clear();
    for (const client of clients.splice(0)) await client.dispose();
    await eventually(() => graph.stage.open === 0);
  });
  afterAll(() => graph.close());

  const connect = (authorization?: string): Client => {
    const client = createClient({
      url: `ws://127.0.0.1:${graph.port}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      ...(authorization !== undefined && { connectionParams: { authorization } }),
    });
    clients.push(client);
    return client;
  };
  const follow = (query: string, variables: Record<string, unknown> = {}, client = connect()) => {
    const results: Result[] = [];
    let ended: 'complete' | { error: unknown } | undefined;
    const stop = client.subscribe(
      { query, variables },
      {
        next: (result) => results.push(result as Result),
        error: (error) => (ended = { error }),
        complete: () => (ended = 'complete'),
      },
    );
    return { results, stop, ended: () => ended };
  };
  /** Waits for `open` upstream subscriptions, then emits. */
  const emit = async (change: object | Error, open = 1, orderId = 'o1') => {
    await eventually(() => graph.stage.open === open);
    graph.stage.changes.emit(orderId, change instanceof Error ? change : { orderId, ...change });
  };

  test('completes each event with the fields of other subgraphs', async () => {
    const { results } = follow(
      'subscription ($id: ID!) { changes(orderId: $id) { seq order { number label customer { name } payments { amount payer { name } } } product { name seller { name } } } }',
      { id: 'o1' },
    );
    await emit({ seq: 1, product: { id: 'p1' } });
    await emit({ seq: 2, product: null });
    await eventually(() => results.length === 2);
    const order = {
      number: 'No1',
      label: 'order No1',
      customer: { name: 'User u1' },
      payments: [{ amount: 500, payer: { name: 'User u2' } }],
    };
    expect(results).toEqual([
      { data: { changes: { seq: 1, order, product: { name: 'Product p1', seller: { name: 'User u1' } } } } },
      { data: { changes: { seq: 2, order, product: null } } },
    ]);
  });

  test('shapes events by aliases, fragments, conditions and abstract types as in queries', async () => {
    const { results } = follow(
      `subscription Watch($id: ID!, $yes: Boolean!, $no: Boolean!) {
        news: changes(orderId: $id) {
          __typename
          n: seq
          product @include(if: $no) { name }
          order { ...Order again: number @skip(if: $no) customer @skip(if: $yes) { name } }
          note { __typename text ... on ProductNote { product { title: name } } }
        }
      }
      fragment Order on Order { number payments @include(if: $yes) { amount } }`,
      { id: 'o1', yes: true, no: false },
    );
    await emit({
      seq: 7,
      product: { id: 'p1' },
      note: { __typename: 'ProductNote', text: 't', product: { id: 'p4' } },
    });
    await emit({ seq: 8, note: { __typename: 'PlainNote', text: 'u' } });
    await eventually(() => results.length === 2);
    const order = { number: 'No1', again: 'No1', payments: [{ amount: 500 }] };
    expect(results).toEqual([
      {
        data: {
          news: {
            __typename: 'Change',
            n: 7,
            order,
            note: { __typename: 'ProductNote', text: 't', product: { title: 'Product p4' } },
          },
        },
      },
      { data: { news: { __typename: 'Change', n: 8, order, note: { __typename: 'PlainNote', text: 'u' } } } },
    ]);
  });

  test('an error in one event carries its path, and the next event is whole again', async () => {
    const { results } = follow(
      'subscription { change(orderId: "o1") { seq product { name broken } required { name } } }',
    );
    await emit({ seq: 1, product: { id: 'p1' }, required: { id: 'bad' } });
    await emit({ seq: 2, product: null, required: { id: 'p2' } });
    await eventually(() => results.length === 2);
    // A required product that can not be read takes the change along.
    expect(results[0]?.data).toEqual({ change: null });
    expect(results[0]?.errors?.map((error) => [error.path.join('.'), error.extensions.code]).toSorted()).toEqual([
      ['change.product.broken', 'BAD_USER_INPUT'],
      ['change.required.name', 'BAD_USER_INPUT'],
    ]);
    expect(results[1]).toEqual({ data: { change: { seq: 2, product: null, required: { name: 'Product p2' } } } });
  });

  test('a subgraph that is away for one event costs its fields only', async () => {
    const { results } = follow('subscription { changes(orderId: "o1") { seq product { name } } }');
    await eventually(() => graph.stage.open === 1);
    graph.stage.down.add('product');
    await emit({ seq: 1, product: { id: 'p1' } });
    await eventually(() => results.length === 1);
    graph.stage.down.clear();
    await emit({ seq: 2, product: { id: 'p1' } });
    await eventually(() => results.length === 2);
    expect(results[0]).toMatchObject({
      data: { changes: { seq: 1, product: null } },
      errors: [{ path: ['changes', 'product', 'name'], extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
    expect(results[1]).toEqual({ data: { changes: { seq: 2, product: { name: 'Product p1' } } } });
  });

  test('a refusal of the owner is the only result', async () => {
    const { results, ended } = follow('subscription { changes(orderId: "foreign") { seq } }');
    await eventually(() => ended() === 'complete');
    expect(results).toEqual([
      {
        errors: [
          expect.objectContaining({
            message: 'No such order.',
            extensions: expect.objectContaining({ code: 'NOT_FOUND' }),
          }),
        ],
      },
    ]);
  });

  test("the client's end closes the owner's stream at once, also between events", async () => {
    const { stop, results } = follow('subscription { changes(orderId: "o1") { seq } }');
    await emit({ seq: 1 });
    await eventually(() => results.length === 1);
    stop();
    await eventually(() => graph.stage.open === 0, 500);
    expect(graph.stage.changes.listenerCount('o1')).toBe(0);
  });

  test('a socket that is cut off closes all its streams', async () => {
    const client = connect();
    follow('subscription { changes(orderId: "o1") { seq } }', {}, client);
    follow('subscription { changes(orderId: "o1") { seq order { payments { amount } } } }', {}, client);
    await eventually(() => graph.stage.open === 2);
    client.terminate();
    await eventually(() => graph.stage.open === 0, 500);
  });

  test('a stream that breaks at the owner ends with an error that shows nothing', async () => {
    const { ended, results } = follow('subscription { changes(orderId: "o1") { seq } }');
    await emit({ seq: 1 });
    await eventually(() => results.length === 1);
    await emit(new Error('secret: hunter2'));
    await eventually(() => ended() !== undefined);
    const { error } = ended() as { error: { message: string; extensions: { code: string } }[] };
    expect(JSON.stringify(error)).not.toContain('hunter2');
    expect(error[0]?.extensions.code).toBe('INTERNAL_SERVER_ERROR');
    await eventually(() => graph.stage.open === 0);
  });

  test('queries and mutations run over the same socket', async () => {
    const client = connect(`Bearer ${await graph.token({ sub: 'u9' })}`);
    const query = await client
      .iterate({ query: '{ viewer { kind id } product(id: "p1") { seller { name } } }' })
      .next();
    expect(query.value).toEqual({
      data: { viewer: { kind: 'user', id: 'u9' }, product: { seller: { name: 'User u1' } } },
    });
    const mutation = await client
      .iterate({ query: 'mutation ($n: String!) { rename(id: "u1", name: $n) { name } }', variables: { n: 'New' } })
      .next();
    expect(mutation.value).toEqual({ data: { rename: { name: 'New' } } });
  });

  test.each([
    ['{ me', 'GRAPHQL_PARSE_FAILED'],
    ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['subscription ($x: Boolean!) { changes(orderId: "o1") @include(if: $x) { seq } }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      'subscription { a: changes(orderId: "o1") { seq } b: changes(orderId: "o1") { seq } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['subscription ($id: ID!) { changes(orderId: $id) { seq } }', 'BAD_USER_INPUT'],
    ['{ users(first: 100000) { id } }', 'TOO_COSTLY'],
    [`{ ${Array.from({ length: 16 }, (_, index) => `a${index}: __typename`).join(' ')} }`, 'TOO_MANY_ALIASES'],
    ['query ($n: Int!) { users(first: $n) { id } }', 'BAD_USER_INPUT'],
  ])('%.40s is refused as %s with a trace id, and the socket goes on', async (query, code) => {
    const client = connect();
    const { results, ended } = follow(query, {}, client);
    await eventually(() => ended() !== undefined);
    const end = ended();
    const errors = end === 'complete' ? results[0]?.errors : (end as { error: Result['errors'] }).error;
    expect(errors?.[0].extensions).toEqual({ code, traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    const { value } = await client.iterate({ query: '{ viewer { kind } }' }).next();
    expect(value).toEqual({ data: { viewer: { kind: 'anonymous' } } });
  });
});

describe('a socket', () => {
  let graph: TestGraph;
  beforeAll(async () => {
    graph = await startTestGraph({
      shape: 'in process',
      env: {
        ALLOWED_ORIGINS: 'https://shop.example',
        ANONYMOUS_SOCKETS_PER_ADDRESS: '12',
        TRUSTED_PROXY_HOPS: '1',
      },
    });
  });
  afterAll(() => graph.close());

  const open = (options: BareSocketOptions = {}) => openBareSocket(graph.port, options);
  const watch = { type: 'subscribe', payload: { query: 'subscription { changes(orderId: "o1") { seq } }' } };

  test('is closed with 4403 for a token that is not good', async () => {
    expect(await (await open({ authorization: 'Bearer nonsense' })).closed).toBe(4403);
    expect(await (await open({ authorization: 42 })).closed).toBe(4403);
    expect(
      await (
        await open({ authorization: `Bearer ${await graph.token({}, { lifetimeSeconds: -60 })}` })
      ).closed,
    ).toBe(4403);
  });

  test('is closed with 4403 when its token ends', async () => {
    const { closed, send, received } = await open({
      authorization: `Bearer ${await graph.token({ sub: 'short' }, { lifetimeSeconds: 3 })}`,
    });
    send({ id: '1', ...watch });
    expect(received[0]?.type).toBe('connection_ack');
    expect(await closed).toBe(4403);
    await eventually(() => graph.stage.open === 0);
  });

  test('is closed with 4403 when its session is revoked, and others stay', async () => {
    const revoked = await open({ authorization: `Bearer ${await graph.token({ sub: 'a', sid: 'sid-a' })}` });
    const other = await open({ authorization: `Bearer ${await graph.token({ sub: 'a', sid: 'sid-b' })}` });
    revoked.send({ id: '1', ...watch });
    await eventually(() => graph.stage.open === 1);
    graph.runtime.live.publish('auth-revoked', 'sid-a');
    expect(await revoked.closed).toBe(4403);
    await eventually(() => graph.stage.open === 0);
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
    other.socket.close();
  });

  test('counts for its address before it says who it is: too many are refused with 429, until one has', async () => {
    const opened: WebSocket[] = [];
    const upgrade = async (address: string): Promise<WebSocket> => {
      const headers = { 'x-forwarded-for': address };
      const socket = new WebSocket(`ws://127.0.0.1:${graph.port}/graphql`, 'graphql-transport-ws', { headers });
      opened.push(socket.on('error', () => undefined));
      await once(socket, 'open');
      return socket;
    };
    try {
      const [first] = await Promise.all(Array.from({ length: 12 }, () => upgrade('10.1.1.1')));
      await expect(upgrade('10.1.1.1')).rejects.toThrow('429');
      await upgrade('10.1.1.2');
      first?.send(JSON.stringify({ type: 'connection_init' }));
      await once(first as WebSocket, 'message');
      await upgrade('10.1.1.1');
    } finally {
      for (const socket of opened) socket.terminate();
    }
  });

  test('is the sixth of a user: refused with 4429; one that went makes room', async () => {
    const authorization = `Bearer ${await graph.token({ sub: 'many' })}`;
    const sockets = [];
    for (let nth = 0; nth < 5; nth += 1) sockets.push(await open({ authorization }));
    expect(await (await open({ authorization })).closed).toBe(4429);
    sockets[0]?.socket.close();
    await sockets[0]?.closed;
    await new Promise((resolve) => setTimeout(resolve, 50));
    const next = await open({ authorization });
    expect(next.received[0]?.type).toBe('connection_ack');
    for (const { socket } of [...sockets, next]) socket.close();
  });

  test('of nobody is refused with 4429 when its address has many; users, other addresses and later ones are not', async () => {
    const address = '203.0.113.7';
    const sockets = await Promise.all(Array.from({ length: 12 }, () => open({ address })));
    expect(await (await open({ address })).closed).toBe(4429);
    sockets.push(
      await open({ address: '203.0.113.8' }),
      await open({ address, authorization: `Bearer ${await graph.token({ sub: 'neighbour' })}` }),
    );
    sockets[0]?.socket.close();
    await sockets[0]?.closed;
    await new Promise((resolve) => setTimeout(resolve, 50));
    sockets.push(await open({ address }));
    expect(sockets.map(({ received }) => received[0]?.type)).toEqual(sockets.map(() => 'connection_ack'));
    for (const { socket } of sockets) socket.close();
  });

  test.each([
    ['of a user', 100],
    ['of nobody', 20],
  ])('%s may have %i subscriptions; the next is refused, the others go on', async (whose, most) => {
    const { send, received, socket } = await open(
      whose === 'of a user' ? { authorization: `Bearer ${await graph.token({ sub: 'watcher' })}` } : {},
    );
    for (let nth = 1; nth <= most + 1; nth += 1) send({ id: `${nth}`, ...watch });
    await eventually(() => received.some((message) => message.type === 'error'));
    expect(received.at(-1)).toMatchObject({
      id: `${most + 1}`,
      type: 'error',
      payload: [{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }],
    });
    await eventually(() => graph.stage.open === most);
    socket.close();
    await eventually(() => graph.stage.open === 0);
  });

  test('of another origin is not opened; of our own, of a listed one and of no browser it is', async () => {
    expect((await open({ origin: 'https://evil.example' })).opened).toBe(false);
    expect((await open({ origin: 'http://localhost:9999' })).opened).toBe(false);
    for (const origin of [
      'http://localhost:4000',
      'http://127.0.0.1:4000',
      `http://localhost:${graph.port}`,
      'https://shop.example',
      undefined,
    ]) {
      const { opened, socket } = await open(origin === undefined ? {} : { origin });
      expect([origin, opened]).toEqual([origin, true]);
      socket.close();
    }
  });

  test('that breaks the protocol is closed with the right code', async () => {
    const bad = await open({ init: false });
    bad.send('no JSON');
    expect(await bad.closed).toBe(4400);
    const early = await open({ init: false });
    early.send({ id: '1', ...watch });
    expect(await early.closed).toBe(4401);
    const twice = await open();
    twice.send({ type: 'connection_init' });
    expect(await twice.closed).toBe(4429);
    const doubled = await open();
    doubled.send({ id: '1', ...watch });
    doubled.send({ id: '1', ...watch });
    expect(await doubled.closed).toBe(4409);
    const large = await open();
    large.send({ id: '1', type: 'subscribe', payload: { query: 'x'.repeat(64 * 1024) } });
    expect(await large.closed).toBe(1009);
    const flood = await open();
    for (let nth = 0; nth < 600; nth += 1) flood.send({ type: 'ping' });
    expect(await flood.closed).toBe(4429);
    const silent = await open({ init: false });
    expect(await silent.closed).toBe(4408);
    await eventually(() => graph.stage.open === 0);
  });

  test('of another subprotocol or path is not served', async () => {
    expect((await open({ protocol: 'graphql-ws' })).received).toEqual([]);
    const other = new WebSocket(`ws://127.0.0.1:${graph.port}/elsewhere`, 'graphql-transport-ws');
    expect(await new Promise((resolve) => other.on('error', (error) => resolve(error.message)))).toContain('404');
  });
});

describe('an upgrade that is refused', () => {
  test.each([
    ['404', '/elsewhere', ''],
    ['403', '/graphql', 'origin: https://foreign.example\r\n'],
  ])('with %s ends its connection, also where the client keeps its own end open', async (status, path, header) => {
    const graph = await startTestGraph({ shape: 'in process' });
    try {
      const socket = connect({ port: graph.port, host: '127.0.0.1', allowHalfOpen: true });
      let answer = '';
      socket.setEncoding('latin1').on('data', (part: string) => (answer += part)).on('error', () => undefined); // prettier-ignore
      socket.write(
        `GET ${path} HTTP/1.1\r\nhost: gateway\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${header}\r\n`,
      );
      await once(socket, 'end');
      expect(answer).toContain(` ${status} `);
      // What is sent to a connection that is gone is answered with a reset.
      await until(() => socket.destroyed || (socket.write('x'), false), { timeoutMs: 5_000, what: 'the reset' });
    } finally {
      await graph.close();
    }
  });
});

test.each(['h2c', 'TLS/1.2'])('an offer to go over to %s is left alone, and the request answered', async (upgrade) => {
  const graph = await startTestGraph({ shape: 'in process' });
  try {
    const body = '{"query":"{ __typename }"}';
    const request = httpRequest(`${graph.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        connection: 'Upgrade, HTTP2-Settings',
        upgrade,
        'http2-settings': '',
      },
    });
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    request.end(body);
    const [response] = await answered;
    expect([response.statusCode, JSON.parse(await text(response))]).toEqual([200, { data: { __typename: 'Query' } }]);
  } finally {
    await graph.close();
  }
});

describe('a gateway that closes', () => {
  test('lets running requests end, tells sockets to come back, is not ready and takes nothing new', async () => {
    const graph = await startTestGraph({ shape: 'in process', env: { DRAIN_DELAY_MS: '1500' } });
    const running = graph.ask('mutation { slowly(ms: 2500) }');
    const client = createClient({
      url: `ws://127.0.0.1:${graph.port}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      lazy: true,
    });
    const overSocket = client.iterate({ query: 'mutation { slowly(ms: 2500) }' }).next();
    const closed = new Promise<number>((resolve) =>
      client.on('closed', (event) => resolve((event as { code: number }).code)),
    );
    const stream = client
      .iterate({ query: 'subscription { changes(orderId: "o1") { seq } }' })
      .next()
      .catch((error: { code: number }) => error.code);
    await eventually(() => graph.stage.open === 1);
    const closing = graph.gateway.close();
    expect((await fetch(`${graph.url}/health/ready`)).status).toBe(503);
    expect((await running).body).toEqual({ data: { slowly: true } });
    expect((await overSocket).value).toEqual({ data: { slowly: true } });
    expect(await closed).toBe(1012);
    expect(await stream).toBe(1012);
    await closing;
    expect(graph.stage.open).toBe(0);
    await expect(fetch(`${graph.url}/health/live`)).rejects.toThrow('fetch failed');
    await graph.runtime.close();
  });
});
