import type { TracedSpan } from './span.ts';

/** What a histogram keeps beside the newest value of a bucket: the trace that it was measured in. */
export type Exemplar = Readonly<Record<string, string>>;

const none: Exemplar = {};

/** The labels of a value's exemplar: none where its trace is not sent, as it could not be looked up. */
export const exemplarOf = (span: TracedSpan | undefined): Exemplar =>
  span?.isSampled ? { trace_id: span.traceId, span_id: span.spanId } : none;
