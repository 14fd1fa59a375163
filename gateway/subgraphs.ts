import type { GraphQLDataSource } from '@apollo/gateway';
import { type ExecutionResult, GraphQLError } from 'graphql';
import type { SubgraphLink } from '../subgraphs/shared/link.ts';
import type { Caller, CallerHeaders } from './caller.ts';
import { type ErrorReport, presentError } from './errors.ts';
import { expandEntities, splitRepresentations } from './representations.ts';

type DataSourceRequest = Parameters<GraphQLDataSource['process']>[0];
export type DataSourceResponse = Awaited<ReturnType<GraphQLDataSource['process']>>;

/** What the gateway's executor hands to every fetch of one operation. */
export type OperationContext = { readonly caller: Caller };

/**
 * A subgraph as Apollo's gateway calls it, over a link of either kind. Equal representations of an `_entities` fetch are
 * sent once, in chunks that the subgraph accepts. A subgraph that can't be reached answers with an error, so that the
 * rest of the operation is served and the error carries the path of what is missing.
 */
export function dataSource(options: {
  link: SubgraphLink;
  headers: CallerHeaders;
  report: Pick<ErrorReport, 'log'>;
}): GraphQLDataSource {
  const { link } = options;

  async function run(
    request: DataSourceRequest['request'],
    variables: Record<string, unknown>,
    caller: Caller,
  ): Promise<ExecutionResult> {
    try {
      const headers = await options.headers(caller);
      return await link.execute({
        query: request.query ?? '',
        variables,
        operationName: request.operationName,
        headers,
      });
    } catch (error) {
      const shown = presentError(error, { log: options.report.log, traceId: caller.traceId });
      // Said once, at the first place where something is missing, however many entities were asked for.
      const path = 'representations' in variables ? ['_entities', 0] : undefined;
      return {
        errors: [
          new GraphQLError(shown.message, {
            ...(path && { path }),
            ...(shown.extensions && { extensions: shown.extensions }),
          }),
        ],
      };
    }
  }

  return {
    async process({ request, context }) {
      const { caller } = context as OperationContext;
      const variables = request.variables ?? {};
      const { representations } = variables as { representations?: readonly unknown[] };
      if (!Array.isArray(representations)) return run(request, variables, caller);
      const split = splitRepresentations(representations);
      if (split.isWhole) return run(request, variables, caller);
      const results = await Promise.all(
        split.chunks.map((chunk) => run(request, { ...variables, representations: chunk }, caller)),
      );
      return expandEntities(split, results);
    },
  };
}
