import { GraphQLError } from 'graphql';
import type { Headers } from '../subgraphs/shared/auth.ts';
import { type Deadline, deadlineIn } from '../subgraphs/shared/deadline.ts';
import { type SubgraphLink, type SubgraphName, subgraphNames } from '../subgraphs/shared/link.ts';
import type { Caller, CallerHeaders } from './caller.ts';
import { type ErrorReport, presentError } from './errors.ts';
import type { ErrorPolicy, SubgraphFetch } from './execute/types.ts';

/** Who sent an operation, as Apollo Server's plugins and our own code pass it on. */
export type OperationContext = { readonly caller: Caller };

/** What the gateway hands to every fetch of one operation. */
export type FetchContext = {
  readonly caller: Caller;
  /** When the client gets its answer, with whatever is there by then. */
  readonly deadline: Deadline;
  /** The caller's headers, made once for all fetches. */
  readonly headers: () => Promise<Headers>;
};

/** Begins the time that an operation has. */
export function fetchContext(options: { headers: CallerHeaders; timeoutMs: number }, caller: Caller): FetchContext {
  let headers: Promise<Headers> | undefined;
  return {
    caller,
    deadline: deadlineIn(options.timeoutMs),
    headers: () => (headers ??= options.headers(caller)),
  };
}

/**
 * The subgraphs as the executor calls them, over links of either kind. One that can't be reached costs its own fields
 * only: the executor says why they are missing with the error that is thrown here, which is as the client may see it.
 */
export function subgraphFetch(options: {
  link: (name: SubgraphName) => SubgraphLink;
  report: Pick<ErrorReport, 'log'>;
}): SubgraphFetch<FetchContext> {
  return async (serviceName, request) => {
    const { caller, deadline, headers } = request.context;
    try {
      return await options.link(subgraphName(serviceName)).execute({
        query: request.query,
        operationName: request.operationName,
        // Made only where the link reads them; over HTTP the text is enough.
        get variables() {
          return request.variables;
        },
        body: () => request.body(),
        headers: await headers(),
        deadline,
        isRepeatable: !request.isMutation,
      });
    } catch (error) {
      const { message, extensions } = presentError(error, { log: options.report.log, traceId: caller.traceId });
      throw new GraphQLError(message, { ...(extensions && { extensions }) });
    }
  };
}

/**
 * Subgraphs present their errors themselves. One without a code was not: under a code that nobody knows it is logged
 * and masked when the answer is presented.
 */
export const errorPolicy: ErrorPolicy = ({ message, extensions }) => ({
  message,
  extensions: { ...extensions, code: extensions['code'] ?? 'NOT_PRESENTED' },
});

/** Throws for what is not a subgraph of this platform. */
export function subgraphName(name: string): SubgraphName {
  const known = subgraphNames.find((one) => one === name);
  if (!known) throw new Error(`the supergraph names a subgraph that this platform does not have: ${name}`);
  return known;
}
