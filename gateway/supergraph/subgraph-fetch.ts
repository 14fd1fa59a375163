import { GraphQLError } from 'graphql';
import type { Headers } from '../../subgraphs/shared/auth/caller-headers.ts';
import { type Deadline, deadlineIn } from '../../subgraphs/shared/time/deadline.ts';
import type { HeaderLines } from '../../subgraphs/shared/http/transport.ts';
import type { SubgraphLink, SubgraphRequest } from '../../subgraphs/shared/calls/link.ts';
import { errorCodes } from '../../subgraphs/shared/errors/errors.ts';
import type { Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import type { TracedSpan } from '../../subgraphs/shared/tracing/span.ts';
import { exemplarOf } from '../../subgraphs/shared/tracing/exemplars.ts';
import { isFault } from '../../subgraphs/shared/tracing/tracing.ts';
import { subgraphNames } from '../../subgraphs/shared/values/subgraph-names.ts';
import { type Caller, type CallerHeaders, type CallerSaid, type HeadersFor, clientOf } from '../callers/caller.ts';
import { type ErrorReport, gatewayErrorCodes, presentError, presentedBySubgraph } from '../errors.ts';
import { readError } from '../execute/answers.ts';
import type {
  ErrorPolicy,
  SubgraphFetch,
  SubgraphRequest as PlannedRequest,
  SubgraphResponse,
} from '../execute/types.ts';

/** What the gateway hands to every fetch of one operation. */
export type FetchContext = {
  readonly caller: Caller;
  /** When the client gets its answer, with whatever is there by then. */
  readonly deadline: Deadline;
  /** What a subgraph is told of the caller, made once for fetches that follow one another and are told the same. */
  readonly said: (subgraph: string) => ReturnType<CallerHeaders>;
};

/** Begins the time that an operation has. */
export function fetchContext(options: { headersFor: HeadersFor; timeoutMs: number }, caller: Caller): FetchContext {
  let last: { readonly headers: CallerHeaders; readonly said: ReturnType<CallerHeaders> } | undefined;
  return {
    caller,
    deadline: deadlineIn(options.timeoutMs),
    said(subgraph) {
      const headers = options.headersFor(subgraph);
      if (last?.headers !== headers) last = { headers, said: headers(caller) };
      return last.said;
    },
  };
}

/**
 * The subgraphs as the executor calls them, over links of either kind. One that can't be reached costs its own fields
 * only: the executor says why they are missing with the error that is thrown here, which is as the client may see it.
 */
export function subgraphFetch(options: {
  link: (name: string) => SubgraphLink;
  report: Pick<ErrorReport, 'log'>;
  metrics: Metrics;
}): SubgraphFetch<FetchContext> {
  function ask(
    serviceName: string,
    planned: PlannedRequest<FetchContext>,
    span: TracedSpan | undefined,
  ): Promise<SubgraphResponse> {
    const link = options.link(serviceName);
    const said = planned.context.said(serviceName);
    const execute = (known: CallerSaid): Promise<SubgraphResponse> =>
      link.execute(new PlannedCall(planned, (span && known.tracedBy?.(span.traceparent)) ?? known));
    return said instanceof Promise ? said.then(execute) : execute(said);
  }
  return (serviceName, planned) => {
    const watch = new FetchWatch(options.metrics, serviceName, planned.context.caller.span);
    const answered = (response: SubgraphResponse): SubgraphResponse => {
      watch.done(response.errors as FetchErrors);
      return response;
    };
    const failed = (error: unknown): never => {
      const { traceId } = planned.context.caller;
      const { message, extensions } = presentError(error, { log: options.report.log, traceId });
      watch.done([{ extensions }]);
      throw new GraphQLError(message, { ...(extensions && { extensions }) });
    };
    try {
      return ask(serviceName, planned, watch.span).then(answered, failed);
    } catch (error) {
      return failed(error);
    }
  };
}

/** Seconds of a fetch and its code, in the metrics and in its span. */
class FetchWatch {
  readonly #startMs = performance.now();
  readonly #metrics: Metrics;
  readonly #subgraph: string;
  readonly span: TracedSpan | undefined;
  constructor(metrics: Metrics, subgraph: string, operation: TracedSpan | undefined) {
    this.#metrics = metrics;
    this.#subgraph = subgraph;
    this.span = operation?.child({
      name: `fetch ${subgraph}`,
      kind: 'client',
      attributes: { 'peer.service': subgraph },
    });
  }
  /** The answer's first code; undefined where it has no errors. */
  done(errors: readonly { readonly extensions?: unknown }[] | null | undefined): void {
    const given = errors?.[0] && (errors[0].extensions as { readonly code?: unknown } | undefined)?.code;
    const code = errors?.[0] ? (typeof given === 'string' ? given : 'INTERNAL_SERVER_ERROR') : 'OK';
    // Codes of added subgraphs are theirs, and there may be any number of them.
    const outcome = ownNames.has(this.#subgraph) || gatewayCodes.has(code) ? code : 'OTHER';
    this.#metrics.fetchDuration.observe({
      labels: { subgraph: this.#subgraph, outcome },
      value: (performance.now() - this.#startMs) / 1000,
      exemplarLabels: exemplarOf(this.span),
    });
    if (!this.span) return;
    if (code !== 'OK') this.span.set({ 'graphql.error.code': code });
    if (isFault(code)) this.span.fail(code);
    this.span.end();
  }
}

/** A planned request as links take it: what a link of one kind doesn't read isn't made. */
class PlannedCall implements SubgraphRequest {
  readonly #planned: PlannedRequest<FetchContext>;
  readonly #said: CallerSaid;
  constructor(planned: PlannedRequest<FetchContext>, said: CallerSaid) {
    this.#planned = planned;
    this.#said = said;
  }
  get query(): string {
    return this.#planned.query;
  }
  get operationName(): string | undefined {
    return this.#planned.operationName;
  }
  get variables(): Readonly<Record<string, unknown>> {
    return this.#planned.variables;
  }
  get headers(): Headers {
    return this.#said.headers;
  }
  get deadline(): Deadline {
    return this.#planned.context.deadline;
  }
  get isRepeatable(): boolean {
    return !this.#planned.isMutation;
  }
  client(): string {
    return clientOf(this.#planned.context.caller);
  }
  body(): string {
    return this.#planned.body();
  }
  headerLines(): HeaderLines {
    return this.#said.lines;
  }
}

/** Named codes of others, e.g. `REVIEW_TOO_LONG`. */
const ownCode = /^[A-Z][A-Z0-9_]{0,63}$/;
/** Not the client's doing: unexpected errors, a token that isn't accepted, and what is amiss with a request of ours. */
const notPresented: ReadonlySet<unknown> = new Set([
  'INTERNAL_SERVER_ERROR',
  'UNAUTHORISED_CALLER',
  ...gatewayErrorCodes,
]);

/**
 * The platform's own subgraphs present their errors themselves. One without a code was not: under a code that nobody
 * knows it is logged and masked when the answer is presented. An added subgraph may have codes of its own; what it calls
 * an internal error is logged and masked likewise, as its message may be anything.
 */
export const errorPolicy: ErrorPolicy = ({ serviceName, message, extensions, thrown }) => {
  const { code } = extensions;
  if (thrown !== undefined || ownNames.has(serviceName))
    return { message, extensions: { ...extensions, code: code ?? masked } };
  const isPresented = typeof code === 'string' && ownCode.test(code) && !notPresented.has(code);
  return isPresented
    ? { message, extensions: { code, [presentedBySubgraph]: true } }
    : { message: `${serviceName}: ${message}`, extensions: { code: masked, subgraphCode: code } };
};

/** An error with which a subgraph refuses a subscription, by the same policy. Over a socket it arrives as plain data. */
export function refusedBy(subgraph: string, error: unknown): GraphQLError {
  if (error instanceof GraphQLError && ownNames.has(subgraph)) return error;
  const { message, extensions, path } = readError(subgraph, error, errorPolicy);
  return new GraphQLError(message, { path: path ?? null, extensions: { ...extensions } });
}

const masked = 'NOT_PRESENTED';
const gatewayCodes: ReadonlySet<string> = new Set(['OK', ...errorCodes]);
type FetchErrors = readonly { readonly extensions?: unknown }[] | null | undefined;
const ownNames: ReadonlySet<string> = new Set(subgraphNames);
