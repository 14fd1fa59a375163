import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parse } from 'graphql';
import { anonymous } from '../../../../subgraphs/shared/auth/viewer.ts';
import { deadlineIn, remainingMs } from '../../../../subgraphs/shared/time/deadline.ts';
import { deadlineExceeded } from '../../../../subgraphs/shared/errors/errors.ts';
import { httpLink } from '../../../../subgraphs/shared/calls/http-link.ts';
import { type ServiceCall, withinDeadline } from '../../../../subgraphs/shared/calls/link.ts';
import { scalars } from '../../../../subgraphs/shared/values/scalars.ts';
import { keepAliveTimeoutMs, serveSubgraph } from '../../../../subgraphs/shared/engine/serve-subgraph.ts';
import { type Subgraph, createEngine } from '../../../../subgraphs/shared/engine/subgraph.ts';
import type { CallContext } from '../../../../subgraphs/shared/engine/prepare.ts';
import { createLogger, createMetrics } from '../../../../subgraphs/shared/process/telemetry.ts';
import { until } from '../../../support/until.ts';

const log = createLogger('test', 'silent');
const metrics = createMetrics();
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A subgraph whose fields tell what they get. */
function openEngine() {
  const seen = { calls: [] as ServiceCall[], contexts: [] as CallContext[] };
  const call = async <Data>(_: string, made: ServiceCall) => {
    seen.calls.push(made);
    return null as Data;
  };
  const engine = createEngine<CallContext & { deps: { call: typeof call } }>({
    name: 'product',
    typeDefs: parse('type Query { left: Float hang: Int ask: Int }'),
    resolvers: {
      Query: {
        left: (_: unknown, __: unknown, context: CallContext) => {
          seen.contexts.push(context);
          return remainingMs(context.deadline ?? Infinity);
        },
        hang: () => new Promise(() => undefined),
        ask: (_: unknown, __: unknown, { deps }: { deps: { call: typeof call } }) =>
          deps.call('order', { query: '{ a }', traceId: 't' }),
      },
    },
    authenticate: async () => ({ viewer: anonymous, app: 'gateway' }),
    context: (made) => ({ ...made, deps: withinDeadline({ call }, made.deadline) }),
    log,
    metrics,
  });
  return { engine, seen };
}

async function overHttp(parts: Partial<Subgraph> = {}) {
  const { engine, seen } = openEngine();
  const subgraph = { ...engine, ...parts, ready: async () => undefined, startWorker: async () => undefined, close: async () => undefined }; // prettier-ignore
  const served = await serveSubgraph(subgraph, { port: 0, host: '127.0.0.1', log });
  const link = httpLink('product', `http://127.0.0.1:${served.port}`);
  closing.push(
    () => served.close(),
    () => link.close(),
  );
  return { engine: link, seen, port: served.port };
}

test('a subgraph says over HTTP how long it keeps a connection', async () => {
  const { port } = await overHttp();
  const { headers } = await fetch(`http://127.0.0.1:${port}/health/live`);
  expect(headers.get('keep-alive')).toBe(`timeout=${keepAliveTimeoutMs / 1_000}`);
});

test.each([
  ['what it needs is away', Object.assign(new Error('lost'), { code: 'ECONNRESET' }), 503, 'SERVICE_UNAVAILABLE', '1'],
  ['it did not answer in time', deadlineExceeded('late'), 503, 'SERVICE_UNAVAILABLE', '1'],
  ['it has a fault', new Error('fault'), 500, 'INTERNAL_SERVER_ERROR', null],
])('a plain request, as a webhook, is told when %s', async (_, error, status, code, retryAfter) => {
  const { port } = await overHttp({ raw: () => Promise.reject(error) });
  const response = await fetch(`http://127.0.0.1:${port}/webhooks/some`, { method: 'POST', body: '{}' });
  expect([response.status, await response.json()]).toEqual([status, { code }]);
  expect(response.headers.get('retry-after')).toBe(retryAfter);
});

