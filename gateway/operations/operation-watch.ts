import type { GraphQLFormattedError } from 'graphql';
import type { Viewer } from '../../subgraphs/shared/auth/viewer.ts';
import { type Metrics, type OperationLog, traceIdFrom } from '../../subgraphs/shared/process/telemetry.ts';
import type { TracedSpan } from '../../subgraphs/shared/tracing/span.ts';
import { exemplarOf } from '../../subgraphs/shared/tracing/exemplars.ts';
import { isFault } from '../../subgraphs/shared/tracing/tracing.ts';
import type { Caller } from '../callers/caller.ts';
import type { ReadDocument } from '../documents/documents.ts';

export type WatchDeps = {
  readonly metrics: Metrics;
  readonly operationLog: OperationLog | undefined;
};

type Outcome = {
  /** The operation that ran, where the request got so far. */
  readonly asked?: { readonly read: Pick<ReadDocument, 'label' | 'operation'>; readonly caller: Caller } | undefined;
  /** What stands in its place in the metrics: `refused` before it was read, `invalid` after it. */
  readonly instead?: 'refused' | 'invalid';
  readonly errors?: readonly Pick<GraphQLFormattedError, 'extensions'>[] | undefined;
};

/** What becomes of one request for an operation: its trace, its duration and code, its line in the log. */
export type OperationWatch = {
  readonly traceId: string;
  /** Where traces are on: the operation, since it arrived. */
  readonly span: TracedSpan | undefined;
  /** The answer is known. Once; later calls do nothing. */
  done(outcome: Outcome): void;
};

/** More codes of one answer are not said. */
const maxCodes = 5;
const maxNameChars = 64;

/** Begins when a request arrives. `traceparent`: the header by which its client carries a trace on. */
export const watchOperation = (deps: WatchDeps, traceparent: string | undefined): OperationWatch =>
  new Watch(deps, traceparent);

class Watch implements OperationWatch {
  readonly traceId: string;
  readonly #deps: WatchDeps;
  readonly #traceparent: string | undefined;
  readonly #startMs = performance.now();
  #span: TracedSpan | undefined;
  #isDone = false;

  constructor(deps: WatchDeps, traceparent: string | undefined) {
    this.#deps = deps;
    this.#traceparent = traceparent;
    this.traceId = traceIdFrom(traceparent);
  }
  get span(): TracedSpan | undefined {
    const { tracing } = this.#deps.metrics;
    if (!tracing) return undefined;
    this.#span ??= tracing.begin({
      service: 'gateway',
      name: 'operation',
      kind: 'server',
      traceId: this.traceId,
      traceparent: this.#traceparent,
      startMs: this.#startMs,
    });
    return this.#span;
  }
  done({ asked, instead, errors }: Outcome): void {
    if (this.#isDone) return;
    this.#isDone = true;
    const { metrics, operationLog } = this.#deps;
    const durationMs = performance.now() - this.#startMs;
    const operation = instead ?? asked?.read.label ?? 'refused';
    const code = codeOf(errors?.[0]);
    metrics.operationDuration.observe({ labels: { service: 'gateway', operation, code, caller: 'api' }, value: durationMs / 1000, exemplarLabels: exemplarOf(this.#span) }); // prettier-ignore
    if (this.#span) endSpan(this.#span, { operation, errors, asked });
    if (!operationLog) return;
    const name = asked?.read.operation.name?.value.slice(0, maxNameChars);
    const codes = errors && [...new Set(errors.map(codeOf))].slice(0, maxCodes);
    operationLog(
      {
        operation,
        ...(name !== undefined && { name }),
        ...viewerFields(asked?.caller.viewer),
        durationMs: Math.round(durationMs * 10) / 10,
        ...(codes && codes.length > 0 ? { codes } : { code }),
        traceId: this.traceId,
      },
      'operation',
    );
  }
}

function endSpan(span: TracedSpan, { operation, errors = [], asked }: Outcome & { operation: string }): void {
  const kind = asked?.read.operation.operation;
  span.rename(operation);
  const [code] = errors.map(codeOf);
  span.set({
    'graphql.operation.name': operation,
    ...(kind !== undefined && { 'graphql.operation.type': kind }),
    ...(asked && { 'viewer.kind': asked.caller.viewer.kind }),
    ...(code !== undefined && { 'graphql.error.code': code }),
  });
  const fault = errors.map(codeOf).find(isFault);
  if (fault !== undefined) span.fail(fault);
  span.end();
}

function codeOf(error: Pick<GraphQLFormattedError, 'extensions'> | undefined): string {
  if (!error) return 'OK';
  const code = error.extensions?.['code'];
  return typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR';
}

const viewerFields = (viewer: Viewer | undefined): { readonly viewer?: string; readonly userId?: string } =>
  viewer ? { viewer: viewer.kind, ...(viewer.kind === 'user' && { userId: viewer.userId }) } : {};
