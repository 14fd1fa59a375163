import { request as rawRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { auditServer } from 'graphql-http';
import { getIntrospectionQuery } from 'graphql';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ shape: 'over HTTP' });
});
afterAll(() => graph.close());

const post = async (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) => {
  const response = await fetch(`${graph.url}/graphql`, { method: 'POST', headers, body });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as {
      errors?: { message: string; extensions: { code: string; traceId: string } }[];
      data?: unknown;
    },
  };
};

describe('GraphQL over HTTP', () => {
  test('the audits of graphql-http pass', async () => {
    const results = await auditServer({ url: `${graph.url}/graphql` });
    const failed = await Promise.all(results.filter((result) => result.status !== 'ok').map(async (result) => `${result.status} ${result.id} ${result.name}: ${'reason' in result ? result.reason : ''}`)); // prettier-ignore
    // Bad syntax, invalid documents and variables are 400 for every media type, as with Apollo Server: three SHOULDs for
    // plain application/json would have it 200.
    expect(failed.map((line) => line.slice(0, 9))).toEqual(['warn 572B', 'warn FDE2', 'warn 7B9B']);
  });

  test('an answer carries the trace id of the request', async () => {
    const { headers } = await graph.ask(
      '{ viewer { kind } }',
      {},
      { traceparent: '00-11111111111111111111111111111111-2222222222222222-01' },
    );
    expect(headers.get('x-trace-id')).toBe('11111111111111111111111111111111');
  });

  test('broken JSON is a 400 with a code', async () => {
    const { status, body } = await post('{"query": ');
    expect(status).toBe(400);
    expect(body.errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
    expect(body.errors?.[0]?.extensions.traceId).toMatch(/^[0-9a-f]{32}$/);
  });

  test('a body above 100 KiB is a 413 with a code', async () => {
    const { status, body } = await post(
      JSON.stringify({ query: '{ __typename }', variables: { x: 'x'.repeat(100 * 1024) } }),
    );
    expect(status).toBe(413);
    expect(body.errors?.[0]?.extensions.code).toBe('PAYLOAD_TOO_LARGE');
  });

  test('a batch of operations is refused', async () => {
    const { status, body } = await post(JSON.stringify([{ query: '{ __typename }' }, { query: '{ __typename }' }]));
    expect(status).toBe(400);
    expect(body.errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'a form of another site (%s) is refused',
    async (type) => {
      const { status } = await post('{"query":"{ viewer { kind } }"}', { 'content-type': type });
      expect([400, 415]).toContain(status);
    },
  );

  test("a GET on another site's behalf is refused, a plain one and our own pages' are not", async () => {
    const get = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        rawRequest(
          `${graph.url}/graphql?query=${encodeURIComponent('{ viewer { kind } }')}`,
          { headers },
          (response) => {
            response.resume();
            resolve(response.statusCode);
          },
        )
          .on('error', reject)
          .end();
      });
    expect(await get({ 'sec-fetch-site': 'cross-site' })).toBe(400);
    expect(await get({ origin: 'https://evil.example' })).toBe(400);
    expect(await get({})).toBe(200);
    expect(await get({ 'sec-fetch-site': 'same-origin' })).toBe(200);
  });

  test('a mutation by GET is refused', async () => {
    const response = await fetch(`${graph.url}/graphql?query=${encodeURIComponent('mutation { slowly(ms: 1) }')}`, {
      headers: { 'apollo-require-preflight': '1' },
    });
    expect(response.status).toBe(405);
  });

  test('a subscription over HTTP is an error with a code, not a crash', async () => {
    const { status, body } = await graph.ask('subscription { changes(orderId: "o1") { seq } }');
    expect(status).toBe(400);
    expect(body.errors?.[0].extensions.code).toBe('BAD_REQUEST');
  });

  test('allowed origins get CORS headers, others none', async () => {
    const preflight = (origin: string) =>
      fetch(`${graph.url}/graphql`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
      });
    const own = await preflight('http://localhost:4000');
    expect(own.status).toBe(204);
    expect(own.headers.get('access-control-allow-origin')).toBe('http://localhost:4000');
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
  });

  test("GraphiQL's introspection query works", async () => {
    const { status, body } = await graph.ask(
      getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true }),
    );
    expect(body.errors).toBeUndefined();
    expect(status).toBe(200);
  });

  test('answers of the API get the security headers that concern JSON, by whichever front they go', async () => {
    for (const query of ['{ __typename }', '{ nothing }']) {
      const { headers } = await fetch(`${graph.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      });
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBeNull();
    }
  });

  const named = (extensions: unknown): string => `?extensions=${encodeURIComponent(JSON.stringify(extensions))}`;
  test.each<[string, string, string, RequestInit]>([
    ['an id that nobody knows', '404', '', { method: 'POST', body: '{"documentId":"__proto__"}' }],
    ['an id that nobody knows, by GET', '404', '?documentId=__proto__', {}],
    ['a malformed hash', '400', '', { method: 'POST', body: '{"extensions":{"persistedQuery":{"version":1}}}' }],
    ['a malformed hash, by GET', '400', named({ persistedQuery: true }), {}],
    ['a document that breaks a limit', '400', '?query={a:__schema{a}b:__schema{a}}', {}],
    ['no GraphQL', '400', '', { method: 'POST', body: '{"query":"{"}' }],
    ['no JSON', '400', '', { method: 'POST', body: '{"query' }],
    ['too much', '413', '', { method: 'POST', body: 'x'.repeat(200_000) }],
    ['a method that is none', '405', '', { method: 'PUT', body: '{}' }],
    ['a token that is none', '401', '?query={__typename}', { headers: { authorization: 'Bearer x' } }],
    ['a stream without its media type', '406', '/stream', {}],
  ])('a refusal is not to be stored: %s', async (_, status, path, init) => {
    const headers = { 'content-type': 'application/json', ...(init.headers as Record<string, string>) };
    const response = await fetch(`${graph.url}/graphql${path}`, { ...init, headers });
    expect([String(response.status), response.headers.get('cache-control')]).toEqual([status, 'no-store']);
  });

  test('pages get security headers and an unknown path is a JSON 404', async () => {
    const response = await fetch(`${graph.url}/nowhere`);
    expect(response.status).toBe(404);
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
  });

  test('a path that is no URL text is a 400 and not a stack trace', async () => {
    const response = await fetch(`${graph.url}/webhooks/%E0%A4%A`, { method: 'POST' });
    expect(response.status).toBe(400);
    expect(await response.text()).not.toContain('at ');
  });

  test('health says live, ready and not ready, and metrics count operations by root field', async () => {
    expect((await fetch(`${graph.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${graph.url}/health/ready`)).status).toBe(200);
    graph.stage.down.add('product');
    expect((await fetch(`${graph.url}/health/ready`)).status).toBe(503);
    graph.stage.down.delete('product');
    await graph.ask('query AnyName { viewer { kind } }');
    const metrics = await graph.runtime.metrics.registry.metrics();
    expect(metrics).toMatch(
      /graphql_operation_duration_seconds_count\{service="gateway",operation="query viewer",code="OK",caller="api"\} \d+/,
    );
    expect(metrics).not.toContain('service="gateway",operation="AnyName');
  });

  test('webhooks are passed on byte by byte, without headers that only services may show', async () => {
    const body = Buffer.from('{"a": 1,\r\n  "b":"\u00e9"}', 'latin1');
    const response = await fetch(`${graph.url}/webhooks/simulated`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'stripe-signature': 't=1',
        'x-service-token': 'stolen',
        'x-identity': 'forged',
      },
    });
    expect(await response.json()).toEqual({ provider: 'simulated' });
    expect(graph.stage.webhook?.body).toBe(body.toString('latin1'));
    expect(graph.stage.webhook?.headers).toMatchObject({ 'stripe-signature': 't=1' });
    expect(graph.stage.webhook?.headers).not.toHaveProperty('x-service-token');
    expect(graph.stage.webhook?.headers).not.toHaveProperty('x-identity');
    const form = 'sign=a%2Bb%3D&subject=%E8%AE%A2%E5%8D%95&empty=';
    const told = await fetch(`${graph.url}/webhooks/alipay`, {
      method: 'POST',
      body: form,
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    });
    expect(graph.stage.webhook?.body).toBe(form);
    expect(told.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await told.text()).toBe('success');
    const tooLarge = await fetch(`${graph.url}/webhooks/simulated`, {
      method: 'POST',
      body: 'x'.repeat(64 * 1024 + 1),
    });
    expect(tooLarge.status).toBe(413);
  });
});

describe('a request that does not arrive', () => {
  /** Sends this and no more; gives the status line of the answer and when it came. */
  const trickle = (port: number, text: string) =>
    new Promise<{ status: string; afterMs: number }>((resolve, reject) => {
      const started = performance.now();
      let answer = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      socket.on('data', (data) => (answer += data.toString()));
      socket.on('close', () =>
        resolve({ status: String(answer.split('\r\n')[0]), afterMs: performance.now() - started }),
      );
      socket.on('error', reject);
    });

  test("is given up: after 10 s without its headers, after 30 s without its body; the gateway's and a subgraph's", async () => {
    const ports = [graph.port, ...graph.subgraphPorts.slice(0, 1)];
    const head = 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
    const [headless, bodiless] = await Promise.all([
      Promise.all(ports.map((port) => trickle(port, head))),
      Promise.all(ports.map((port) => trickle(port, `${head}content-length: 20\r\n\r\n{`))),
    ]);
    expect([...headless, ...bodiless].map(({ status }) => status)).toEqual(
      Array.from({ length: 4 }, () => 'HTTP/1.1 408 Request Timeout'),
    );
    for (const { afterMs } of headless) expect(Math.abs(afterMs - 12_000)).toBeLessThan(3_000);
    for (const { afterMs } of bodiless) expect(Math.abs(afterMs - 32_000)).toBeLessThan(3_000);
  }, 60_000);
});
