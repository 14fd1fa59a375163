import { AsyncLocalStorage } from 'node:async_hooks';
import { z } from 'zod';
import { openDependency } from '../process/dependency.ts';
import { type Env, integer, readEnv, url } from '../process/env.ts';
import type { Logger } from '../process/telemetry.ts';
import { openTokenBucket } from '../queues/token-bucket.ts';
import { inTime } from '../time/in-time.ts';
import { traceRedis } from './redis-spans.ts';
import { RecordedSpan, type Sink, type SpanReference } from './span.ts';
import { newSpanId, newTraceId, readTraceparent } from './trace-ids.ts';
import type { SpanOptions, Tracing } from './tracing.ts';

/** Failed traces that were not sampled: so many at once, and so many a second. */
const keptAtOnce = 100;
const keptPerSecond = 10;
const closeTimeoutMs = 2_000;

const samplers = ['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const; // prettier-ignore

/** Where traces go and which; by the names of OpenTelemetry's specification. */
export type TracingConfig = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Replaces the names of the services. */
  readonly serviceName: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  /** Of the traces that begin here, 0 to 1. */
  readonly ratio: number;
  /** Whether a trace that comes from elsewhere is sampled as it was there. */
  readonly isParentBased: boolean;
  /** Between two batches of spans. */
  readonly batchEveryMs: number;
};

const maxBatchEveryMs = 60_000;
function isEncodedPair(pair: string): boolean {
  try {
    return decodeURIComponent(pair.trim()).length > 0 && /^[^=]+=/.test(pair.trim());
  } catch {
    return false; // a percent sign that begins no character
  }
}
const pairs = z
  .string()
  .refine((text) => text.split(',').every(isEncodedPair), { error: 'is not key=value,key=value,…' }) // prettier-ignore
  .transform((text) => Object.fromEntries(text.split(',').map((pair) => {
    const [key = '', ...value] = pair.trim().split('=');
    return [decodeURIComponent(key.trim()), decodeURIComponent(value.join('=').trim())];
  }))); // prettier-ignore
const ratio = z
  .string()
  .refine((text) => /^(0|1|0?\.\d{1,9}|[01]\.\d{1,9})$/.test(text) && Number(text) <= 1, { error: 'is not a number from 0 to 1' }); // prettier-ignore

