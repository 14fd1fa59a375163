import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  type DocumentNode, type ExecutionResult, GraphQLError, type GraphQLSchema, Kind, execute, getOperationAST, parse, subscribe, validate,
} from 'graphql'; // prettier-ignore
import { LRUCache } from 'lru-cache';
import { type Authenticator, type Headers, type Viewer, callerHeaders } from './auth.ts';
import { documentSize } from './document-size.ts';
import { RefusedError, badUserInput, errorCodes, isUnavailable } from './errors.ts';
import type { RawRequest, RawResponse, SubgraphLink, SubgraphName, SubgraphRequest } from './link.ts';
import { type Logger, type Metrics, traceIdFrom } from './telemetry.ts';

/** What every resolver gets beside its subgraph's own context. */
export type CallContext = {
  readonly viewer: Viewer;
  readonly app: string;
  readonly traceId: string;
  /** The client's network address as the gateway saw it; undefined for services and where the gateway did not say. */
  readonly clientAddress?: string | undefined;
};

export type Route = (request: RawRequest, params: Readonly<Record<string, string>>) => Promise<RawResponse>;

/** A subgraph as the composition root holds it: a link that runs in this process, with its life cycle. */
export type Subgraph = SubgraphLink & {
  readonly schema: GraphQLSchema;
  /** Starts the background work (outbox relay, event consumers, jobs) in this process. */
  startWorker(): Promise<void>;
  /** What readiness depends on; a rejected promise is "not ready". */
  ready(): Promise<void>;
};

// Resolvers are typed in each subgraph by the generated types; here only their shape matters.
// eslint-disable-next-line typescript/no-explicit-any
type AnyResolver = (...args: any[]) => unknown;
export type ResolverMap = Record<string, unknown>;

const cachedDocuments = 1_000;
const cachedBytes = 32 * 1024 * 1024;
export const maxRepresentations = 100;

export type EngineOptions<Context extends CallContext> = {
  readonly name: SubgraphName;
  /** The hand-written SDL of `schema/<name>.graphql`. */
  readonly typeDefs: DocumentNode;
  readonly resolvers: ResolverMap;
  readonly authenticate: Authenticator;
  /** Builds the context of one request: dependencies and fresh loaders. */
  readonly context: (call: CallContext) => Context;
  /** Plain HTTP routes, `METHOD /path/:param`. They authenticate themselves. */
  readonly routes?: Readonly<Record<string, Route>>;
  readonly log: Logger;
  readonly metrics: Metrics;
};

/**
 * Runs GraphQL requests against one subgraph: authenticates the caller, parses and validates (cached), executes, masks
 * unexpected errors behind a trace id. The same engine answers in-process calls and HTTP.
 */
export function createEngine<Context extends CallContext>(
  options: EngineOptions<Context>,
): Pick<Subgraph, 'name' | 'schema' | 'execute' | 'subscribe' | 'raw'> {
  const schema = buildSubgraphSchema([
    { typeDefs: options.typeDefs, resolvers: asyncReferences(options.resolvers) as never },
  ]);
  limitRepresentations(schema);
  const documents = new LRUCache<string, { document: DocumentNode } | { errors: readonly GraphQLError[] }>({
    max: cachedDocuments,
    maxSize: cachedBytes,
    sizeCalculation: (entry, query) => documentSize(query, 'document' in entry ? entry.document : undefined, 'bare'),
  });

  function documentOf(query: string) {
    const entry = documents.get(query) ?? parseAndValidate(schema, query);
    documents.set(query, entry);
    return entry;
  }

  async function prepare(request: SubgraphRequest, allowed: 'subscription' | 'other') {
    const traceId = traceIdFrom(singleHeader(request.headers, callerHeaders.trace));
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
      const clientAddress = app === 'gateway' ? singleHeader(request.headers, callerHeaders.clientAddress) : undefined;
      const contextValue = options.context({ viewer, app, traceId, clientAddress });
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
  }

  const present = (result: ExecutionResult, traceId: string): ExecutionResult =>
    result.errors
      ? { ...result, errors: result.errors.map((error) => presentError(error, { ...options, traceId })) }
      : result;

  return {
    name: options.name,
    schema,
    async execute(request) {
      const started = performance.now();
      const prepared = await prepare(request, 'other');
      const result = present(
        prepared.errors ? { errors: prepared.errors } : await execute(prepared.arguments),
        prepared.traceId,
      );
      const code = resultCode(result);
      options.metrics.operationDuration.observe(
        { service: options.name, operation: operationLabel(prepared.arguments?.document), code },
        (performance.now() - started) / 1000,
      );
      return result;
    },
    subscribe(request) {
      const prepared = prepare(request, 'subscription');
      const source = prepared.then(async ({ errors, arguments: args }) => {
        const stream = errors ? { errors } : await subscribe(args);
        return Symbol.asyncIterator in stream ? stream : single(stream);
      });
      return {
        [Symbol.asyncIterator]() {
          return this;
        },
        async next() {
          const step = await (await source).next().catch(async (error: Error) => {
            // The source broke: what it threw goes to the caller as any error does, known or masked.
            const { traceId } = await prepared;
            throw presentError(new GraphQLError(error.message, { originalError: error }), { ...options, traceId });
          });
          return step.done
            ? { done: true, value: undefined }
            : { done: false, value: present(step.value, (await prepared).traceId) };
        },
        // Not a generator: its return() would wait for the event that a pending next() waits for.
        async return() {
          await (await source).return?.();
          return { done: true, value: undefined };
        },
      };
    },
    raw: (request) => route(options.routes ?? {}, request),
  };
}