test('a subgraph begins the next request of a connection when it has answered the one before', async () => {
  const { port, seen } = await overHttp();
  const client = connect(port, '127.0.0.1');
  closing.push(async () => void client.destroy());
  for (const query of ['{ hang }', '{ left }']) {
    const body = JSON.stringify({ query });
    client.write(`POST /graphql HTTP/1.1\r\nhost: x\r\nx-timeout-ms: 400\r\naccept: application/json\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`); // prettier-ignore
  }
  await sleep(200);
  expect(seen.contexts).toHaveLength(0);
  await until(() => seen.contexts.length === 1);
});

describe.each([
  ['in process', async () => openEngine()],
  ['over HTTP', overHttp],
] as const)('the time that a request has, %s', (_, open) => {
  test('is known to the resolvers', async () => {
    const { engine } = await open();
    const { data } = await engine.execute({ query: '{ left }', headers: {}, deadline: deadlineIn(2_000) });
    expect(data?.['left']).toBeGreaterThan(1_000);
    expect(data?.['left']).toBeLessThanOrEqual(2_000);
  });

  test('is passed on to other services', async () => {
    const { engine, seen } = await open();
    await engine.execute({ query: '{ ask }', headers: {}, deadline: deadlineIn(2_000) });
    expect(seen.calls).toHaveLength(1);
    expect(remainingMs(seen.calls[0]?.deadline ?? Infinity)).toBeLessThanOrEqual(2_000);
  });

  test('ends with a code of its own, whatever hangs', async () => {
    const { engine } = await open();
    const started = performance.now();
    const error = await engine.execute({ query: '{ hang }', headers: {}, deadline: deadlineIn(300) }).then(
      ({ errors }) => errors?.[0],
      (thrown: { extensions: { code: string } }) => thrown,
    );
    expect(error?.extensions['code']).toBe('DEADLINE_EXCEEDED');
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  test('is ten seconds for who sets none', async () => {
    const { engine } = await open();
    const { data } = await engine.execute({ query: '{ left }', headers: {} });
    expect(data?.['left']).toBeGreaterThan(8_000);
    expect(data?.['left']).toBeLessThanOrEqual(10_000);
  });
});

test.each(['0', '00'])('work whose time is up (%s ms) is refused before anything is done', async (timeout) => {
  const { engine, seen } = openEngine();
  const { data, errors } = await engine.execute({ query: '{ left }', headers: { 'x-timeout-ms': timeout } });
  expect(data).toBeUndefined();
  expect(errors?.[0]).toMatchObject({ message: 'The product service did not answer in time.', extensions: { code: 'DEADLINE_EXCEEDED' } }); // prettier-ignore
  expect(seen.contexts).toHaveLength(0);
});

test.each(['soon', '-5', '1e9', '', '99999999999'])('a time that is no number (%s) is none', async (timeout) => {
  const { engine } = openEngine();
  const { data } = await engine.execute({ query: '{ left }', headers: { 'x-timeout-ms': timeout } });
  expect(data?.['left']).toBeGreaterThan(8_000);
});

test('a minute is the most that a caller can ask for', async () => {
  const { engine } = openEngine();
  const { data } = await engine.execute({ query: '{ left }', headers: { 'x-timeout-ms': '99999999' } });
  expect(data?.['left']).toBeLessThanOrEqual(60_000);
});

test("a JSON value that a resolver keeps is not the caller's to change, and arrives as it would over HTTP", async () => {
  const kept = { at: new Date(0), list: [{ a: 1 }] };
  const engine = createEngine<CallContext>({
    name: 'product',
    typeDefs: parse('scalar JSON type Query { kept: JSON }'),
    resolvers: { ...scalars, Query: { kept: () => kept } },
    authenticate: async () => ({ viewer: anonymous, app: 'gateway' }),
    context: (call) => call,
    log,
    metrics,
  });
  const { data } = (await engine.execute({ query: '{ kept }', headers: {} })) as { data: { kept: { list: object[] } } };
  expect(data).toEqual({ kept: { at: '1970-01-01T00:00:00.000Z', list: [{ a: 1 }] } });
  data.kept.list.push({ b: 2 });
  expect(kept).toEqual({ at: new Date(0), list: [{ a: 1 }] });
});
