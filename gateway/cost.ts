import {
  type FieldNode, type GraphQLField, type GraphQLNamedType, type GraphQLSchema, Kind, type OperationDefinitionNode, type SelectionSetNode,
  getNamedType, isInterfaceType, isObjectType,
} from 'graphql'; // prettier-ignore
import type { Fragments } from './limits.ts';

export type Variables = Readonly<Record<string, unknown>>;

/** How many nodes an operation asks for with these variables, by the page sizes along each path. */
export type Cost = (variables: Variables) => number;

type Node = { readonly pageSize: Cost | null; readonly children: readonly Node[] };

/**
 * Compiles the cost of an operation whose expanded size was checked: each field with a `first` argument stands for that
 * many nodes, and so often for what is below it. The default of the schema counts where the argument is left out.
 */
export function compileCost(schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments): Cost {
  const defaults: Variables = Object.fromEntries((operation.variableDefinitions ?? []).map(({ variable, defaultValue }) => [variable.name.value, defaultValue?.kind === Kind.INT ? Number(defaultValue.value) : undefined])); // prettier-ignore
  const known = new Map<string, readonly Node[]>();

  function pageSizeOf(node: FieldNode, field: GraphQLField<unknown, unknown> | undefined): Cost | null {
    const defined = field?.args.find((argument) => argument.name === 'first');
    if (!defined) return null;
    const otherwise = count(defined.defaultValue);
    const value = node.arguments?.find((argument) => argument.name.value === 'first')?.value;
    if (value?.kind === Kind.INT) return () => count(Number(value.value));
    if (value?.kind !== Kind.VARIABLE) return () => otherwise;
    const name = value.name.value;
    return (variables) => {
      const given = Object.hasOwn(variables, name) ? variables[name] : defaults[name];
      return given === undefined || given === null ? otherwise : count(given);
    };
  }
  function nodesOf({ selections }: SelectionSetNode, parent: GraphQLNamedType | undefined): readonly Node[] {
    return selections.flatMap((selection) => {
      if (selection.kind === Kind.INLINE_FRAGMENT) return nodesOf(selection.selectionSet, selection.typeCondition ? schema.getType(selection.typeCondition.name.value) : parent); // prettier-ignore
      if (selection.kind === Kind.FRAGMENT_SPREAD) return fragmentNodes(selection.name.value);
      const field =
        isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[selection.name.value] : undefined;
      const children = selection.selectionSet && field ? nodesOf(selection.selectionSet, getNamedType(field.type)) : [];
      const pageSize = pageSizeOf(selection, field);
      return pageSize ? [{ pageSize, children }] : children;
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
  return (variables) => sum(roots, variables);
}

function sum(nodes: readonly Node[], variables: Variables): number {
  let total = 0;
  for (const { pageSize, children } of nodes) total += (pageSize?.(variables) ?? 1) * (1 + sum(children, variables));
  return total;
}

/** What isn't a count is refused when variables are coerced; a negative one by the resolver. */
const count = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0);
