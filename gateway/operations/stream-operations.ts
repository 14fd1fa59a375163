import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import type { Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import type { TokenVerifier } from '../callers/access-tokens.ts';
import type { Subscriptions } from '../streams/subscriptions.ts';
import type { Supergraph } from '../supergraph/supergraph.ts';
import { observe } from './measure.ts';
import type { OperationReader, ReadOperation, RequestParameters, Sender } from './read-operation.ts';
import type { RunOperation } from './run-operation.ts';

export type StreamOperationDeps = {
  readonly reader: OperationReader;
  readonly supergraph: Supergraph;
  readonly subscriptions: Subscriptions;
  readonly verifier: TokenVerifier;
  readonly run: RunOperation;
  readonly metrics: Metrics;
};

/** What the library of a protocol for streams is given to run. */
type StreamArguments = ExecutionArgs & { readonly contextValue: ReadOperation };

/** Operations over connections that stay open: WebSockets and event streams. */
export type StreamOperations = {
  /** Arguments for the protocol's library, or what is wrong. */
  read(parameters: RequestParameters, sender: Sender): Promise<StreamArguments | readonly GraphQLError[]>;
  /** Runs a query or mutation. */
  execute(operation: ReadOperation): Promise<ExecutionResult>;
  /** Follows a subscription while its caller may. Throws as `Subscriptions.follow` does. */
  subscribe(operation: ReadOperation): AsyncIterableIterator<ExecutionResult>;
};

export function streamOperations(deps: StreamOperationDeps): StreamOperations {
  const { reader, supergraph, subscriptions, verifier, run, metrics } = deps;
  return {
    async read(parameters, sender) {
      try {
        const operation = reader.known(parameters, sender) ?? (await reader.read(parameters, sender));
        const { read, errors, document, operationName = null, variables } = operation;
        if (errors.length > 0) return errors;
        if (read.operation.operation === 'subscription') supergraph.planSubscription(operation);
        return {
          schema: supergraph.schema,
          document,
          operationName,
          variableValues: variables,
          contextValue: operation,
        };
      } catch (error) {
        return [
          error instanceof GraphQLError ? error : new GraphQLError('unexpected', { originalError: error as Error }),
        ];
      }
    },
    async execute(operation) {
      const started = performance.now();
      const result = await run(operation, operation.isGone).catch((error: GraphQLError) => ({ errors: [error] }));
      observe(metrics, { operation: operation.read.label, errors: result.errors, started });
      return result;
    },
    subscribe(operation) {
      observe(metrics, { operation: operation.read.label, errors: undefined, started: performance.now() });
      return subscriptions.follow(operation, () => verifier.stands(operation.caller));
    },
  };
}
