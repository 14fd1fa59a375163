import type { FetchNode, QueryPlan } from '@apollo/query-planner';
import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  type OperationTypeNode,
  getVariableValues,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { readAnswer } from './answers.ts';
import { type Complete, compileComplete } from './complete.ts';
import { type ErrorBook, openErrorBook } from './error-book.ts';
import { type Introspect, compileIntrospection } from './introspection.ts';
import { executeLimits } from './limits.ts';
import { mergeInto } from './merge.ts';
import { type ParsedOperation, conditionVariables, pickOperation } from './operation.ts';
import { compilePath } from './paths.ts';
import type { PlanDocument } from './plan-document.ts';
import { compilePlan } from './plan.ts';
import { type TakeAnswer, compileTakeAnswer } from './root-fetch.ts';
import type { Run } from './run.ts';
import { type ObjectShape, compileShape } from './shape.ts';
import { type QuickShape, compileQuickShape } from './quick-shape.ts';
import type { ErrorPolicy, JsonObject, SubgraphFetch, SubgraphResponse } from './types.ts';

/** The values that one execution of a compiled operation needs. */
export type ExecuteRequest<Context> = {
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: Context;
};

/** An operation that was planned and compiled: runs any number of times, with any variables. */
export type CompiledOperation<Context> = {
  readonly kind: OperationTypeNode;
  /** Only of subscriptions: the fetch whose answers are the events. */
  readonly primary: SubscriptionPrimary | null;
  /** Runs a query or mutation. Never rejects for what a subgraph does. */
  execute(request: ExecuteRequest<Context>): Promise<ExecutionResult>;
  /** Answers one event of a subscription, with the fields of other subgraphs. The event isn't changed. */
  executeEvent(event: SubgraphResponse, request: ExecuteRequest<Context>): Promise<ExecutionResult>;
};

/** What the owner of a subscription is asked. */
export type SubscriptionPrimary = {
  readonly serviceName: string;
  readonly query: string;
  readonly operationName: string | undefined;
  /** Those of the client's variables that the owner's part uses. Throws a GraphQLError for values that can't be. */
  variables(variables: Readonly<Record<string, unknown>>): Record<string, unknown>;
};

export type CompileOptions<Context> = {
  /** What clients see. */
  readonly schema: GraphQLSchema;
  /** All types that subgraphs know. */
  readonly supergraphSchema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  /** The form in which the document was planned. */
  readonly planned: PlanDocument;
  readonly plan: QueryPlan;
  readonly fetch: SubgraphFetch<Context>;
  readonly policy: ErrorPolicy;
  /** False where code can't be generated from strings. */
  readonly generateCode: boolean;
};

type Shaper = {
  readonly shape: ObjectShape;
  readonly complete: Complete;
  readonly quick: QuickShape | null;
  readonly introspect: Introspect | null;
};

/** Compiles a plan with its operation. Throws a GraphQLError for plans that can't be run (`@defer`). */
export function compileOperation<Context>(options: CompileOptions<Context>): CompiledOperation<Context> {
  const { schema, supergraphSchema, document, plan } = options;
  const parsed = pickOperation(document, options.operationName);
  const kind = parsed.operation.operation;
  const { node } = plan;
  const subscription = node?.kind === 'Subscription' ? node : null;
  const steps = compilePlan<Context>(supergraphSchema, node?.kind === 'Subscription' ? node.rest : node);
  const take = subscription && takeEvent(supergraphSchema, subscription.primary);
  const shaperFor = compileShapers(options, parsed);
  const conditionsOf = compileConditions(options, parsed);

  async function run(request: ExecuteRequest<Context>, event: SubgraphResponse | null): Promise<ExecutionResult> {
    const conditions = conditionsOf(request.variables);
    if ('errors' in conditions) return conditions;
    const shaper = shaperFor(conditions.values);
    const state = openRun(options, {
      ...request,
      conditions: conditions.values,
      shaper,
      isMutation: kind === 'mutation',
    });
    if (event && take && subscription)
      take(state, readAnswer(subscription.primary.serviceName, event, options.policy), { copy: true });
    await steps(state);
    return answerOf(state, shaper, request.variables);
  }

  return {
    kind,
    primary: subscription && compilePrimary(options, parsed, subscription.primary),
    execute(request) {
      if (kind === 'subscription') throw new Error('a subscription is executed event by event');
      return run(request, null);
    },
    executeEvent: (event, request) => run(request, event),
  };
}

