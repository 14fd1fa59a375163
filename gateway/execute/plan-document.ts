import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  isInterfaceType,
  isObjectType,
  visit,
} from 'graphql';
import { isCondition } from './operation.ts';
import type { ResponsePath } from './types.ts';

/** A document as the planner gets it, and how its names differ from the client's. */
export type PlanDocument = {
  readonly document: DocumentNode;
  /** The response name under which a field of the client's document is fetched. */
  dataKey(node: FieldNode): string;
  /** A path of fetched data as the client knows it. */
  clientPath(path: ResponsePath): ResponsePath;
  /** The client's variables under the names that the planner knows. */
  planVariables(variables: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
};

/** The variable of every `_entities` query: a client's own of that name has to make way. */
const reservedVariable = 'representations';

/**
 * Apollo's planner has three blind spots, which stock's answers show; documents that touch them are planned in another
 * form and shaped in their own:
 * - an alias that is the name of another field collides with the keys and required fields that the planner adds,
 * - a variable `$representations` collides with that of `_entities` queries,
 * - a selection set that conditions make empty is left out with its field, which GraphQL answers with empty objects.
 */
export function planDocument(document: DocumentNode, fieldNames: ReadonlySet<string>): PlanDocument {
  const suffix = unusedSuffix(document);
  const isTaken = (node: FieldNode): boolean =>
    node.alias !== undefined && node.alias.value !== node.name.value && fieldNames.has(node.alias.value);
  const clientNames = new Map<string, string>();
  const fragments = new Map(
    document.definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
  let usesReserved = false;
  const planned = visit(document, {
    Field(node) {
      if (!node.alias || !isTaken(node)) return undefined;
      const value = node.alias.value + suffix;
      clientNames.set(value, node.alias.value);
      return { ...node, alias: { ...node.alias, value } };
    },
    Variable(node) {
      if (node.name.value !== reservedVariable) return undefined;
      usesReserved = true;
      return { ...node, name: { ...node.name, value: reservedVariable + suffix } };
    },
    SelectionSet: {
      leave(node, _key, parent) {
        const isRoot = parent && 'kind' in parent && parent.kind === Kind.OPERATION_DEFINITION;
        return isRoot || hasCertainField(node, fragments) ? undefined : { ...node, selections: [...node.selections, typenameField] }; // prettier-ignore
      },
    },
  });
  return {
    document: planned,
    dataKey: (node) => (node.alias ? node.alias.value + (isTaken(node) ? suffix : '') : node.name.value),
    clientPath: (path) =>
      clientNames.size === 0 ? path : path.map((name) => (typeof name === 'string' ? (clientNames.get(name) ?? name) : name)), // prettier-ignore
    planVariables(variables) {
      const { [reservedVariable]: value, ...others } = variables;
      return usesReserved && value !== undefined ? { ...others, [reservedVariable + suffix]: value } : variables;
    },
  };
}

/** The names of all fields that subgraphs know. */
export function fieldNamesOf(supergraphSchema: GraphQLSchema): ReadonlySet<string> {
  const names = new Set(['__typename']);
  for (const type of Object.values(supergraphSchema.getTypeMap()))
    if (isObjectType(type) || isInterfaceType(type)) for (const name of Object.keys(type.getFields())) names.add(name);
  return names;
}

const typenameField: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };

/** Whether a selection set has a field whatever the conditions and the types are. */
function hasCertainField(
  { selections }: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): boolean {
  const isCertain = (node: SelectionNode): boolean => {
    if (node.directives?.some(isCondition)) return false;
    if (node.kind === Kind.FIELD) return true;
    if (node.kind === Kind.INLINE_FRAGMENT)
      return node.typeCondition ? false : hasCertainField(node.selectionSet, fragments);
    return false;
  };
  return selections.some(isCertain);
}

/** An ending that no name of the document has. */
function unusedSuffix(document: DocumentNode): string {
  let suffix = '__as';
  const names = new Set<string>();
  visit(document, { Name: ({ value }) => void names.add(value) });
  while ([...names].some((name) => name.endsWith(suffix))) suffix += '_';
  return suffix;
}
