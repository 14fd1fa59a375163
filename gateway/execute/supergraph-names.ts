import { type FieldNode, type GraphQLSchema, isInterfaceType, isObjectType, parse, visit } from 'graphql';
import type { Supergraph } from '@apollo/federation-internals';
import { meaningOf } from './overlaps.ts';

/** What the planner may add to a client's selections. */
export type SupergraphNames = {
  /** The names of all fields that subgraphs know. */
  readonly fields: ReadonlySet<string>;
  /** The fields in any `@requires`, at any depth: name → what is meant by it. Aliases are not allowed there. */
  readonly required: ReadonlyMap<string, ReadonlySet<string>>;
  /** A piece that no field's name has. */
  readonly suffix: string;
};

/** Of a supergraph and its schema with all types that subgraphs know. */
export function supergraphNames(supergraph: Supergraph, schema: GraphQLSchema): SupergraphNames {
  const fields = fieldNamesOf(schema);
  return { fields, required: requiredOf(supergraph), suffix: suffixUnusedBy(fields, '__as') };
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
  for (const subgraph of supergraph.subgraphs())
    for (const directive of subgraph.metadata().requiresDirective().applications())
      visit(parse(inBraces(String(directive.arguments().fields)), { noLocation: true }), {
        Field(node) {
          const meanings = required.get(node.name.value) ?? new Set();
          required.set(node.name.value, meanings.add(meaningOf(node)));
        },
      });
  return required;
}

/** A field set may stand in braces of its own. */
const inBraces = (fields: string): string => (/^[\s,]*\{/.test(fields) ? fields : `{${fields}}`);
