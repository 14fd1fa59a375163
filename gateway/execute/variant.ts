import type { FetchNode, QueryPlan } from '@apollo/query-planner';
import {
  type AnswerLimits,
  type AnswerSize,
  addErrors,
  checkBytes,
  checkSize,
  newAnswerSize,
  noteSize,
} from '../../subgraphs/shared/answers/answer-size.ts';
import { type DocumentNode, type ExecutionResult, GraphQLError, type GraphQLSchema, OperationTypeNode } from 'graphql';
import type { LRUCache } from 'lru-cache';
import { readAnswer } from './answers.ts';
import { clipPath, isNullAt } from './clip-path.ts';
import { type Complete, compileComplete } from './complete.ts';
import { type ErrorBook, openErrorBook } from './error-book.ts';
import { type Introspect, compileIntrospection } from './introspection.ts';
import { mergeInto } from './merge.ts';
import { pickOperation } from './operation.ts';
import { compilePath } from './paths.ts';
import { type PlanDocument, planDocument } from './plan-document.ts';
import { compilePlan } from './plan.ts';
import { type QuickShape, compileQuickShape } from './quick-shape.ts';
import { type TakeAnswer, compileTakeAnswer } from './root-fetch.ts';
import type { Run } from './run.ts';
import { type ObjectShape, compileShape } from './shape.ts';
import { compileQuery, parseFetch } from './subgraph-query.ts';
import type { SupergraphNames } from './supergraph-names.ts';
import type { ErrorPolicy, JsonObject, SubgraphFetch, SubgraphResponse } from './types.ts';

/** The values that one execution of a compiled operation needs. */
export type ExecuteRequest<Context> = {
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: Context;
};

export type CompileOptions<Context> = {
  /** What clients see. */
  readonly schema: GraphQLSchema;
  /** All types that subgraphs know. */
  readonly supergraphSchema: GraphQLSchema;
  readonly names: SupergraphNames;
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  /** Throws a GraphQLError for what can't be planned. */
  readonly plan: (document: DocumentNode) => QueryPlan;
  readonly fetch: SubgraphFetch<Context>;
  readonly policy: ErrorPolicy;
  /** How large an answer may be. */
  readonly limits: AnswerLimits;
  /** False where code can't be generated from strings. */
  readonly generateCode: boolean;
  /** The operation's name among all whose variants are kept. */
  readonly key: string;
  /** Variants of all operations, bounded together. */
  readonly variants: LRUCache<string, Variant<Context>>;
};

/** Says that the planner found no plan, or one that can't be run. */
export const planningFailed = (cause: unknown): GraphQLError =>
  new GraphQLError("This operation can't be planned.", {
    ...(cause instanceof Error && { originalError: cause }),
    extensions: { code: 'PLANNING_FAILED' },
  });

/** An operation with one setting of its conditions, compiled. */
export type Variant<Context> = {
  /** The subscription's fetch whose answers are the events; null for other operations. */
  readonly primary: FetchNode | null;
  readonly planned: PlanDocument;
  /** Characters of the plan as JSON. */
  readonly planCharacters: number;
  /** Runs the plan; for a subscription with the event in place of its first fetch. */
  run(request: ExecuteRequest<Context>, event: SubgraphResponse | null): Promise<ExecutionResult>;
};

type Shaper = {
  readonly shape: ObjectShape;
  readonly complete: Complete;
  readonly quick: QuickShape | null;
  readonly introspect: Introspect | null;
};

