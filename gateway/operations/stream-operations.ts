import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import type { TokenVerifier } from '../callers/access-tokens.ts';
import type { Subscriptions } from '../streams/subscriptions.ts';
import type { Supergraph } from '../supergraph/supergraph.ts';
import { type OperationWatch, type WatchDeps, watchOperation } from './operation-watch.ts';
import type { OperationReader, ReadOperation, RequestParameters, Sender } from './read-operation.ts';
import type { RunOperation } from './run-operation.ts';

export type StreamOperationDeps = WatchDeps & {
  readonly reader: OperationReader;
  readonly supergraph: Supergraph;
  readonly subscriptions: Subscriptions;
  readonly verifier: TokenVerifier;
  readonly run: RunOperation;
};

/** What the library of a protocol for streams is given to run. */
type StreamArguments = ExecutionArgs & { readonly contextValue: ReadOperation };

/** Operations over connections that stay open: WebSockets and event streams. */
export type StreamOperations = {
  /** Begins to watch an operation. `traceparent`: by which its client carries a trace on. */
  watch(traceparent: string | undefined): OperationWatch;
  /** Arguments for the protocol's library, or what is wrong. */
  read(parameters: RequestParameters, sender: Sender): Promise<StreamArguments | readonly GraphQLError[]>;
  /** Runs a query or mutation. */
  execute(operation: ReadOperation): Promise<ExecutionResult>;
  /** Follows a subscription while its caller may. Throws as `Subscriptions.follow` does. */
  subscribe(operation: ReadOperation): AsyncIterableIterator<ExecutionResult>;
};

export function streamOperations(deps: StreamOperationDeps): StreamOperations {
  const { reader, supergraph, subscriptions, verifier, run } = deps;
  return {
    watch: (traceparent) => watchOperation(deps, traceparent),
    async read(parameters, sender) {
      try {
        const operation = reader.known(parameters, sender) ?? (await reader.read(parameters, sender));
        const { read, errors, document, operationName = null, variables } = operation;
        if (errors.length > 0) {
          sender.watch.done({ asked: operation, instead: 'invalid', errors });
          return errors;
        }
        if (read.operation.operation === 'subscription') supergraph.planSubscription(operation);
        return {
          schema: supergraph.schema,
          document,
          operationName,
          variableValues: variables,
          contextValue: operation,
        };
      } catch (error) {
        const known =
          error instanceof GraphQLError ? error : new GraphQLError('unexpected', { originalError: error as Error });
        sender.watch.done({ errors: [known] });
        return [known];
      }
    },
    async execute(operation) {
      const result = await run(operation, operation.isGone).catch((error: GraphQLError) => ({ errors: [error] }));
      operation.watch.done({ asked: operation, errors: result.errors });
      return result;
    },
    subscribe(operation) {
      operation.watch.done({ asked: operation });
      return subscriptions.follow(operation, () => verifier.stands(operation.caller));
    },
  };
}
