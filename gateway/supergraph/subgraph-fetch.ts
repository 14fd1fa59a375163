import { GraphQLError } from 'graphql';
import type { Headers } from '../../subgraphs/shared/auth/caller-headers.ts';
import { type Deadline, deadlineIn } from '../../subgraphs/shared/time/deadline.ts';
import type { HeaderLines } from '../../subgraphs/shared/http/transport.ts';
import type { SubgraphLink, SubgraphRequest } from '../../subgraphs/shared/calls/link.ts';
import { type SubgraphName, subgraphNames } from '../../subgraphs/shared/values/subgraph-names.ts';
import { type Caller, type CallerHeaders, type CallerSaid, clientOf } from '../callers/caller.ts';
import { type ErrorReport, presentError } from '../errors.ts';
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
  /** What the caller's headers are, made once for all fetches. */
  readonly said: () => ReturnType<CallerHeaders>;
};

/** Begins the time that an operation has. */
export function fetchContext(options: { headers: CallerHeaders; timeoutMs: number }, caller: Caller): FetchContext {
  let said: ReturnType<CallerHeaders> | undefined;
  return { caller, deadline: deadlineIn(options.timeoutMs), said: () => (said ??= options.headers(caller)) };
}

/**
 * The subgraphs as the executor calls them, over links of either kind. One that can't be reached costs its own fields
 * only: the executor says why they are missing with the error that is thrown here, which is as the client may see it.
 */
export function subgraphFetch(options: {
  link: (name: SubgraphName) => SubgraphLink;
  report: Pick<ErrorReport, 'log'>;
}): SubgraphFetch<FetchContext> {
  function ask(serviceName: string, planned: PlannedRequest<FetchContext>): Promise<SubgraphResponse> {
    const link = options.link(subgraphName(serviceName));
    const said = planned.context.said();
    return said instanceof Promise
      ? said.then((known) => link.execute(new PlannedCall(planned, known)))
      : link.execute(new PlannedCall(planned, said));
  }
  return (serviceName, planned) => {
    const failed = (error: unknown): never => {
      const { traceId } = planned.context.caller;
      const { message, extensions } = presentError(error, { log: options.report.log, traceId });
      throw new GraphQLError(message, { ...(extensions && { extensions }) });
    };
    try {
      return ask(serviceName, planned).catch(failed);
    } catch (error) {
      return failed(error);
    }
  };
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

/**
 * Subgraphs present their errors themselves. One without a code was not: under a code that nobody knows it is logged
 * and masked when the answer is presented.
 */
export const errorPolicy: ErrorPolicy = ({ message, extensions }) => ({
  message,
  extensions: { ...extensions, code: extensions['code'] ?? 'NOT_PRESENTED' },
});

const knownNames: ReadonlySet<string> = new Set(subgraphNames);

/** Throws for what is not a subgraph of this platform. */
export function subgraphName(name: string): SubgraphName {
  if (!knownNames.has(name))
    throw new Error(`the supergraph names a subgraph that this platform does not have: ${name}`);
  return name as SubgraphName;
}
