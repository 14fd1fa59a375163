import { type ExecutionArgs, GraphQLError } from 'graphql';
import type { Caller } from '../callers/caller.ts';
import type { Variables } from '../documents/cost.ts';
import type { Documents } from '../documents/documents.ts';
import { refusal } from '../errors.ts';
import type { Operation, Supergraph } from '../supergraph/supergraph.ts';
import { refusalOfVariables } from '../documents/limits.ts';
import type { Newcomers } from '../turns/new-documents.ts';
import { clientOf } from './run-operation.ts';
import type { DocumentRequest, PersistedQueries, ResolvedText } from '../documents/persisted-queries.ts';

/** What a client asks for over a connection that stays open. */
export type SentOperation = DocumentRequest & {
  readonly query?: unknown;
  readonly operationName?: string | null | undefined;
  readonly variables?: Variables | null | undefined;
};

/** What was sent, ready to be executed; `isGone` says that nobody waits any more. */
export type ReadOperation = Operation & { readonly isGone: () => boolean };

export type SentOperationDeps = {
  readonly supergraph: Supergraph;
  readonly documents: Documents;
  readonly persisted: PersistedQueries;
  readonly newcomers: Newcomers;
};

/**
 * Reads, checks and plans what a client sent over a WebSocket or an event stream. Gives arguments for the protocol's library, with
 * our operation as their `contextValue`, or what is wrong.
 */
export async function readSentOperation(
  { supergraph, documents, persisted, newcomers }: SentOperationDeps,
  sent: SentOperation,
  { caller, isGone }: { caller: Caller; isGone: () => boolean },
): Promise<(ExecutionArgs & { readonly contextValue: ReadOperation }) | readonly GraphQLError[]> {
  try {
    const variables = sent.variables ?? {};
    const refused = refusalOfVariables(variables);
    if (refused) return [refused];
    const operationName = sent.operationName ?? undefined;
    const { query, register }: ResolvedText = persisted.isNamed(sent) ? await persisted.textOf(sent) : plainText(sent);
    const text = { query, operationName, variables };
    if (!newcomers.isKnown(text)) await newcomers.introduce(text, { client: clientOf(caller), isGone });
    const read = documents.read(query, variables);
    const errors = read.validationErrors();
    if (errors.length > 0) return errors;
    if (register !== undefined) persisted.remember(register, query);
    if (operationName !== undefined && operationName !== read.operation.name?.value)
      return [refusal('OPERATION_RESOLUTION_FAILURE', `The document has no operation named "${operationName}".`)];
    const operation: ReadOperation = { query, document: read.document, operationName, variables, caller, isGone };
    if (read.operation.operation === 'subscription') supergraph.planSubscription(operation);
    return {
      schema: supergraph.schema,
      document: read.document,
      operationName: operationName ?? null,
      variableValues: variables,
      contextValue: operation,
    };
  } catch (error) {
    return [error instanceof GraphQLError ? error : new GraphQLError('unexpected', { originalError: error as Error })];
  }
}

function plainText({ query }: SentOperation): ResolvedText {
  if (typeof query !== 'string') throw refusal('BAD_REQUEST', 'query: must be the text of a GraphQL document.');
  return { query };
}
