import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { ConfigError, type Env } from '../../../../subgraphs/shared/process/env.ts';
import { openRedis } from '../../../../subgraphs/shared/process/redis.ts';
import { newSpanId, newTraceId } from '../../../../subgraphs/shared/tracing/trace-ids.ts';
import { openTracing, readTracingConfig, tracingOf } from '../../../../subgraphs/shared/tracing/open-tracing.ts';
import type { EndedSpan } from '../../../../subgraphs/shared/tracing/span.ts';
import { type Tracing, traced } from '../../../../subgraphs/shared/tracing/tracing.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../../../../ops/bench/otlp-receiver.ts';

const log = pino({ level: 'silent' });
let receiver: OtlpReceiver;
beforeAll(async () => {
  receiver = await startOtlpReceiver();
});
afterAll(() => receiver.close());

const open = async (env: Env = {}): Promise<Tracing> => {
  const tracing = await openTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...env }, { log });
  if (!tracing) throw new Error('traces are off');
  return tracing;
};

/** Spans as they are sent, without a collector. */
function recorded(sampling: { ratio?: 0 | 1; isParentBased?: boolean; mayKeep?: () => boolean } = {}) {
  const sent: EndedSpan[] = [];
  const { ratio = 1, isParentBased = true, mayKeep = () => true } = sampling;
  const sink = { send: (span: EndedSpan) => void sent.push(span), mayKeep };
  const tracing = tracingOf(sink, { isSampled: () => ratio === 1, isParentBased }, async () => undefined);
  return { tracing, names: () => sent.map(({ name }) => name), sent };
}

test('[GM-8] work inside work becomes spans of one trace, which arrive at the collector with their service', async () => {
  const tracing = await open({ OTEL_EXPORTER_OTLP_HEADERS: 'x-team=shop%20one', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test' }); // prettier-ignore
  const before = BigInt(Date.now()) * 1_000_000n;
  const traceId = await traced(tracing, { service: 'order', name: 'outer', attributes: { orders: 3 } }, async () => {
    await traced(tracing, { service: 'product', name: 'inner', kind: 'client' }, async () => undefined);
    return tracing.active()?.traceId;
  });
  await tracing.close();

  const [inner, outer] = receiver.of(String(traceId));
  expect(outer).toMatchObject({ service: 'order', name: 'outer', kind: 1, parentSpanId: undefined, failure: undefined, attributes: { orders: 3 } }); // prettier-ignore
  expect(inner).toMatchObject({ service: 'product', name: 'inner', kind: 3, parentSpanId: outer?.spanId });
  const [began = 0n, ended = 0n] = [outer?.startNs, outer?.endNs];
  expect(began >= before - 50_000_000n && ended >= began && inner && inner.startNs >= began && inner.endNs <= ended).toBe(true); // prettier-ignore
  expect(receiver.headers()).toMatchObject({ 'x-team': 'shop one' });
  expect(receiver.text()).toContain('deployment.environment.name');
});

test('[GM-8] a command of Redis is a span of the work that sends it, without keys and values; a batch is one', async () => {
  const tracing = await open();
  const redis = await openRedis(String(process.env['TEST_REDIS_URL']), log);
  const key = `tracing-${newSpanId()}`;
  const traceId = await traced(tracing, { service: 'order', name: 'work' }, async () => {
    await redis.set(key, 'planted value');
    await redis.multi().get(key).del(key).exec();
    await redis.incrBy(key, 1);
    await redis.hGet(key, 'a').catch(() => undefined);
    return tracing.active()?.traceId;
  });
  // Nobody's work.
  await redis.del(key);
  await tracing.close();
  await redis.get(key);
  redis.destroy();

  const spans = receiver.of(String(traceId));
  const work = spans.find(({ name }) => name === 'work');
  const commands = spans.filter(({ name }) => name.startsWith('redis '));
  expect(commands.map(({ name }) => name)).toEqual(['redis SET', 'redis MULTI', 'redis INCRBY', 'redis HGET']);
  for (const span of commands) {
    expect(span).toMatchObject({ service: 'order', kind: 3, parentSpanId: work?.spanId });
    expect(span.attributes).toMatchObject({ 'db.system.name': 'redis', 'server.address': '127.0.0.1' });
  }
  expect(commands[1]?.attributes['db.operation.batch.size']).toBe(2);
  expect(commands.map(({ failure }) => failure === undefined)).toEqual([true, true, true, false]);
  expect(receiver.text()).not.toContain(key);
  expect(receiver.text()).not.toContain('planted value');
});

test('a span of another process is the parent, and says whether the trace is sent', () => {
  const there = { traceId: newTraceId(), spanId: newSpanId() };
  const begin = (flags: string, isParentBased = true, ratio: 0 | 1 = 1) => {
    const { tracing, sent } = recorded({ isParentBased, ratio });
    const span = tracing.begin({ service: 'order', name: 'a', traceparent: `00-${there.traceId}-${there.spanId}-${flags}` }); // prettier-ignore
    span.end();
    return { span, sent };
  };
  const { span, sent } = begin('01');
  expect(sent).toMatchObject([{ ...there, spanId: span.spanId, parentSpanId: there.spanId }]);
  expect(span.traceparent).toBe(`00-${there.traceId}-${span.spanId}-01`);
  expect(begin('00').sent).toEqual([]);
  expect(begin('00').span.traceparent).toMatch(/-00$/);
  // Without "parentbased" the process decides by itself.
  expect(begin('00', false).sent).toHaveLength(1);
  expect(begin('01', false, 0).sent).toEqual([]);
});

test('a trace that is not sampled is sent as a whole when something in it fails', async () => {
  const { tracing, names } = recorded({ ratio: 0 });
  const run = (fails: boolean) =>
    traced(tracing, { service: 'order', name: 'root' }, async (root) => {
      await traced(tracing, { service: 'order', name: 'child' }, async () => undefined);
      if (fails) root?.child({ name: 'broken' }).fail('DEADLINE_EXCEEDED');
    });
  await run(false);
  expect(names()).toEqual([]);
  await run(true);
  expect(names()).toEqual(['child', 'root']);
  await expect(traced(tracing, { service: 'order', name: 'throws' }, () => Promise.reject(new TypeError('with a secret')))).rejects.toThrow('with a secret'); // prettier-ignore
  expect(names()).toEqual(['child', 'root', 'throws']);
});

test('when everything fails, ten traces a second are kept of those that are not sampled', async () => {
  const tracing = await open({ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' });
  const traceIds = Array.from({ length: 500 }, () => {
    const span = tracing.begin({ service: 'order', name: 'fails' });
    span.fail('INTERNAL_SERVER_ERROR');
    span.end();
    return span.traceId;
  });
  await tracing.close();
  const kept = traceIds.filter((traceId) => receiver.of(traceId).length > 0).length;
  expect(kept).toBeGreaterThanOrEqual(100);
  expect(kept).toBeLessThan(150);
});

test('the share that is sampled is the one that was set, and each process picks the same traces', async () => {
  const env = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' };
  const [one, other] = [await open(env), await open(env)];
  const traceIds = Array.from({ length: 1_000 }, newTraceId);
  const flagsOf = (tracing: Tracing) =>
    traceIds.map((traceId) => tracing.begin({ service: 'order', name: 'a', traceId }).traceparent.slice(-2));
  expect(flagsOf(one)).toEqual(flagsOf(other));
  const sampled = flagsOf(one).filter((flags) => flags === '01').length;
  expect(sampled).toBeGreaterThan(60);
  expect(sampled).toBeLessThan(140);
  await Promise.all([one.close(), other.close()]);
});

test('a span that has ended is no parent of what its work left behind', async () => {
  const { tracing } = recorded();
  let later: (() => string | undefined) | undefined;
  const traceId = await traced(tracing, { service: 'order', name: 'a' }, async (span) => {
    later = () => tracing.active()?.traceId;
    await Promise.resolve();
    return span?.traceId;
  });
  expect(traceId).toBeDefined();
  expect(tracing.inside(tracing.begin({ service: 'order', name: 'b' }), () => later?.())).not.toBe(traceId);
  const ended = tracing.begin({ service: 'order', name: 'c' });
  ended.end();
  expect(tracing.inside(ended, () => tracing.active())).toBeUndefined();
});

test('a collector that is away is said once, and nothing waits for it', async () => {
  const lines: { msg: string; setting?: string }[] = [];
  const said = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as { msg: string }) }); // prettier-ignore
  const tracing = await openTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, { log: said });
  const began = performance.now();
  for (let at = 0; at < 3; at += 1) tracing?.begin({ service: 'order', name: 'a' }).end();
  expect(performance.now() - began).toBeLessThan(500);
  await tracing?.close();
  expect(performance.now() - began).toBeLessThan(3_500);
  expect(lines.filter(({ msg }) => msg === 'a dependency is away')).toMatchObject([{ setting: 'OTEL_EXPORTER_OTLP_ENDPOINT' }]); // prettier-ignore
});

