import {
  type FieldNode,
  type GraphQLSchema,
  Kind,
  type SelectionSetNode,
  isInterfaceType,
  isObjectType,
  parse,
  visit,
} from 'graphql';
import type { FieldDefinition, NamedType, ObjectType, Subgraph, Supergraph } from '@apollo/federation-internals';
import { meaningOf } from './overlaps.ts';

/** What the planner may add to a client's selections. */
export type SupergraphNames = {
  /** The names of all fields that subgraphs know. */
  readonly fields: ReadonlySet<string>;
  /** The fields in any `@requires`, at any depth: name → what is meant by it. Aliases are not allowed there. */
  readonly required: ReadonlyMap<string, ReadonlySet<string>>;
  /** A piece that no field's name has. */
  readonly suffix: string;
  /** What clients see. */
  readonly api: GraphQLSchema;
  /**
   * Interface → a leaf of a key that all subgraphs have, for those that some know as an interface object: those can't
   * say an object's type, so `__typename` would be asked of another.
   */
  readonly standIns: ReadonlyMap<string, string>;
};

/** Of a supergraph, its schema with all types that subgraphs know, and what clients see of it. */
export function supergraphNames(supergraph: Supergraph, schema: GraphQLSchema, api: GraphQLSchema): SupergraphNames {
  const fields = fieldNamesOf(schema);
  return {
    fields,
    required: requiredOf(supergraph),
    suffix: suffixUnusedBy(fields, '__as'),
    api,
    standIns: standInsOf(supergraph, api),
  };
}

/** A piece that none of the names has: this one, or with as many `_` as it takes. */
export function suffixUnusedBy(names: Iterable<string>, first: string): string {
  const all = [...names];
  let suffix = first;
  while (all.some((name) => name.includes(suffix))) suffix += '_';
  return suffix;
}

/** Whether a field has the name of a required one and isn't sure to mean the same: another type may require it so. */
export function isRequiredOtherwise({ required }: SupergraphNames, node: FieldNode): boolean {
  const meanings = required.get(node.name.value);
  return meanings !== undefined && (meanings.size > 1 || !meanings.has(meaningOf(node)));
}

function fieldNamesOf(schema: GraphQLSchema): ReadonlySet<string> {
  const names = new Set(['__typename']);
  for (const type of Object.values(schema.getTypeMap()))
    if (isObjectType(type) || isInterfaceType(type)) for (const name of Object.keys(type.getFields())) names.add(name);
  return names;
}

function requiredOf(supergraph: Supergraph): ReadonlyMap<string, ReadonlySet<string>> {
  const required = new Map<string, Set<string>>();
  for (const { fields } of requirements(supergraph))
    visit(fields, {
      Field(node) {
        const meanings = required.get(node.name.value) ?? new Set();
        required.set(node.name.value, meanings.add(meaningOf(node)));
      },
    });
  return required;
}

/** A `@requires` of a subgraph. */
type Requirement = {
  readonly subgraph: string;
  /** The type and the field that have the directive. */
  readonly typename: string;
  readonly field: string;
  readonly fields: SelectionSetNode;
};

/** All that fields of any subgraph require. */
export function requirements(supergraph: Supergraph): Requirement[] {
  const found: Requirement[] = [];
  for (const subgraph of supergraph.subgraphs())
    for (const directive of subgraph.metadata().requiresDirective().applications()) {
      const parent = directive.parent as FieldDefinition<ObjectType>;
      const fields = parseFieldSet(String(directive.arguments().fields));
      found.push({ subgraph: subgraph.name, typename: parent.parent.name, field: parent.name, fields });
    }
  return found;
}

/** A field set of a directive, e.g. of `@requires(fields: "…")`, which may stand in braces of its own. */
export function parseFieldSet(fields: string): SelectionSetNode {
  const text = /^[\s,]*\{/.test(fields) ? fields : `{${fields}}`;
  const [definition] = parse(text, { noLocation: true }).definitions;
  if (definition?.kind !== Kind.OPERATION_DEFINITION) throw new Error(`no field set: ${fields}`);
  return definition.selectionSet;
}

/** Interface → the field by which an interface object is asked for nothing else. */
function standInsOf(supergraph: Supergraph, api: GraphQLSchema): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const type of Object.values(api.getTypeMap())) {
    if (!isInterfaceType(type)) continue;
    const keys: ReadonlySet<string>[] = [];
    let isInterfaceObject = false;
    for (const subgraph of supergraph.subgraphs()) {
      const known = subgraph.schema.type(type.name);
      if (!known) continue;
      isInterfaceObject ||= subgraph.metadata().isInterfaceObjectType(known);
      keys.push(keyLeaves(subgraph, known));
    }
    const name = [...(keys[0] ?? [])].find((leaf) => keys.every((one) => one.has(leaf)) && leaf in type.getFields());
    if (isInterfaceObject && name !== undefined) found.set(type.name, name);
  }
  return found;
}

/** The leaves of a type's keys. */
function keyLeaves(subgraph: Subgraph, type: NamedType): ReadonlySet<string> {
  const leaves = new Set<string>();
  for (const directive of type.appliedDirectivesOf(subgraph.metadata().keyDirective()))
    for (const node of parseFieldSet(String(directive.arguments().fields)).selections)
      if (node.kind === Kind.FIELD && !node.selectionSet) leaves.add(node.name.value);
  return leaves;
}
