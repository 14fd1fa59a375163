import type { Attributes, SpanKind, SpanReference, TracedSpan } from './span.ts';
import { newTraceId } from './trace-ids.ts';

export type SpanOptions = {
  /** Whose span it is: `gateway`, `order`, … */
  readonly service: string;
  readonly name: string;
  /** Default `internal`. */
  readonly kind?: SpanKind;
  /** The trace that it belongs to. Default: that of its parent, or a new one. */
  readonly traceId?: string | undefined;
  /** Default: the span around this code, where it is of the same trace. */
  readonly parent?: TracedSpan | undefined;
  /** The span of another process that it follows: a `traceparent` header. One of another trace counts for nothing. */
  readonly traceparent?: string | undefined;
  /** The same, where only the span's id is known. */
  readonly parentSpanId?: string;
  /** Its own id, where others know it before it begins. */
  readonly spanId?: string;
  /** Other spans that it has to do with: those that are handled together. */
  readonly links?: readonly SpanReference[];
  readonly attributes?: Attributes;
  /** By `performance.now()`. Default: now. */
  readonly startMs?: number;
};

/** Traces of one process. */
export type Tracing = {
  /** To be ended. */
  begin(options: SpanOptions): TracedSpan;
  /** The span around this code; undefined where there is none, or where it has ended. */
  active(): TracedSpan | undefined;
  /** Runs work inside a span: what it begins is a child of that. */
  inside<T>(span: TracedSpan, work: () => T): T;
  /** Sends what is left, for two seconds at most. */
  close(): Promise<void>;
};

/**
 * Runs work as a span, or just so where traces are off. An error that it throws makes the span a failed one.
 *
 * @example await traced(metrics.tracing, { service: 'order', name: 'expire orders', traceId }, () => expire(ids));
 */
export async function traced<T>(
  tracing: Tracing | undefined,
  options: SpanOptions,
  work: (span: TracedSpan | undefined) => Promise<T>,
): Promise<T> {
  if (!tracing) return work(undefined);
  const span = tracing.begin(options);
  try {
    return await tracing.inside(span, () => work(span));
  } catch (error) {
    span.fail(errorType(error));
    throw error;
  } finally {
    span.end();
  }
}

/** The trace of the work around this code, or a new one. */
export const currentTraceId = (tracing: Tracing | undefined): string => tracing?.active()?.traceId ?? newTraceId();

/** What kind of error it is, without its message, which may have values in it. */
export function errorType(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  if (typeof code === 'string') return code;
  return typeof name === 'string' ? name : 'unknown';
}

/** Codes of GraphQL errors that are a fault of the platform: their traces are kept. A refusal is an answer like others. */
const faults: ReadonlySet<unknown> = new Set([
  'INTERNAL_SERVER_ERROR',
  'SERVICE_UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'PLANNING_FAILED',
  'UNAUTHORISED_CALLER',
]);
export const isFault = (code: string): boolean => faults.has(code);
