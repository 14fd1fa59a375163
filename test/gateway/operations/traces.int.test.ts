import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { watchOperation } from '../../../gateway/operations/operation-watch.ts';
import type { ReadOperation } from '../../../gateway/operations/read-operation.ts';
import { createMetrics, newTraceId, openOperationLog } from '../../../subgraphs/shared/process/telemetry.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../../../ops/bench/otlp-receiver.ts';
import { until } from '../../support/until.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

let receiver: OtlpReceiver;
let graph: TestGraph;
beforeAll(async () => {
  receiver = await startOtlpReceiver();
  graph = await startTestGraph({
    shape: 'over HTTP',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '20' },
  });
});
afterAll(async () => {
  await graph.close();
  await receiver.close();
});

/** The trace once its first span is there, which is sent last. */
const traceOf = async (traceId: string, service = 'gateway'): Promise<readonly ReceivedSpan[]> => {
  await until(() => receiver.of(traceId).some((span) => span.service === service && span.kind === 2 && span.name !== 'operation'), { what: 'the trace' }); // prettier-ignore
  return receiver.of(traceId);
};
const named = (spans: readonly ReceivedSpan[], name: string, service?: string): ReceivedSpan => {
  const found = spans.find((span) => span.name === name && (service === undefined || span.service === service));
  if (!found) throw new Error(`no span ${name} among ${spans.map((span) => `${span.service}: ${span.name}`).join(', ')}`); // prettier-ignore
  return found;
};

test("[GM-8] an operation is one trace with the browser's span above it: plan, each fetch, each subgraph", async () => {
  const traceId = newTraceId();
  const browser = '00f067aa0ba902b7';
  const { body, headers } = await graph.ask(
    'query Shop { order(id: "o1") { number lines(first: 2) { product { name } } payments { amount } } }',
    {},
    { traceparent: `00-${traceId}-${browser}-01` },
  );
  expect(body.errors).toBeUndefined();
  expect(headers.get('x-trace-id')).toBe(traceId);
  const spans = await traceOf(traceId);
  const operation = named(spans, 'query order');
  expect(operation).toMatchObject({ service: 'gateway', kind: 2, parentSpanId: browser, attributes: { 'graphql.operation.name': 'query order', 'graphql.operation.type': 'query', 'viewer.kind': 'anonymous' } }); // prettier-ignore
  expect(named(spans, 'read and plan').parentSpanId).toBe(operation.spanId);
  for (const [subgraph, root] of [['order', 'order'], ['product', '_entities'], ['payment', '_entities']] as const) {
    const fetched = named(spans, `fetch ${subgraph}`);
    expect(fetched).toMatchObject({ service: 'gateway', kind: 3, parentSpanId: operation.spanId });
    const served = named(spans, root, subgraph);
    expect(served).toMatchObject({ kind: 2, parentSpanId: fetched.spanId });
    expect(served.startNs >= fetched.startNs && served.endNs <= fetched.endNs).toBe(true);
  } // prettier-ignore
  // The second time there is nothing to plan.
  const again = await graph.ask(
    'query Shop { order(id: "o1") { number lines(first: 2) { product { name } } payments { amount } } }',
  );
  const spansAgain = await traceOf(String(again.headers.get('x-trace-id')));
  expect(spansAgain.map(({ name }) => name)).not.toContain('read and plan');
  expect(named(spansAgain, 'query order').parentSpanId).toBeUndefined();
});

test('a client that says that it does not sample gets no trace, unless the platform fails', async () => {
  const ask = async (query: string): Promise<string> => {
    const traceId = newTraceId();
    await graph.ask(query, {}, { traceparent: `00-${traceId}-00f067aa0ba902b7-00` });
    return traceId;
  };
  const fine = await ask('{ user(id: "u1") { name } }');
  const refused = await ask('{ nothing }');
  graph.stage.down.add('user');
  const failed = await ask('{ user(id: "u1") { name } }');
  graph.stage.down.clear();
  const spans = await traceOf(failed);
  expect(named(spans, 'query user').failure).toBe('SERVICE_UNAVAILABLE');
  expect(named(spans, 'fetch user').failure).toBe('SERVICE_UNAVAILABLE');
  expect([...receiver.of(fine), ...receiver.of(refused)]).toEqual([]);
});

