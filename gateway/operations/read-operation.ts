import { GraphQLError } from 'graphql';
import { type Caller, clientOf } from '../callers/caller.ts';
import type { Documents, ReadDocument } from '../documents/documents.ts';
import { refusalOfVariables } from '../documents/limits.ts';
import type { DocumentRequest, PersistedQueries, ResolvedText } from '../documents/persisted-queries.ts';
import { refusal } from '../errors.ts';
import type { OperationWatch } from './operation-watch.ts';
import { type Variables, isJsonObject } from '../execute/types.ts';
import type { Operation } from '../supergraph/supergraph.ts';
import type { Newcomers } from '../turns/new-documents.ts';

/** What a client sent, read by `front/request-parameters.ts`. */
export type RequestParameters = DocumentRequest & {
  /** Null where a hash or an id alone names the document. */
  readonly query: string | null;
  readonly operationName: string | undefined;
  readonly variables: Variables;
  /** Sent by GET, which changes nothing. */
  readonly isGet: boolean;
};

/** Who sent it, whether nobody waits for the answer any more, and who watches over it. */
export type Sender = {
  readonly caller: Caller;
  readonly isGone: () => boolean;
  /** What is told of the operation's end. */
  readonly watch: OperationWatch;
};

/** An operation within the limits. It may run when it has no errors. */
export type ReadOperation = Operation &
  Sender & {
    readonly read: ReadDocument;
    /** What validation found. */
    readonly errors: readonly GraphQLError[];
  };

export type OperationReader = {
  /**
   * Reads an operation that was sent lately, without a promise. Undefined for one that is new, or that a hash or an id
   * names: those are for `read`. Throws as `read` rejects.
   */
  known(parameters: RequestParameters, sender: Sender): ReadOperation | undefined;
  /**
   * Finds the document, waits for the turn of a new one, parses, checks and validates it. Rejects with a refusal, which says what is wrong with the
   * request, or with OVERLOADED.
   */
  read(parameters: RequestParameters, sender: Sender): Promise<ReadOperation>;
};

/** From what a client sent to an operation that may run, for all ways in. */
export function openOperationReader(deps: {
  documents: Documents;
  persisted: PersistedQueries;
  newcomers: Newcomers;
}): OperationReader {
  const { documents, persisted, newcomers } = deps;

  function readText(
    { query, register }: ResolvedText,
    { operationName, variables, isGet, extensions }: RequestParameters,
    { caller, isGone, watch }: Sender,
  ): ReadOperation {
    const read = documents.read(query, variables);
    const { document, operation } = read;
    const errors = read.validationErrors();
    if (errors.length === 0) {
      if (register !== undefined) persisted.remember(register, query);
      if (operationName !== undefined && operationName !== operation.name?.value)
        throw refusal('OPERATION_RESOLUTION_FAILURE', `The document has no operation named "${operationName}".`);
      if (isGet && operation.operation === 'mutation') throw mutationByGet();
    }
    return {
      query,
      document,
      operationName,
      variables,
      caller,
      isGone,
      watch,
      read,
      errors,
      tellsTrace: isJsonObject(extensions) && extensions['traceId'] === true,
    };
  }

  return {
    known(parameters, sender) {
      const { query, operationName, variables } = parameters;
      if (query === null || persisted.isNamed(parameters)) return undefined;
      checkVariables(variables);
      return newcomers.isKnown({ query, operationName, variables })
        ? readText({ query }, parameters, sender)
        : undefined;
    },
    async read(parameters, sender) {
      const { operationName, variables } = parameters;
      checkVariables(variables);
      const text = persisted.isNamed(parameters)
        ? await persisted.textOf(parameters)
        : { query: parameters.query as string };
      const sent = { query: text.query, operationName, variables };
      if (!newcomers.isKnown(sent)) {
        const span = sender.caller.span?.child({ name: 'read and plan' });
        const introduced = newcomers.introduce(sent, { client: clientOf(sender.caller), isGone: sender.isGone });
        await introduced.finally(() => span?.end());
      }
      return readText(text, parameters, sender);
    },
  };
}

function checkVariables(variables: Variables): void {
  const refused = refusalOfVariables(variables);
  if (refused) throw refused;
}

const mutationByGet = () =>
  new GraphQLError('Mutations run by POST.', {
    extensions: { code: 'BAD_REQUEST', http: { status: 405, headers: new Map([['allow', 'POST']]) } },
  });
