import {
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  OperationTypeNode,
  type SelectionSetNode,
  parse,
  print,
} from 'graphql';
import type { FetchNode } from '@apollo/query-planner';
import { type ParsedOperation, pickOperation } from './operation.ts';
import { setOwn } from './own.ts';
import { renamedKeys } from './rewrites.ts';
import type { SubgraphRequest } from './types.ts';

/** What is known beforehand about the requests of a fetch. */
export type SubgraphQuery = {
  readonly serviceName: string;
  /** Equal for fetches that ask the same, whatever their operations are called. */
  readonly identity: string;
  /** Response names of what is fetched: of the root's, or of the entities' fields. */
  readonly keys: ReadonlySet<string>;
  /** Whether any of that is an object or a list of objects. */
  readonly isNested: boolean;
  /** A request with those of the variables that the fetch uses, and with the texts of representations if it takes any. */
  request<Context>(
    run: { readonly variables: Variables; readonly context: Context },
    representations: readonly string[] | null,
  ): PlannedRequest<Context>;
};

/** A fetch's operation. */
export const parseFetch = ({ operation }: FetchNode): ParsedOperation =>
  pickOperation(parse(operation, { noLocation: true }), undefined);

/** Of a fetch and its operation as parsed, which isn't kept. */
export function compileQuery(node: FetchNode, { operation, fragments }: ParsedOperation): SubgraphQuery {
  const { serviceName, operation: query, operationName, variableUsages = [] } = node;
  const definitions = [{ ...operation, name: undefined }, ...fragments.values()];
  const renamed = renamedKeys(node.outputRewrites);
  const rootFields = fieldsOf(operation.selectionSet, fragments);
  const fields = node.requires
    ? rootFields.flatMap(({ selectionSet }) => fieldsOf(selectionSet, fragments))
    : rootFields;
  const names = fields.map(({ alias, name }) => alias?.value ?? name.value);
  const opening = `{"query":${JSON.stringify(query)},${operationName === undefined ? '' : `"operationName":${JSON.stringify(operationName)},`}"variables":`;
  const identity = `${serviceName} ${print({ kind: Kind.DOCUMENT, definitions })}`;
  const isMutation = operation.operation === OperationTypeNode.MUTATION;
  const constant: Constant = { query, operationName, isMutation, opening, identity, variableUsages };
  return {
    serviceName,
    identity,
    isNested: fields.some(({ selectionSet }) => selectionSet !== undefined),
    keys: new Set(names.map((name) => renamed.get(name) ?? name)),
    request: requestsOf(constant),
  };
}

/** Apart, as a closure keeps what any other of its function uses: a parsed document is many times its text. */
const requestsOf =
  (constant: Constant): SubgraphQuery['request'] =>
  (run, representations) =>
    new PlannedRequest(constant, run, representations);

/** The fields of a selection set and of the fragments in it, whatever type those are for. */
export const fieldsOf = (
  selectionSet: SelectionSetNode | undefined,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): FieldNode[] =>
  (selectionSet?.selections ?? []).flatMap((selection) =>
    selection.kind === Kind.FIELD
      ? [selection]
      : fieldsOf(
          selection.kind === Kind.INLINE_FRAGMENT
            ? selection.selectionSet
            : fragments.get(selection.name.value)?.selectionSet,
          fragments,
        ),
  );

type Variables = Readonly<Record<string, unknown>>;

/** What all requests of a fetch have in common. */
type Constant = {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly isMutation: boolean;
  /** The body up to the variables. */
  readonly opening: string;
  readonly identity: string;
  readonly variableUsages: readonly string[];
};

/** One request of a fetch. There are many of these: what isn't needed of it isn't made. */
export class PlannedRequest<Context> implements SubgraphRequest<Context> {
  readonly context: Context;
  readonly #constant: Constant;
  readonly #given: Variables;
  readonly #representations: readonly string[] | null;
  /** A property, as callers take it from its object. */
  readonly body = (): string => `${this.#constant.opening}${this.#textOfVariables()}}`;
  #variablesText: string | undefined;
  #variables: Variables | undefined;

  constructor(
    constant: Constant,
    run: { readonly variables: Variables; readonly context: Context },
    representations: readonly string[] | null,
  ) {
    this.context = run.context;
    this.#constant = constant;
    this.#given = run.variables;
    this.#representations = representations;
  }

  get query(): string {
    return this.#constant.query;
  }
  get operationName(): string | undefined {
    return this.#constant.operationName;
  }
  get isMutation(): boolean {
    return this.#constant.isMutation;
  }
  get variables(): Variables {
    return (this.#variables ??= variablesObject(this.#names(), this.#given, this.#representations));
  }
  /** True for requests that ask the same, whatever their operations are called. */
  isLike(other: PlannedRequest<Context>): boolean {
    return this.#constant.identity === other.#constant.identity && this.#textOfVariables() === other.#textOfVariables();
  }

  #textOfVariables(): string {
    return (this.#variablesText ??= variablesJson(this.#names(), this.#given, this.#representations));
  }
  #names(): readonly string[] {
    const { variableUsages } = this.#constant;
    if (variableUsages.length === 0) return variableUsages;
    return variableUsages.filter((name) => Object.hasOwn(this.#given, name) && this.#given[name] !== undefined);
  }
}

function variablesJson(
  names: readonly string[],
  given: Readonly<Record<string, unknown>>,
  representations: readonly string[] | null,
): string {
  if (names.length === 0) return representations ? `{"representations":[${representations.join(',')}]}` : '{}';
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
  for (const name of names) setOwn(variables, name, given[name]);
  if (representations) variables['representations'] = representations.map((text): unknown => JSON.parse(text));
  return variables;
}