test('an operation over a socket carries its trace on in its extensions, and gets the trace id where it asks for it', async () => {
  const client = createClient({ url: `ws://127.0.0.1:${graph.port}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 }); // prettier-ignore
  const traceId = newTraceId();
  const answers: unknown[] = [];
  const extensions = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, traceId: true };
  for await (const answer of client.iterate({ query: '{ user(id: "u1") { name } }', extensions })) answers.push(answer);
  await client.dispose();
  expect(answers).toEqual([{ data: { user: { name: expect.any(String) } }, extensions: { traceId } }]);
  expect(named(await traceOf(traceId), 'query user').parentSpanId).toBe('00f067aa0ba902b7');
});

test('over HTTP the trace id is in the extensions where it is asked for, and nowhere else', async () => {
  const ask = async (extensions?: object) => {
    const response = await fetch(`${graph.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: '{ user(id: "u1") { name } }', extensions }) }); // prettier-ignore
    return { id: response.headers.get('x-trace-id'), body: (await response.json()) as { extensions?: object } };
  };
  const asked = await ask({ traceId: true });
  expect(asked.body.extensions).toEqual({ traceId: asked.id });
  expect((await ask()).body).not.toHaveProperty('extensions');
  expect((await ask({ traceId: 'yes' })).body).not.toHaveProperty('extensions');
});

test('a webhook is a trace from the gateway to the payment service', async () => {
  const response = await fetch(`${graph.url}/webhooks/stripe`, { method: 'POST', body: '{}' });
  const spans = await traceOf(String(response.headers.get('x-trace-id')));
  const entrance = named(spans, 'POST /webhooks', 'gateway');
  expect(named(spans, 'POST /webhooks/stripe', 'payment').parentSpanId).toBe(entrance.spanId);
});

test('requests of the gateway to subgraphs are counted by subgraph and code, and operations by who calls', async () => {
  await graph.ask('{ user(id: "u1") { name } }');
  const text = await graph.runtime.metrics.registry.metrics();
  expect(text).toMatch(/gateway_fetch_duration_seconds_count\{subgraph="user",outcome="OK"\} [1-9]/);
  expect(text).toMatch(/gateway_fetch_duration_seconds_count\{subgraph="user",outcome="SERVICE_UNAVAILABLE"\} [1-9]/);
  expect(text).toMatch(/graphql_operation_duration_seconds_count\{service="user",operation="user",code="OK",caller="api"\} [1-9]/); // prettier-ignore
});

test('an operation is one line of the log, with who asked and what came of it', () => {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level: 'info' },
    { write: (line: string) => void lines.push(JSON.parse(line) as object as never) },
  );
  const watch = (level: 'info' | 'debug' | 'silent') =>
    watchOperation({ metrics: createMetrics(), operationLog: openOperationLog(log, level) }, undefined);
  const asked = {
    read: { label: 'placeOrder', operation: { operation: 'mutation', name: { value: 'Checkout' } } },
    caller: { viewer: { kind: 'user', userId: 'u1', roles: [], sessionId: 's1' } },
  } as unknown as ReadOperation;
  const said = watch('info');
  const error = (code: string) => ({ extensions: { code } });
  said.done({ asked, errors: [error('BAD_USER_INPUT'), error('NOT_FOUND'), error('NOT_FOUND')] });
  said.done({ asked });
  watch('info').done({ errors: [error('UNAUTHENTICATED')] });
  watch('debug').done({ asked });
  watch('silent').done({ asked });
  expect(lines).toMatchObject([
    { level: 30, msg: 'operation', operation: 'placeOrder', name: 'Checkout', viewer: 'user', userId: 'u1', durationMs: expect.any(Number), codes: ['BAD_USER_INPUT', 'NOT_FOUND'], traceId: said.traceId },
    { operation: 'refused', codes: ['UNAUTHENTICATED'] },
  ]); // prettier-ignore
  expect(JSON.stringify(lines)).not.toContain('s1');
});
