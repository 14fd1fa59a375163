import { type FieldNode, Kind, OperationTypeNode, type SelectionSetNode, parse, print } from 'graphql';
import type { FetchNode } from '@apollo/query-planner';
import { pickOperation } from './operation.ts';
import { renamedKeys } from './rewrites.ts';
import type { SubgraphRequest } from './types.ts';

/** What is known beforehand about the requests of a fetch. */
export type SubgraphQuery = {
  readonly serviceName: string;
  /** Equal for fetches that ask the same, whatever their operations are called. */
  readonly identity: string;
  /** Response names of what is fetched: of the root's, or of the entities' fields. */
  readonly keys: ReadonlySet<string>;
  /** A request with those of the variables that the fetch uses, and with the texts of representations if it takes any. */
  request<Context>(options: {
    variables: Readonly<Record<string, unknown>>;
    representations: readonly string[] | null;
    context: Context;
  }): IdentifiedRequest<Context>;
};

export type IdentifiedRequest<Context> = SubgraphRequest<Context> & {
  /** Equal for requests that ask the same, whatever their operations are called. */
  identity(): string;
};

export function compileQuery(node: FetchNode): SubgraphQuery {
  const { serviceName, operation: query, operationName, variableUsages = [] } = node;
  const document = parse(query, { noLocation: true });
  const { operation, fragments } = pickOperation(document, undefined);
  const nameless = {
    ...document,
    definitions: document.definitions.map((one) => (one === operation ? { ...one, name: undefined } : one)),
  };
  const renamed = renamedKeys(node.outputRewrites);
  const fieldsOf = (selectionSet: SelectionSetNode | undefined): FieldNode[] =>
    (selectionSet?.selections ?? []).flatMap((selection) =>
      selection.kind === Kind.FIELD
        ? [selection]
        : fieldsOf(
            selection.kind === Kind.INLINE_FRAGMENT
              ? selection.selectionSet
              : fragments.get(selection.name.value)?.selectionSet,
          ),
    );
  const rootFields = fieldsOf(operation.selectionSet);
  const fields = node.requires ? rootFields.flatMap(({ selectionSet }) => fieldsOf(selectionSet)) : rootFields;
  const names = fields.map(({ alias, name }) => alias?.value ?? name.value);
  const opening = `{"query":${JSON.stringify(query)},${operationName === undefined ? '' : `"operationName":${JSON.stringify(operationName)},`}"variables":`;
  const identity = `${serviceName} ${print(nameless)}`;
  const isMutation = operation.operation === OperationTypeNode.MUTATION;
  return {
    serviceName,
    identity,
    keys: new Set(names.map((name) => renamed.get(name) ?? name)),
    request: ({ variables, representations, context }) =>
      subgraphRequest({
        query,
        operationName,
        isMutation,
        opening,
        identity,
        variableUsages,
        variables,
        representations,
        context,
      }),
  };
}

function subgraphRequest<Context>(options: {
  query: string;
  operationName: string | undefined;
  isMutation: boolean;
  opening: string;
  identity: string;
  variableUsages: readonly string[];
  variables: Readonly<Record<string, unknown>>;
  representations: readonly string[] | null;
  context: Context;
}): IdentifiedRequest<Context> {
  const { query, operationName, isMutation, opening, identity, variableUsages, representations, context } = options;
  const given = options.variables;
  const names = variableUsages.filter((name) => Object.hasOwn(given, name) && given[name] !== undefined);
  let variables: Readonly<Record<string, unknown>> | undefined;
  let variablesText: string | undefined;
  const textOfVariables = (): string => (variablesText ??= variablesJson(names, given, representations));
  return {
    query,
    operationName,
    isMutation,
    context,
    get variables() {
      return (variables ??= variablesObject(names, given, representations));
    },
    body: () => `${opening}${textOfVariables()}}`,
    identity: () => identity + textOfVariables(),
  };
}

function variablesJson(
  names: readonly string[],
  given: Readonly<Record<string, unknown>>,
  representations: readonly string[] | null,
): string {
  const texts = names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(given[name])}`);
  if (representations) texts.push(`"representations":[${representations.join(',')}]`);
  return `{${texts.join(',')}}`;
}

function variablesObject(
  names: readonly string[],
  given: Readonly<Record<string, unknown>>,
  representations: readonly string[] | null,
): Record<string, unknown> {
  const variables: Record<string, unknown> = {};
  for (const name of names) variables[name] = given[name];
  if (representations) variables['representations'] = representations.map((text): unknown => JSON.parse(text));
  return variables;
}
