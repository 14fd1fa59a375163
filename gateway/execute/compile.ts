import { type ExecutionResult, GraphQLError, OperationTypeNode, getVariableValues } from 'graphql';
import { type ParsedOperation, conditionVariables, pickOperation, settleConditions } from './operation.ts';
import type { SubgraphResponse } from './types.ts';
import { type CompileOptions, type ExecuteRequest, type Variant, compileVariant } from './variant.ts';

/** An operation that runs any number of times, with any variables. It is planned once for each setting of conditions. */
export type CompiledOperation<Context> = {
  readonly kind: OperationTypeNode;
  /** Whether `execute` has nothing to plan with these variables; also true for wrong ones, which it refuses. */
  isPrepared(variables: Readonly<Record<string, unknown>>): boolean;
  /** Plans and compiles what `execute` will need. Throws a GraphQLError for wrong variables and what can't be planned. */
  prepare(variables: Readonly<Record<string, unknown>>): void;
  /** Runs a query or mutation. What a subgraph does is in the result; wrong variables are a result without `data`. */
  execute(request: ExecuteRequest<Context>): Promise<ExecutionResult>;
  /** What the owner of a subscription is to be asked. Throws a GraphQLError for wrong variables. */
  subscription(variables: Readonly<Record<string, unknown>>): SubscriptionPrimary;
  /** Answers one event of a subscription, with the fields of other subgraphs. The event isn't changed. */
  executeEvent(event: SubgraphResponse, request: ExecuteRequest<Context>): Promise<ExecutionResult>;
};

/** The request whose answers are a subscription's events. */
export type SubscriptionPrimary = {
  readonly serviceName: string;
  readonly query: string;
  readonly operationName: string | undefined;
  /** Those of the client's variables that the owner's part uses. */
  readonly variables: Readonly<Record<string, unknown>>;
};

/** Throws a GraphQLError when the document has not just one operation to execute. */
export function compileOperation<Context>(options: CompileOptions<Context>): CompiledOperation<Context> {
  const parsed = pickOperation(options.document, options.operationName);
  const kind = parsed.operation.operation;
  const conditionsOf = compileConditions(options, parsed);
  const { variants } = options;

  const keyOf = (conditions: ReadonlyMap<string, boolean>): string =>
    conditions.size === 0 ? options.key : `${[...conditions.values()].map(Number).join('')}\n${options.key}`;

  /** Throws a GraphQLError for wrong variables and for what can't be planned. */
  function variantFor(variables: Readonly<Record<string, unknown>>): Variant<Context> {
    const conditions = conditionsOf(variables);
    const key = keyOf(conditions);
    let variant = variants.get(key);
    if (!variant) {
      variant = compileVariant(options, settleConditions(options.document, conditions));
      variants.set(key, variant);
    }
    return variant;
  }
  async function run(request: ExecuteRequest<Context>, event: SubgraphResponse | null): Promise<ExecutionResult> {
    try {
      return await variantFor(request.variables).run(request, event);
    } catch (error) {
      if (error instanceof GraphQLError) return { errors: [error] };
      throw error;
    }
  }

  return {
    kind,
    isPrepared(variables) {
      if (variants.has(options.key)) return true;
      try {
        return variants.has(keyOf(conditionsOf(variables)));
      } catch (error) {
        if (error instanceof GraphQLError) return true;
        throw error;
      }
    },
    prepare(variables) {
      variantFor(variables);
    },
    execute(request) {
      if (kind === OperationTypeNode.SUBSCRIPTION) throw new Error('a subscription is executed event by event');
      return run(request, null);
    },
    subscription(variables) {
      const { primary, planned } = variantFor(variables);
      if (kind !== OperationTypeNode.SUBSCRIPTION) throw new Error(`a ${kind} was taken for a subscription`);
      if (!primary) throw nothingToFollow();
      const { serviceName, operation: query, operationName, variableUsages = [] } = primary;
      const given = planned.planVariables(variables);
      const used = variableUsages.filter((name) => Object.hasOwn(given, name) && given[name] !== undefined);
      return {
        serviceName,
        query,
        operationName,
        variables: Object.fromEntries(used.map((name) => [name, given[name]])),
      };
    },
    executeEvent: (event, request) => run(request, event),
  };
}

const nothingToFollow = (): GraphQLError =>
  new GraphQLError("The subscription's field is left out by @skip or @include: there is nothing to follow.", {
    extensions: { code: 'BAD_USER_INPUT' },
  });

/** Coerces the variables, so that wrong ones are refused, and gives those that conditions use. */
function compileConditions<Context>(
  { schema, document }: CompileOptions<Context>,
  { operation }: ParsedOperation,
): (variables: Readonly<Record<string, unknown>>) => ReadonlyMap<string, boolean> {
  const definitions = operation.variableDefinitions ?? [];
  const defined = new Set(definitions.map(({ variable }) => variable.name.value));
  const names = conditionVariables(document).filter((name) => defined.has(name));
  const none: ReadonlyMap<string, boolean> = new Map();
  if (definitions.length === 0) return () => none;
  return (variables) => {
    const { errors, coerced } = getVariableValues(schema, definitions, variables);
    if (errors?.[0]) throw errors[0];
    if (names.length === 0 || !coerced) return none;
    return new Map(names.map((name) => [name, conditionValue(name, coerced[name])]));
  };
}

/** A condition's variable may be nullable when it has a default; an explicit null is wrong all the same. */
function conditionValue(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new GraphQLError(`Variable "$${name}" is a condition and must not be null.`, {
    extensions: { code: 'BAD_USER_INPUT' },
  });
}