/** Plans and compiles a document whose conditions are settled. Throws a GraphQLError for plans that can't be run. */
export function compileVariant<Context>(options: CompileOptions<Context>, document: DocumentNode): Variant<Context> {
  const planned = planDocument(document, options.names);
  const plan = options.plan(planned.document);
  const { node } = plan;
  const primary = node?.kind === 'Subscription' ? node.primary : null;
  const { steps, rootKeys } = compilePlan<Context>(options.supergraphSchema, node, options.generateCode);
  const takeEvent = primary && compileTakeEvent(options.supergraphSchema, primary);
  const parsed = pickOperation(document, options.operationName);
  const shape = compileShape({ schema: options.schema, parsed, dataKey: planned.dataKey });
  for (const field of shape.fields)
    if (field.kind === 'data' && !rootKeys.has(field.source))
      throw planningFailed(new Error(`no fetch of the plan brings the root field ${field.key}`));
  const introspect = compileIntrospection(options.schema, parsed, shape);
  const quick = options.generateCode && !introspect ? compileQuickShape(shape) : null;
  const shaper: Shaper = { shape, complete: compileComplete(shape), quick, introspect };
  const isMutation = parsed.operation.operation === OperationTypeNode.MUTATION;

  return {
    primary,
    planned,
    planCharacters: JSON.stringify(plan).length,
    async run(request, event) {
      const run = openRun(options, { request, planned, shape, isMutation });
      if (event && takeEvent && primary) takeEvent(run, readAnswer(primary.serviceName, event, options.policy), true);
      await steps(run);
      return answerOf(run, shaper, request.variables);
    },
  };
}

function compileTakeEvent(schema: GraphQLSchema, node: FetchNode): TakeAnswer {
  const query = compileQuery(node, parseFetch(node));
  return compileTakeAnswer({ schema, merge: mergeInto(schema), node, query, path: compilePath([], false, null) });
}

function openRun<Context>(
  { fetch, policy, limits }: CompileOptions<Context>,
  options: { request: ExecuteRequest<Context>; planned: PlanDocument; shape: ObjectShape; isMutation: boolean },
): Run<Context> {
  const { request, planned, shape, isMutation } = options;
  const root: JsonObject = {};
  const book = openErrorBook();
  return {
    fetch,
    policy,
    context: request.context,
    variables: planned.planVariables(request.variables),
    clientPath: planned.clientPath,
    root,
    book,
    size: newAnswerSize(limits),
    inFlight: [],
    isTree: true,
    objects: new Map(),
    united: new Set(),
    groups: new Map(),
    isLost: () => isMutation && !book.isEmpty() && lacksRootField(shape, root, book),
  };
}

/** A non-null field at the root that came back null: what is not executed yet may be left out (GraphQL §6.3.1). */
const lacksRootField = ({ fields }: ObjectShape, root: JsonObject, book: ErrorBook): boolean =>
  fields.some(
    (field) =>
      field.kind === 'data' &&
      field.value.kind === 'nonNull' &&
      (Object.hasOwn(root, field.source)
        ? root[field.source] === null
        : book.failureOf(root, field.source) !== undefined),
  );

function answerOf<Context>(
  { root, book, size: { limits } }: Run<Context>,
  shaper: Shaper,
  variables: Readonly<Record<string, unknown>>,
): ExecutionResult {
  const size = newAnswerSize(limits);
  const quick = book.isEmpty() ? shaper.quick?.(root, size) : undefined;
  if (quick) return sized({ data: quick }, size);
  // What was counted until something was irregular.
  size.values = size.bytes = 0;
  let introspected: JsonObject | undefined;
  const introspect = (): JsonObject => (introspected ??= shaper.introspect?.(variables, book) ?? {});
  const data = shaper.complete(root, { book, size, introspect });
  const errors = book.isEmpty()
    ? []
    : book.finish({ clip: (path) => clipPath(shaper.shape, root, path), isNull: (path) => isNullAt(data, path) });
  return sized(errors.length > 0 ? { errors, data } : { data }, size);
}

/** Throws ANSWER_TOO_LARGE; a large answer has its size noted. */
function sized(result: ExecutionResult, size: AnswerSize): ExecutionResult {
  checkSize(size);
  if (result.errors) addErrors(size, result.errors);
  checkBytes(result, size);
  return noteSize(result, size.bytes);
}