/** Code of the first error, for the metrics. */
function resultCode(result: ExecutionResult): string {
  const code = result.errors?.[0]?.extensions['code'] ?? 'OK';
  return typeof code === 'string' ? code : 'UNKNOWN';
}

async function* single(result: ExecutionResult): AsyncGenerator<ExecutionResult, void, void> {
  yield result;
}

/** The first root field, e.g. `login` or `_entities`: a client names its operations as it likes, without end. */
function operationLabel(document: DocumentNode | undefined): string {
  const operation = document && getOperationAST(document);
  const root = operation?.selectionSet.selections.find((selection) => selection.kind === Kind.FIELD);
  return root?.name.value ?? (document ? 'other' : 'refused');
}

const singleHeader = (headers: Headers, name: string): string | undefined =>
  Array.isArray(headers[name]) ? headers[name][0] : headers[name];

function parseAndValidate(schema: GraphQLSchema, query: string) {
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

/** A synchronous throw in one `__resolveReference` nulls the whole batch of entities, so each becomes a promise. */
function asyncReferences(resolvers: ResolverMap): ResolverMap {
  return Object.fromEntries(
    Object.entries(resolvers).map(([type, fields]) => {
      const reference = (fields as { __resolveReference?: AnyResolver }).__resolveReference;
      return [
        type,
        reference
          ? { ...(fields as object), __resolveReference: async (...args: unknown[]) => reference(...args) }
          : fields,
      ];
    }),
  );
}

function limitRepresentations(schema: GraphQLSchema): void {
  const field = schema.getQueryType()?.getFields()['_entities'];
  if (!field?.resolve) return;
  const { resolve } = field;
  field.resolve = (source, args: { representations: unknown[] }, context, info) => {
    if (args.representations.length > maxRepresentations)
      throw badUserInput(`_entities takes at most ${maxRepresentations} representations.`);
    return resolve(source, args, context, info);
  };
}

const knownCodes = new Set<unknown>([...errorCodes, 'GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED']);

/** Known errors go out as they are; "not now" becomes SERVICE_UNAVAILABLE; all else is logged and masked. */
function presentError(error: GraphQLError, options: { name: string; log: Logger; traceId: string }): GraphQLError {
  const show = (message: string, code: unknown) =>
    new GraphQLError(message, { path: error.path ?? null, extensions: { code, traceId: options.traceId } });
  const cause = error.originalError ?? error;
  const code = error.extensions['code'];
  if (cause instanceof RefusedError)
    return show(cause.message, cause.refusals[0]?.code === 'NOT_FOUND' ? 'NOT_FOUND' : 'BAD_USER_INPUT');
  if (cause instanceof GraphQLError && knownCodes.has(code)) return show(error.message, code);
  // graphql-js reports variables and arguments that can't be coerced without an original error, or with the scalar's own;
  // variables before there is a path.
  const beforeExecution = error.path === undefined && cause instanceof GraphQLError;
  if (code === undefined && (!error.originalError || beforeExecution)) return show(error.message, 'BAD_USER_INPUT');
  if (isUnavailable(cause)) {
    options.log.warn({ err: cause.message, traceId: options.traceId }, 'a dependency is unavailable');
    return show(`The ${options.name} service can't answer right now; try again.`, 'SERVICE_UNAVAILABLE');
  }
  options.log.error({ err: cause, traceId: options.traceId, path: error.path }, 'unexpected error');
  return show(`Something went wrong on our side; quote trace id ${options.traceId}.`, 'INTERNAL_SERVER_ERROR');
}

async function route(routes: Readonly<Record<string, Route>>, request: RawRequest): Promise<RawResponse> {
  const parts = (request.path.split('?')[0] ?? '').split('/');
  for (const [pattern, handler] of Object.entries(routes)) {
    const [method, path = ''] = pattern.split(' ');
    const expected = path.split('/');
    if (method !== request.method || expected.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const matches = expected.every((part, index) => {
      if (!part.startsWith(':')) return part === parts[index];
      params[part.slice(1)] = parts[index] ?? '';
      return parts[index] !== '';
    });
    if (matches) return handler(request, params);
  }
  return jsonResponse(404, { code: 'NOT_FOUND', message: 'No such path.' });
}

export const jsonResponse = (status: number, body: unknown): RawResponse => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(body),
});
