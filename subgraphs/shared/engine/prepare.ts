import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { type AnswerLimits, type AnswerSize, newAnswerSize } from '../answers/answer-size.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { type Headers, callerHeaders } from '../auth/caller-headers.ts';
import type { Viewer } from '../auth/viewer.ts';
import type { Deadline } from '../time/deadline.ts';
import { documentSize } from './document-size.ts';
import { badUserInput } from '../errors/errors.ts';
import type { SubgraphRequest } from '../calls/link.ts';
import { traceIdFrom } from '../process/telemetry.ts';

/** What every resolver gets beside its subgraph's own context. */
export type CallContext = {
  readonly viewer: Viewer;
  readonly app: string;
  readonly traceId: string;
  /** The client's network address as the gateway saw it; undefined for services and where the gateway did not say. */
  readonly clientAddress?: string | undefined;
  /** What the client calls itself; told by the gateway, and to the user service alone. */
  readonly clientAgent?: string | undefined;
  /** When the caller no longer waits: calls of others end with it too. Undefined for subscriptions, which wait for ever. */
  readonly deadline: Deadline | undefined;
  /** What the answer has come to so far. */
  readonly answerSize: AnswerSize;
};

/** A request that may be executed, or the errors that say why not. */
export type Prepared =
  | { readonly traceId: string; readonly arguments: ExecutionArgs; readonly errors?: undefined }
  | { readonly traceId: string; readonly errors: readonly GraphQLError[]; readonly arguments?: undefined };

/** Finds out who calls, reads the document and makes the context. Never rejects. */
export type Prepare = (
  request: SubgraphRequest,
  allowed: 'subscription' | 'other',
  deadline?: Deadline,
) => Promise<Prepared>;

type Entry = { readonly document: DocumentNode } | { readonly errors: readonly GraphQLError[] };

const cachedDocuments = 1_000;
const cachedBytes = 32 * 1024 * 1024;

/** Documents are parsed and validated once, and known again by their text. */
export function openPreparation(
  schema: GraphQLSchema,
  options: {
    readonly authenticate: Authenticator;
    readonly context: (call: CallContext) => unknown;
    readonly limits: AnswerLimits;
  },
): Prepare {
  const documents = new LRUCache<string, Entry>({
    max: cachedDocuments,
    maxSize: cachedBytes,
    sizeCalculation: (entry, query) => documentSize(query, 'document' in entry ? entry.document : undefined, 'bare'),
  });
  function documentOf(query: string): Entry {
    let entry = documents.get(query);
    if (!entry) documents.set(query, (entry = parseAndValidate(schema, query)));
    return entry;
  }

  return async (request, allowed, deadline) => {
    const traceId = traceIdOf(request);
    try {
      const { viewer, app } = await options.authenticate(request.headers);
      const entry = documentOf(request.query);
      if ('errors' in entry) return { traceId, errors: entry.errors };
      const operation = getOperationAST(entry.document, request.operationName);
      if (!operation)
        return { traceId, errors: [badUserInput('The document needs exactly one operation, or its name.')] };
      if ((operation.operation === 'subscription') !== (allowed === 'subscription'))
        return { traceId, errors: [badUserInput(`A ${operation.operation} can't be run this way.`)] };
      // Only the gateway speaks for clients, so from anybody else the header means nothing.
      const saidOfClient = (name: string) => (app === 'gateway' ? singleHeader(request.headers, name) : undefined);
      const clientAddress = saidOfClient(callerHeaders.clientAddress);
      const clientAgent = saidOfClient(callerHeaders.clientAgent);
      const answerSize = newAnswerSize(options.limits);
      const contextValue = options.context({ viewer, app, traceId, clientAddress, clientAgent, deadline, answerSize });
      return {
        traceId,
        arguments: {
          schema,
          document: entry.document,
          contextValue,
          variableValues: request.variables as Record<string, unknown>,
          operationName: request.operationName ?? null,
        },
      };
    } catch (error) {
      return {
        traceId,
        errors: [
          error instanceof GraphQLError
            ? error
            : new GraphQLError((error as Error).message, { originalError: error as Error }),
        ],
      };
    }
  };
}

/** The trace that a request belongs to; a new one for a request without. */
export const traceIdOf = ({ headers }: SubgraphRequest): string =>
  traceIdFrom(singleHeader(headers, callerHeaders.trace));

const singleHeader = (headers: Headers, name: string): string | undefined =>
  Array.isArray(headers[name]) ? headers[name][0] : headers[name];

function parseAndValidate(schema: GraphQLSchema, query: string): Entry {
  try {
    const document = parse(query, { noLocation: true });
    const errors = validate(schema, document);
    return errors.length > 0
      ? { errors: errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED')) }
      : { document };
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [withCode(error, 'GRAPHQL_PARSE_FAILED')] };
    throw error;
  }
}

const withCode = (error: GraphQLError, code: string): GraphQLError =>
  new GraphQLError(error.message, { extensions: { code }, path: error.path ?? null });
