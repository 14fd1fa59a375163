import {
  type HrTime,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  type ReadableSpan,
  SamplingDecision,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type TracerProviderOptions,
} from '@opentelemetry/sdk-trace';
import type { DependencyPart } from '../process/dependency.ts';
import type { EndedSpan } from './span.ts';
import type { TracingConfig } from './open-tracing.ts';
import { newSpanId, newTraceId } from './trace-ids.ts';

/** OpenTelemetry's SDK, which batches spans and sends them over OTLP. The only file that knows it. */
export type SpanExport = {
  send(span: EndedSpan): void;
  isSampled(traceId: string): boolean;
  close(): Promise<void>;
};

const kinds: Readonly<Record<EndedSpan['kind'], SpanKind>> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};
const exportTimeoutMs = 5_000;
const maxAttributeChars = 4_000;
/** The process's clock runs by itself; so far from the system's it is set anew. */
const maxClockDriftMs = 20;

/** `collector` is told whether it takes them. */
export function openSpanExport(config: TracingConfig, collector: DependencyPart): SpanExport {
  const exporter = new OTLPTraceExporter({ url: config.url, headers: { ...config.headers }, timeoutMillis: exportTimeoutMs }); // prettier-ignore
  const processor = new BatchSpanProcessor({
    exporter: watched(exporter, collector),
    scheduledDelayMillis: config.batchEveryMs,
  });
  /** What the next span is given: the ids that it has already. */
  const next = { traceId: '', spanId: '' };
  const idGenerator = {
    generateTraceId: () => next.traceId || newTraceId(),
    generateSpanId: () => next.spanId || newSpanId(),
  };
  const tracers = new Map<string, Tracer>();
  const epochOf = openEpoch();
  const ratio = new TraceIdRatioBasedSampler(config.ratio);

  function tracerOf(service: string): Tracer {
    let tracer = tracers.get(service);
    if (!tracer) {
      const resource = resourceOf({ 'service.name': config.serviceName ?? service, 'service.namespace': 'order-platform', 'process.pid': process.pid, ...config.attributes }); // prettier-ignore
      const provider = new TracerProvider({
        resource,
        idGenerator,
        // The decision was made before.
        sampler: new AlwaysOnSampler(),
        spanProcessors: [processor],
        spanLimits: { attributeValueLengthLimit: maxAttributeChars },
      });
      tracers.set(service, (tracer = provider.getTracer('order-platform')));
    }
    return tracer;
  }

  return {
    isSampled: (traceId) => ratio.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED,
    send({ service, name, kind, traceId, spanId, parentSpanId, startMs, endMs, attributes, links, failure }) {
      const parent = parentSpanId === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: parentSpanId, traceFlags: TraceFlags.SAMPLED }); // prettier-ignore
      Object.assign(next, { traceId, spanId });
      const span = tracerOf(service).startSpan(
        name,
        {
          kind: kinds[kind],
          startTime: epochOf(startMs),
          attributes,
          links: links.map((link) => ({ context: { ...link, traceFlags: TraceFlags.SAMPLED } })),
        },
        parent,
      );
      if (failure !== undefined) {
        span.setAttribute('error.type', failure);
        span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
      }
      span.end(epochOf(endMs));
    },
    close: () => processor.shutdown(),
  };
}

/** The time of the system at a time of `performance.now()`: the same for all spans of the process. */
function openEpoch(): (ms: number) => HrTime {
  let offsetMs = performance.timeOrigin;
  return (ms) => {
    const driftMs = Date.now() - performance.now() - offsetMs;
    if (Math.abs(driftMs) > maxClockDriftMs) offsetMs += driftMs;
    const atMs = offsetMs + ms;
    const seconds = Math.floor(atMs / 1_000);
    return [seconds, Math.round((atMs - seconds * 1_000) * 1_000_000)];
  };
}

function watched(exporter: SpanExporter, collector: DependencyPart): SpanExporter {
  return {
    export(spans: ReadableSpan[], done) {
      exporter.export(spans, (result) => {
        if (result.error === undefined) collector.back();
        else collector.away(result.error);
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

/**
 * Attributes of a service. The SDK's own maker of resources is in a package of which Apollo's gateway brings another major
 * version: installed beside each other they would be there ten times.
 */
function resourceOf(attributes: Record<string, string | number>): NonNullable<TracerProviderOptions['resource']> {
  return { attributes, merge: () => resourceOf(attributes), getRawAttributes: () => Object.entries(attributes) };
}
