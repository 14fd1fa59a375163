import { buildSubgraphSchema } from '@apollo/subgraph';
import { type DocumentNode, type ExecutionResult, GraphQLError, type GraphQLObjectType, type GraphQLSchema, Kind, execute, getNamedType, getOperationAST, isListType, isNonNullType, isScalarType, isSpecifiedScalarType, subscribe } from 'graphql'; // prettier-ignore
import { boundLists, isOver } from '../answers/answer-lists.ts';
import {
  addErrors,
  addValue,
  answerTooLarge,
  checkBytes,
  newAnswerSize,
  noteSize,
  notedSize,
} from '../answers/answer-size.ts';
import { type Answering, openAnswering } from '../answers/answering.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { callerHeaders, header } from '../auth/caller-headers.ts';
import { type Deadline, deadlineIn, deadlineOf, defaultTimeoutMs, openExpiry, remainingMs } from '../time/deadline.ts';
import { badUserInput, deadlineExceeded } from '../errors/errors.ts';
import { keyRefusal } from '../tables/idempotency.ts';
import { type RawRequest, type RawResponse, type SubgraphLink, type SubgraphRequest, maxRepresentations } from '../calls/link.ts'; // prettier-ignore
import type { SubgraphName } from '../values/subgraph-names.ts';
import { type CallContext, type Prepared, openPreparation, traceIdOf } from './prepare.ts';
import { type PresentOptions, presentError, presentResult } from './present-error.ts';
import { spellIds } from './spelled-ids.ts';
import type { Logger, Metrics } from '../process/telemetry.ts';
import type { TracedSpan } from '../tracing/span.ts';
import { exemplarOf } from '../tracing/exemplars.ts';
import { type SpanOptions, type Tracing, isFault, traced } from '../tracing/tracing.ts';

export type Route = (request: RawRequest, params: Readonly<Record<string, string>>) => Promise<RawResponse>;

/** A subgraph as the composition root holds it: a link that runs in this process, with its life cycle. */
export type Subgraph = SubgraphLink & {
  readonly name: SubgraphName;
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

/** Of one answer. */
const maxErrors = 1_000;

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
  /** How large answers may be. Default: the default limits. */
  readonly answering?: Answering;
  readonly log: Logger;
  readonly metrics: Metrics;
};

/**
 * Runs GraphQL requests against one subgraph: authenticates the caller, parses and validates (cached), executes, masks
 * unexpected errors behind a trace id. The same engine answers in-process calls and HTTP. Nobody waits longer than until
 * the request's deadline, whatever hangs; work that was begun goes on.
 */
export function createEngine<Context extends CallContext>(
  options: EngineOptions<Context>,
): Pick<Subgraph, 'name' | 'schema' | 'execute' | 'subscribe' | 'raw'> {
  const schema = buildSubgraphSchema([
    { typeDefs: options.typeDefs, resolvers: asyncReferences(options.resolvers) as never },
  ]);
  limitRepresentations(schema);
  spellIds(schema);
  checkKeysFirst(schema);
  ownLeaves(schema);
  const { limits, turns } = options.answering ?? openAnswering();
  boundLists(schema, turns);
  const prepare = openPreparation(schema, { ...options, limits });
  const expiry = openExpiry();
  const late = () => deadlineExceeded(`The ${options.name} service did not answer in time.`);

  async function run(request: SubgraphRequest, deadline: Deadline): Promise<Outcome> {
    const { traceId, errors, arguments: args } = await prepare(request, 'other', deadline);
    const result = args ? bounded(await execute(args), args.contextValue as CallContext) : { errors };
    return { result, traceId, document: args?.document };
  }
  return {
    name: options.name,
    schema,
    execute(request) {
      const { tracing } = options.metrics;
      return tracing ? asSpan(tracing, request) : executeNow(request, undefined);
    },
    subscribe: (request) => eventsOf(prepare(request, 'subscription'), options),
    raw: (request) =>
      traced(options.metrics.tracing, rawSpan(options.name, request), () =>
        expiry.within(deadlineIn(defaultTimeoutMs), route(options.routes ?? {}, request), () => {
          throw late();
        }),
      ),
  };

  function asSpan(tracing: Tracing, request: SubgraphRequest): Promise<ExecutionResult> {
    const traceparent = header(request.headers, callerHeaders.trace);
    const span = tracing.begin({ service: options.name, name: 'operation', kind: 'server', traceparent });
    return tracing.inside(span, () => executeNow(request, span));
  }
  async function executeNow(request: SubgraphRequest, span: TracedSpan | undefined): Promise<ExecutionResult> {
    const started = performance.now();
    const deadline = request.deadline ?? deadlineOf(request.headers);
    const tooLate = (): Outcome => ({
      result: { errors: [late()] },
      traceId: traceIdOf(request),
      document: undefined,
    });
    const outcome =
      remainingMs(deadline) > 0 ? await expiry.within(deadline, run(request, deadline), tooLate) : tooLate();
    const result = presentResult(outcome.result, { ...options, traceId: outcome.traceId });
    if (result !== outcome.result) noteSize(result, notedSize(outcome.result));
    const code = resultCode(result);
    const operation = operationLabel(outcome.document);
    const caller = header(request.headers, callerHeaders.app) === 'gateway' ? 'api' : 'service';
    const durationMs = performance.now() - started;
    options.metrics.operationDuration.observe({ labels: { service: options.name, operation, code, caller }, value: durationMs / 1000, exemplarLabels: exemplarOf(span) }); // prettier-ignore
    if (options.log.isLevelEnabled('debug'))
      options.log.debug(
        { service: options.name, operation, caller, code, durationMs, traceId: outcome.traceId },
        'operation of a subgraph',
      );
    if (span) {
      span.rename(operation);
      span.set({ 'graphql.operation.name': operation, ...(code !== 'OK' && { 'graphql.error.code': code }) });
      if (isFault(code)) span.fail(code);
      span.end();
    }
    return result;
  }
}