function takeEvent(schema: GraphQLSchema, node: FetchNode): TakeAnswer {
  return compileTakeAnswer({ schema, merge: mergeInto(schema), node, path: compilePath(schema, []) });
}

function compilePrimary<Context>(
  { schema, planned }: CompileOptions<Context>,
  { operation }: ParsedOperation,
  primary: FetchNode,
): SubscriptionPrimary {
  const { serviceName, operation: query, operationName, variableUsages = [] } = primary;
  return {
    serviceName,
    query,
    operationName,
    variables(given) {
      const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], given);
      if (errors?.[0]) throw errors[0];
      const named = planned.planVariables(given);
      const used = variableUsages.filter((name) => Object.hasOwn(named, name) && named[name] !== undefined);
      return Object.fromEntries(used.map((name) => [name, named[name]]));
    },
  };
}

/** One shaper for each setting of the conditions that is met: the order of fields depends on it. */
function compileShapers<Context>(
  { schema, generateCode, planned }: CompileOptions<Context>,
  parsed: ParsedOperation,
): (conditions: ReadonlyMap<string, boolean>) => Shaper {
  const compile = (conditions: ReadonlyMap<string, boolean>): Shaper => {
    const shape = compileShape({ schema, parsed, dataKey: planned.dataKey, conditions });
    const introspect = compileIntrospection(schema, parsed, shape);
    const quick = generateCode && !introspect ? compileQuickShape(shape) : null;
    return { shape, complete: compileComplete(shape), quick, introspect };
  };
  const shapers = new LRUCache<string, Shaper>({ max: executeLimits.shapersOfOperation });
  return (conditions) => {
    const key = [...conditions.values()].map(Number).join('');
    let shaper = shapers.get(key);
    if (!shaper) shapers.set(key, (shaper = compile(conditions)));
    return shaper;
  };
}

type Conditions = { readonly values: ReadonlyMap<string, boolean> } | { readonly errors: readonly GraphQLError[] };

/** Coerces the variables: a request with wrong ones is refused, and those of conditions are read. */
function compileConditions<Context>(
  { schema, document }: CompileOptions<Context>,
  { operation }: ParsedOperation,
): (variables: Readonly<Record<string, unknown>>) => Conditions {
  const definitions = operation.variableDefinitions ?? [];
  const defined = new Set(definitions.map(({ variable }) => variable.name.value));
  const names = conditionVariables(document).filter((name) => defined.has(name));
  const none: Conditions = { values: new Map() };
  if (definitions.length === 0) return () => none;
  return (variables) => {
    const { errors, coerced } = getVariableValues(schema, definitions, variables);
    if (errors) return { errors };
    const values = new Map<string, boolean>();
    for (const name of names) {
      const value = coerced[name];
      if (typeof value !== 'boolean')
        return { errors: [new GraphQLError(`Variable "$${name}" of a condition must not be null.`, { extensions: { code: 'BAD_USER_INPUT' } })] }; // prettier-ignore
      values.set(name, value);
    }
    return names.length === 0 ? none : { values };
  };
}

function openRun<Context>(
  { fetch, policy, planned }: CompileOptions<Context>,
  options: ExecuteRequest<Context> & {
    conditions: ReadonlyMap<string, boolean>;
    shaper: Shaper;
    isMutation: boolean;
  },
): Run<Context> {
  const { variables, context, conditions, shaper, isMutation } = options;
  const root: JsonObject = {};
  const book = openErrorBook();
  return {
    fetch,
    policy,
    context,
    variables: planned.planVariables(variables),
    conditions,
    clientPath: planned.clientPath,
    root,
    book,
    inFlight: new Map(),
    isLost: () => isMutation && !book.isEmpty() && lacksRootField(shaper.shape, root, book),
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
  { root, book }: Run<Context>,
  shaper: Shaper,
  variables: Readonly<Record<string, unknown>>,
): ExecutionResult {
  const quick = book.isEmpty() ? shaper.quick?.(root) : undefined;
  if (quick) return { data: quick };
  let introspected: JsonObject | undefined;
  const introspect = (): JsonObject => (introspected ??= shaper.introspect?.(variables) ?? {});
  const data = shaper.complete(root, { book, introspect });
  const errors = book.isEmpty() ? [] : book.finish();
  return errors.length > 0 ? { errors, data } : { data };
}