/** Undefined where traces are off: without an endpoint. Throws ConfigError. */
export function readTracingConfig(env: Env): TracingConfig | undefined {
  const given = readEnv(env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: url('http', 'https').optional(),
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url('http', 'https').optional(),
    OTEL_EXPORTER_OTLP_HEADERS: pairs.optional(),
    OTEL_EXPORTER_OTLP_PROTOCOL: z.literal('http/json', { error: 'is not http/json, which is the one that is spoken here' }).optional(), // prettier-ignore
    OTEL_TRACES_EXPORTER: z.enum(['otlp', 'none'], { error: 'is neither otlp nor none' }).default('otlp'),
    OTEL_SDK_DISABLED: z.enum(['true', 'false'], { error: 'is neither true nor false' }).default('false'),
    OTEL_SERVICE_NAME: z.string().optional(),
    OTEL_RESOURCE_ATTRIBUTES: pairs.optional(),
    OTEL_TRACES_SAMPLER: z.enum(samplers, { error: `is none of ${samplers.join(', ')}` }).default('parentbased_always_on'), // prettier-ignore
    OTEL_TRACES_SAMPLER_ARG: ratio.optional(),
    OTEL_BSP_SCHEDULE_DELAY: integer(1, maxBatchEveryMs).default(5_000),
  });
  const base = given.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/$/, '');
  const tracesUrl = given.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base}/v1/traces`);
  if (!tracesUrl || given.OTEL_SDK_DISABLED === 'true' || given.OTEL_TRACES_EXPORTER === 'none') return undefined;
  const sampler = given.OTEL_TRACES_SAMPLER;
  return {
    url: tracesUrl,
    headers: given.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    serviceName: given.OTEL_SERVICE_NAME,
    attributes: given.OTEL_RESOURCE_ATTRIBUTES ?? {},
    ratio: sampler.endsWith('always_off') ? 0 : sampler.endsWith('ratio') ? Number(given.OTEL_TRACES_SAMPLER_ARG ?? 1) : 1, // prettier-ignore
    isParentBased: sampler.startsWith('parentbased_'),
    batchEveryMs: given.OTEL_BSP_SCHEDULE_DELAY,
  };
}

/**
 * The traces of a process; undefined where no endpoint is set, and then nothing of OpenTelemetry is loaded. Spans are kept
 * as plain objects; those of traces that are sent go through OpenTelemetry's SDK. Throws ConfigError.
 */
export async function openTracing(env: Env, { log }: { log: Logger }): Promise<Tracing | undefined> {
  const config = readTracingConfig(env);
  if (!config) return undefined;
  const { openSpanExport } = await import('./span-export.ts');
  const collector = openDependency({ name: 'trace collector', setting: 'OTEL_EXPORTER_OTLP_ENDPOINT', log }).part();
  const spans = openSpanExport(config, collector);
  const kept = openTokenBucket({ capacity: keptAtOnce, perSecond: keptPerSecond, nowMs: () => performance.now() });
  const sink: Sink = {
    send: spans.send,
    mayKeep() {
      const may = kept.left() >= 1;
      if (may) kept.take(1);
      return may;
    },
  };
  const tracing = tracingOf(sink, { isSampled: spans.isSampled, isParentBased: config.isParentBased }, async () => {
    endRedis();
    await inTime(spans.close(), closeTimeoutMs).catch((error: Error) => collector.away(error));
  });
  const endRedis = traceRedis(tracing);
  return tracing;
}

type Sampling = {
  /** Whether a trace that begins here is sent, by its id: the same in every process. */
  readonly isSampled: (traceId: string) => boolean;
  readonly isParentBased: boolean;
};

/** @param close sends what is left */
export function tracingOf(sink: Sink, { isSampled, isParentBased }: Sampling, close: () => Promise<void>): Tracing {
  const around = new AsyncLocalStorage<RecordedSpan>();
  const active = (): RecordedSpan | undefined => {
    const span = around.getStore();
    return span?.hasEnded === false ? span : undefined;
  };

  /** The span of this process that it is below, or the one of another process. */
  function placeOf(options: SpanOptions): { parent?: RecordedSpan; remote?: SpanReference; isSampled?: boolean } {
    const { traceId, traceparent, parentSpanId } = options;
    if (options.parent) return { parent: options.parent as RecordedSpan };
    const told = readTraceparent(traceparent);
    if (told && (traceId === undefined || traceId === told.traceId)) {
      return { remote: told, ...(isParentBased && { isSampled: told.isSampled }) };
    }
    if (traceId !== undefined && parentSpanId !== undefined) return { remote: { traceId, spanId: parentSpanId } };
    const near = active();
    return near && (traceId === undefined || traceId === near.traceId) ? { parent: near } : {};
  }

  return {
    begin(options) {
      const { service, name, kind = 'internal', links = [], attributes = {}, startMs = performance.now() } = options;
      const { parent, remote, isSampled: isSampledThere } = placeOf(options);
      const traceId = parent?.traceId ?? remote?.traceId ?? options.traceId ?? newTraceId();
      const spanId = options.spanId ?? newSpanId();
      const parentSpanId = parent?.spanId ?? remote?.spanId;
      const root = parent?.root ?? isSampledThere ?? isSampled(traceId);
      return new RecordedSpan(
        { service, name, kind, traceId, spanId, parentSpanId, startMs, attributes, links },
        { root, sink },
      );
    },
    active,
    inside: (span, work) => around.run(span as RecordedSpan, work),
    close,
  };
}
