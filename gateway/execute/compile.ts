import { type ExecutionResult, GraphQLError, OperationTypeNode, getVariableValues } from 'graphql';
import { type ParsedOperation, conditionVariables, pickOperation, settleConditions } from './operation.ts';
import type { SubgraphResponse } from './types.ts';
import { type CompileOptions, type ExecuteRequest, type Variant, compileVariant, planningFailed } from './variant.ts';

/** An operation that runs any number of times, with any variables. It is planned once for each setting of conditions. */
export type CompiledOperation<Context> = {
  readonly kind: OperationTypeNode;
  /** Whether `execute` has nothing to plan with these variables; also true for wrong ones, which it refuses. */
  isPrepared(variables: Readonly<Record<string, unknown>>): boolean;
  /** Plans and compiles what `execute` will need. Throws a GraphQLError for wrong variables and what can't be planned. */
  prepare(variables: Readonly<Record<string, unknown>>): void;
  /** The same for every setting of its conditions. */
  prepareAll(): void;
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
  const conditions = compileConditions(options, parsed);
  const { variants } = options;

  const keyOf = (setting: Setting): string =>
    setting.size === 0 ? options.key : `${[...setting.values()].map(Number).join('')}\n${options.key}`;

  function variantOf(setting: Setting): Variant<Context> {
    const key = keyOf(setting);
    let variant = variants.get(key);
    if (!variant) {
      variant = compileNow(setting);
      variants.set(key, variant);
    }
    return variant;
  }
  function compileNow(setting: Setting): Variant<Context> {
    try {
      return compileVariant(options, settleConditions(options.document, setting));
    } catch (error) {
      throw error instanceof GraphQLError ? error : planningFailed(error);
    }
  }
  /** Throws a GraphQLError for wrong variables and for what can't be planned. */
  const variantFor = (variables: Readonly<Record<string, unknown>>): Variant<Context> =>
    variantOf(conditions.settingOf(variables));
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
        return variants.has(keyOf(conditions.settingOf(variables)));
      } catch (error) {
        if (error instanceof GraphQLError) return true;
        throw error;
      }
    },
    prepare(variables) {
      variantFor(variables);
    },
    prepareAll() {
      for (const setting of allSettings(conditions.names)) variantOf(setting);
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

/** The variables that conditions use, with their values. */
type Setting = ReadonlyMap<string, boolean>;

const allSettings = (names: readonly string[]): Setting[] =>
  names.reduce<Setting[]>(
    (settings, name) => settings.flatMap((one) => [new Map([...one, [name, false]]), new Map([...one, [name, true]])]),
    [new Map()],
  );

/** Coerces the variables, so that wrong ones are refused, and gives those that conditions use. */
function compileConditions<Context>(
  { schema, document }: CompileOptions<Context>,
  { operation }: ParsedOperation,
): { names: readonly string[]; settingOf(variables: Readonly<Record<string, unknown>>): Setting } {
  const definitions = operation.variableDefinitions ?? [];
  const defined = new Set(definitions.map(({ variable }) => variable.name.value));
  const names = conditionVariables(document).filter((name) => defined.has(name));
  const none: Setting = new Map();
  const settingOf = (variables: Readonly<Record<string, unknown>>): Setting => {
    // One is enough to refuse: a list of thousands of wrong values would be thousands of errors, each with suggestions.
    const { errors, coerced } = getVariableValues(schema, definitions, variables, { maxErrors: 1 });
    if (errors?.[0]) throw errors[0];
    if (names.length === 0 || !coerced) return none;
    return new Map(names.map((name) => [name, conditionValue(name, coerced[name])]));
  };
  return { names, settingOf: definitions.length === 0 ? () => none : settingOf };
}

/** A condition's variable may be nullable when it has a default; an explicit null is wrong all the same. */
function conditionValue(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new GraphQLError(`Variable "$${name}" is a condition and must not be null.`, {
    extensions: { code: 'BAD_USER_INPUT' },
  });
}
