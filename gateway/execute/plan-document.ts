import { type DocumentNode, type FieldNode, Kind, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import { isIntrospection, namesIn } from './operation.ts';
import { meaningOf, overlappingNames, responseName } from './overlaps.ts';
import { type SupergraphNames, isRequiredOtherwise, suffixUnusedBy } from './supergraph-names.ts';
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
 * Apollo's planner has blind spots, which stock's answers show; documents that touch them are planned in another form
 * and shaped in their own:
 * - an alias that is the name of another field collides with the keys and required fields that the planner adds
 *   (https://github.com/apollographql/federation/issues/3036),
 * - so does a required field that the client selects with other arguments than `@requires` gives,
 * - a response name that means different things for different types is fetched into one place for all
 *   (https://github.com/apollographql/federation/issues/2392),
 * - a variable `$representations` collides with that of `_entities` queries,
 * - a selection set that conditions made empty: GraphQL answers with empty objects, stock leaves out the field,
 * - introspection: Apollo's own schema of it lacks what graphql-js has learnt since, `isOneOf` for one. No plan has a part of it.
 */
export function planDocument(document: DocumentNode, names: SupergraphNames): PlanDocument {
  const { suffix, clientNames, dataKey } = renameFields(document, names);
  let usesReserved = false;
  const planned = visit(fillEmpty(document, names), {
    Field(node) {
      if (isIntrospection(node)) return fieldNode('__typename');
      const value = dataKey(node);
      return value === responseName(node) ? undefined : { ...node, alias: { kind: Kind.NAME, value } };
    },
    Variable(node) {
      if (node.name.value !== reservedVariable) return undefined;
      usesReserved = true;
      return { ...node, name: { ...node.name, value: reservedVariable + suffix } };
    },
    FragmentDefinition: (node) => (node.typeCondition.name.value.startsWith('__') ? null : undefined),
  });
  return {
    document: planned,
    dataKey,
    clientPath: (path) =>
      clientNames.size === 0 ? path : path.map((name) => (typeof name === 'string' ? (clientNames.get(name) ?? name) : name)), // prettier-ignore
    planVariables(variables) {
      const { [reservedVariable]: value, ...others } = variables;
      return usesReserved && value !== undefined ? { ...others, [reservedVariable + suffix]: value } : variables;
    },
  };
}

/** Fields get the name that they have in the response, or one by which meanings can be told apart. */
function renameFields(document: DocumentNode, names: SupergraphNames) {
  // A piece that no name of the document has, nor a field that the planner may add.
  const suffix = suffixUnusedBy(namesIn(document), names.suffix);
  const overlapping = overlappingNames(document);
  const isRenamed = (node: FieldNode): boolean => {
    const name = responseName(node);
    if (overlapping.has(name)) return true;
    return name === node.name.value ? isRequiredOtherwise(names, node) : names.fields.has(name);
  };
  const clientNames = new Map<string, string>();
  const keys = new Map<string, string>();
  visit(document, {
    Field(node) {
      if (!isRenamed(node)) return;
      const name = responseName(node);
      const meaning = `${name}:${meaningOf(node)}`;
      const key = keys.get(meaning) ?? `${name}${suffix}${keys.size}`;
      keys.set(meaning, key);
      clientNames.set(key, name);
    },
  });
  const dataKey = (node: FieldNode): string =>
    (isRenamed(node) ? keys.get(`${responseName(node)}:${meaningOf(node)}`) : undefined) ?? responseName(node);
  return { suffix, clientNames, dataKey };
}

/**
 * Drops fragments that conditions made empty. A field of which nothing is left is asked for what every subgraph that has
 * it can say: the object's type, or a leaf of its key where some know it as an interface object.
 */
function fillEmpty(document: DocumentNode, { api, standIns }: SupergraphNames): DocumentNode {
  const emptied = dropEmptyFragments(document);
  if (emptied === null) return document;
  const types = new TypeInfo(api);
  return visit(
    emptied,
    visitWithTypeInfo(types, {
      SelectionSet(node) {
        if (node.selections.length > 0) return undefined;
        return { ...node, selections: [fieldNode(standIns.get(types.getParentType()?.name ?? '') ?? '__typename')] };
      },
    }),
  );
}

/** Null when nothing is empty. A definition may be empty only because those are that it spreads. */
function dropEmptyFragments(document: DocumentNode): DocumentNode | null {
  let isAnyEmpty = false;
  visit(document, { SelectionSet: ({ selections }) => void (isAnyEmpty ||= selections.length === 0) });
  if (!isAnyEmpty) return null;
  let now = document;
  for (;;) {
    const dropped = new Set<string>();
    now = visit(now, {
      InlineFragment: { leave: ({ selectionSet }) => (selectionSet.selections.length === 0 ? null : undefined) },
      FragmentDefinition: {
        leave({ name, selectionSet }) {
          if (selectionSet.selections.length > 0) return undefined;
          dropped.add(name.value);
          return null;
        },
      },
    });
    if (dropped.size === 0) return now;
    now = visit(now, { FragmentSpread: ({ name }) => (dropped.has(name.value) ? null : undefined) });
  }
}

const fieldNode = (value: string): FieldNode => ({ kind: Kind.FIELD, name: { kind: Kind.NAME, value } });
