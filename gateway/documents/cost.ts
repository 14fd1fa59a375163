import {
  type FieldNode, type GraphQLField, type GraphQLNamedType, type GraphQLSchema, Kind, type OperationDefinitionNode, type SelectionSetNode,
  getNamedType, isCompositeType, isInterfaceType, isListType, isNonNullType, isObjectType, valueFromASTUntyped,
} from 'graphql'; // prettier-ignore
import type { Variables } from '../execute/types.ts';
import type { Fragments } from './fragments.ts';
import type { ListSizes } from './list-sizes.ts';

export type Measured = {
  /** Nodes that the page sizes ask for: the product of nested `first`s, summed. */
  readonly nodes: number;
  /** Values that the answer could have: lists without `first` at their longest, long texts as many. */
  readonly values: number;
};
/** How much an operation asks for with these variables. */
export type Cost = (variables: Variables) => Measured;

type Count = (variables: Variables) => number;
type Node = {
  /** The field's own `first` or `last`. */
  readonly pageSize: Count | null;
  /** How long its list can be: a number, or as long as the page around it is; 1 for what is no list. */
  readonly length: number | 'page around';
  /** Of one value of it, without those below. */
  readonly weight: number;
  readonly children: readonly Node[];
};

/** What a list is taken for whose length nobody has declared. */
const undeclaredLength = 10;

/**
 * Compiles the cost of an operation whose expanded size was checked. A field with a `first` argument stands for that
 * many nodes, and so often for what is below it; the default of the schema counts where the argument is left out. Other
 * lists count as many values as `@listSize(assumedSize:)` says, and each alias of a field counts like a field of its own.
 */
export function compileCost(
  { schema, sizes }: { schema: GraphQLSchema; sizes: ListSizes },
  operation: OperationDefinitionNode,
  fragments: Fragments,
): Cost {
  const defaults: Variables = Object.fromEntries((operation.variableDefinitions ?? []).map(({ variable, defaultValue }) => [variable.name.value, defaultValue && valueFromASTUntyped(defaultValue)])); // prettier-ignore
  const known = new Map<string, readonly Node[]>();
  let isConstant = true;

  function pageSizeOf(node: FieldNode, field: GraphQLField<unknown, unknown> | undefined): Count | null {
    const defined = field?.args.find((argument) => argument.name === 'first');
    if (!defined) return null;
    const first = argumentOf(node, 'first', count(defined.defaultValue));
    // A page from the end has its size from `last`; who gives both is refused by the resolver.
    const last = field?.args.some(({ name }) => name === 'last') ? argumentOf(node, 'last', 0) : null;
    return last === null ? first : (variables) => last(variables) || first(variables);
  }
  function argumentOf(node: FieldNode, argument: string, otherwise: number): Count {
    const value = node.arguments?.find(({ name }) => name.value === argument)?.value;
    if (value?.kind === Kind.INT) return () => count(Number(value.value));
    if (value?.kind !== Kind.VARIABLE) return () => otherwise;
    isConstant = false;
    const name = value.name.value;
    return (variables) => {
      const given = Object.hasOwn(variables, name) ? variables[name] : defaults[name];
      return given === undefined || given === null ? otherwise : count(given);
    };
  }
  function nodeOf(node: FieldNode, parent: GraphQLNamedType | undefined): Node {
    const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
    const children = node.selectionSet && field ? nodesOf(node.selectionSet, getNamedType(field.type)) : [];
    const place = `${parent?.name}.${node.name.value}`;
    const pageSize = pageSizeOf(node, field);
    const length = lengthOf(field, pageSize === null ? sizes.length(place) : undefined, pageSize !== null);
    return { pageSize, length, weight: sizes.weight(place), children };
  }
  function nodesOf({ selections }: SelectionSetNode, parent: GraphQLNamedType | undefined): readonly Node[] {
    return selections.flatMap((selection) => {
      if (selection.kind === Kind.INLINE_FRAGMENT) return nodesOf(selection.selectionSet, selection.typeCondition ? schema.getType(selection.typeCondition.name.value) : parent); // prettier-ignore
      if (selection.kind === Kind.FRAGMENT_SPREAD) return fragmentNodes(selection.name.value);
      return [nodeOf(selection, parent)];
    });
  }
  function fragmentNodes(name: string): readonly Node[] {
    const nodes = known.get(name);
    if (nodes) return nodes;
    known.set(name, []);
    const fragment = fragments.get(name);
    const made = fragment ? nodesOf(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value)) : [];
    known.set(name, made);
    return made;
  }

  const roots = nodesOf(operation.selectionSet, schema.getRootType(operation.operation) ?? undefined);
  if (!isConstant) return (variables) => sum(roots, variables, null);
  const always = sum(roots, {}, null);
  return () => always;
}

function lengthOf(
  field: GraphQLField<unknown, unknown> | undefined,
  declared: number | undefined,
  isPage: boolean,
): Node['length'] {
  const type = field && isNonNullType(field.type) ? field.type.ofType : field?.type;
  if (!field || !isListType(type)) return 1;
  if (declared !== undefined) return declared;
  return isPage || isCompositeType(getNamedType(field.type)) ? 'page around' : undeclaredLength;
}

/** `page` is the page size of the field around these, whose list may be among them (the `edges` of a connection). */
function sum(nodes: readonly Node[], variables: Variables, page: number | null): Measured {
  const total = { nodes: 0, values: 0 };
  for (const { pageSize, length, weight, children } of nodes) {
    const size = pageSize?.(variables) ?? null;
    const below = sum(children, variables, size);
    // A page that is itself a list has its length from `first`; in a connection, the lists in it do.
    const times = length === 'page around' ? (size ?? page ?? undeclaredLength) : length;
    total.nodes += size === null ? below.nodes : size * (1 + below.nodes);
    total.values += times * (weight + below.values);
  }
  return total;
}

/** What isn't a count is refused when variables are coerced; a negative one by the resolver. */
const count = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0);