test.each([
  [{}],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318', OTEL_SDK_DISABLED: 'true' }],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318', OTEL_TRACES_EXPORTER: 'none' }],
])('traces are off with %j', async (env) => {
  expect(readTracingConfig(env)).toBeUndefined();
  await expect(openTracing(env, { log })).resolves.toBeUndefined();
});

test('settings are those of the specification', () => {
  const at = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318/' };
  expect(readTracingConfig(at)).toMatchObject({ url: 'http://a:4318/v1/traces', ratio: 1, isParentBased: true });
  expect(readTracingConfig({ ...at, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://b/spans' })?.url).toBe('https://b/spans'); // prettier-ignore
  expect(readTracingConfig({ ...at, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' })).toMatchObject({ ratio: 0.25, isParentBased: false }); // prettier-ignore
  expect(readTracingConfig({ ...at, OTEL_TRACES_SAMPLER: 'always_off' })).toMatchObject({ ratio: 0, isParentBased: false }); // prettier-ignore
});

test.each([
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'ftp://collector'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'token'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ['OTEL_TRACES_EXPORTER', 'zipkin'],
  ['OTEL_SDK_DISABLED', 'yes'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'a,b'],
  ['OTEL_TRACES_SAMPLER', 'half'],
  ['OTEL_TRACES_SAMPLER_ARG', '2'],
  ['OTEL_TRACES_SAMPLER_ARG', 'ten percent'],
  ['OTEL_BSP_SCHEDULE_DELAY', '0'],
])('%s=%s is refused by its name', (name, value) => {
  const read = () => readTracingConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318', [name]: value });
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(name);
});