const rawSpan = (service: string, { method, path, headers }: RawRequest): SpanOptions => ({
  service,
  name: `${method} ${path.split('/').slice(0, 3).join('/').split('?')[0]}`,
  kind: 'server',
  traceparent: header(headers, callerHeaders.trace),
});

type Outcome = {
  readonly result: ExecutionResult;
  readonly traceId: string;
  /** The document that was executed. */
  readonly document: DocumentNode | undefined;
};

/** The result, or ANSWER_TOO_LARGE in place of one that is above the limits; a large one has its size noted. */
function bounded(result: ExecutionResult, { answerSize }: CallContext): ExecutionResult {
  const { limits } = answerSize;
  if (isOver(answerSize)) return { errors: [answerTooLarge(limits)] };
  const size = newAnswerSize(limits);
  const { errors = [] } = result;
  const answer = errors.length > maxErrors ? { ...result, errors: errors.slice(0, maxErrors) } : result;
  try {
    addValue(size, answer.data);
    addErrors(size, answer.errors ?? []);
    checkBytes(answer, size);
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] };
    throw error;
  }
  return noteSize(answer, size.bytes);
}

/** The results of a subscription; a refusal is the only one. */
function eventsOf(
  preparing: Promise<Prepared>,
  options: Pick<PresentOptions, 'name' | 'log'>,
): AsyncIterableIterator<ExecutionResult> {
  const source = preparing.then(async ({ errors, arguments: args }) => {
    const stream = args ? await subscribe(args) : { errors };
    return Symbol.asyncIterator in stream ? stream : single(stream);
  });
  async function shown(event: ExecutionResult): Promise<ExecutionResult> {
    const { traceId, arguments: args } = await preparing;
    const result = args ? bounded(event, args.contextValue as CallContext) : event;
    return presentResult(result, { ...options, traceId });
  }
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const events = await source;
      // Each event is an answer of its own.
      const { arguments: args } = await preparing;
      if (args) (args.contextValue as CallContext).answerSize.values = 0;
      const step = await events.next().catch(async (error: Error) => {
        // The source broke: what it threw goes to the caller as any error does, known or masked.
        const { traceId } = await preparing;
        throw presentError(new GraphQLError(error.message, { originalError: error }), { ...options, traceId });
      });
      return step.done ? { done: true, value: undefined } : { done: false, value: await shown(step.value) };
    },
    // Not a generator: its return() would wait for the event that a pending next() waits for.
    async return() {
      await (await source).return?.();
      return { done: true, value: undefined };
    },
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

/**
 * The gateway writes into the answers that it gets. Over HTTP they are its own; in process a leaf that is an object (a JSON
 * value) may be one that a resolver keeps, so it leaves as a copy: just what would have arrived over HTTP.
 */
function ownLeaves(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    // Federation's own scalars belong to all schemas of the process, and never leave.
    if (!isScalarType(type) || isSpecifiedScalarType(type) || !type.astNode) continue;
    const { serialize } = type;
    type.serialize = (value) => {
      const leaf: unknown = serialize(value);
      return typeof leaf === 'object' && leaf !== null ? (JSON.parse(JSON.stringify(leaf)) as unknown) : leaf;
    };
  }
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

/**
 * A mutation with an idempotency key that is none looks nothing up: what stands in the database must not decide whether the
 * input is called wrong. What the payload must have beside `userErrors` and `replayed` is lists.
 */
function checkKeysFirst(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const { resolve } = field;
    if (!resolve || !field.args.some(({ name }) => name === 'idempotencyKey')) continue;
    const payload = getNamedType(field.type) as GraphQLObjectType;
    const lists = Object.values(payload.getFields()).filter(
      ({ type }) => isNonNullType(type) && isListType(type.ofType),
    );
    const nothing = Object.fromEntries(lists.map(({ name }) => [name, []]));
    field.resolve = (source, args: { idempotencyKey?: unknown }, context, info) => {
      const refusal = keyRefusal(args.idempotencyKey);
      return refusal ? { ...nothing, replayed: false, userErrors: [refusal] } : resolve(source, args, context, info);
    };
  }
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
