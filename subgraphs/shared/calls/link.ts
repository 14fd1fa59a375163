import type { ExecutionResult } from 'graphql';
import { type Headers, callerHeaders } from '../auth/caller-headers.ts';
import type { Deadline } from '../time/deadline.ts';
import type { HeaderLines } from '../http/transport.ts';
import type { SubgraphName } from '../values/subgraph-names.ts';
import { traceparentOf } from '../process/telemetry.ts';
import { type Tracing, traced } from '../tracing/tracing.ts';

/** The most representations of entities that one call may ask for. */
export const maxRepresentations = 100;

export type SubgraphRequest = {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
  readonly operationName?: string | undefined;
  /** The three above as JSON, for callers that can make it for less than it costs from the objects. */
  readonly body?: (() => string) | undefined;
  /** Who calls (`callerHeaders`) and the trace. */
  readonly headers: Headers;
  /** The same as lines of HTTP, for callers that can make them for less. */
  readonly headerLines?: (() => HeaderLines) | undefined;
  /** When nobody waits for the answer any more; without one the link sets its own. */
  readonly deadline?: Deadline | undefined;
  /** For whom it is asked: where calls have to wait, clients take turns. */
  readonly client?: (() => string) | undefined;
  /** True when asking twice does nothing that asking once doesn't: a query. Default false. */
  readonly isRepeatable?: boolean | undefined;
};

/** A plain HTTP request to one of a subgraph's own routes (webhooks, keys); the body is as it came. */
export type RawRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: Buffer;
};
export type RawResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** How a subgraph is reached: in this process or over HTTP and WebSocket. Both give the same answers. */
export type SubgraphLink = {
  readonly name: string;
  /**
   * Runs a query or mutation. Rejects with SERVICE_UNAVAILABLE when the subgraph can't be reached or answers rubbish,
   * with DEADLINE_EXCEEDED when it doesn't answer in time.
   */
  execute(request: SubgraphRequest): Promise<ExecutionResult>;
  /** Opens a subscription; a refusal is the first and only result. Return the iterator to close it. */
  subscribe(request: SubgraphRequest): AsyncIterableIterator<ExecutionResult>;
  raw(request: RawRequest): Promise<RawResponse>;
  close(): Promise<void>;
};

/** A call of one service to another failed with these GraphQL errors. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly code: string;
  constructor(service: string, errors: readonly { message: string; extensions?: Record<string, unknown> }[]) {
    super(`${service}: ${errors.map((error) => error.message).join('; ')}`);
    const code = errors[0]?.extensions?.['code'];
    this.code = typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR';
    this.extensions = { code: this.code };
  }
  readonly extensions: { code: string };
}

/** Another service's operation. */
export type ServiceCall = {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly traceId: string;
  readonly deadline?: Deadline;
};

/** Calls other subgraphs as the service `app`, showing its token. */
export type ServiceCaller = <Data>(service: SubgraphName, call: ServiceCall) => Promise<Data>;

/** Throws CallError with the callee's code when it answers with errors, as a link does when it can't be reached. */
export function serviceCaller(options: {
  app: string;
  token: string;
  link: (name: SubgraphName) => SubgraphLink;
  tracing?: Tracing | undefined;
}): ServiceCaller {
  const { app, token, tracing } = options;
  async function call<Data>(service: SubgraphName, { query, variables, deadline }: ServiceCall, traceparent: string) {
    const headers = {
      [callerHeaders.app]: app,
      [callerHeaders.token]: token,
      [callerHeaders.trace]: traceparent,
    };
    const isRepeatable = /^\s*(query\b|\{)/.test(query);
    const result = await options.link(service).execute({ query, variables, headers, deadline, isRepeatable });
    if (result.errors?.length) throw new CallError(service, result.errors);
    return result.data as Data;
  }
  return <Data>(service: SubgraphName, asked: ServiceCall) => {
    const { traceId } = asked;
    if (!tracing) return call<Data>(service, asked, traceparentOf(traceId));
    const span = { service: app, name: `call ${service}`, kind: 'client', traceId, attributes: { 'peer.service': service } } as const; // prettier-ignore
    return traced(tracing, span, (begun) => call<Data>(service, asked, begun?.traceparent ?? traceparentOf(traceId)));
  };
}

/** Dependencies whose calls of other services end when the caller's own time does. */
export const withinDeadline = <Deps extends { readonly call: ServiceCaller }>(
  deps: Deps,
  deadline: Deadline | undefined,
): Deps =>
  deadline === undefined ? deps : { ...deps, call: (service, call) => deps.call(service, { deadline, ...call }) };
