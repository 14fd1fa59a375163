import type { NamedType, Supergraph } from '@apollo/federation-internals';
import {
  type GraphQLCompositeType,
  type GraphQLSchema,
  Kind,
  type SelectionSetNode,
  getArgumentValues,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  isTypeSubTypeOf,
} from 'graphql';
import { requirements } from './supergraph-names.ts';

/**
 * Refuses a supergraph that would load and then be answered wrongly. Other features that the gateway doesn't have
 * (`@context`, `@authenticated`, `@requiresScopes`, `@policy`, `@connect`) are refused by Apollo's own check.
 *
 * @param schema the supergraph's, with all types that subgraphs know
 * @throws {Error} that lists all of what is not supported
 */
export function checkSupported(supergraph: Supergraph, schema: GraphQLSchema): void {
  const faults = [...labelledOverrides(supergraph), ...conflictingRequirements(supergraph, schema)];
  if (faults.length > 0) throw new Error(`The supergraph can't be served:\n${faults.join('\n')}`);
}

/** A label says for which share of the requests the override counts. Apollo's planner takes it as never. */
function labelledOverrides(supergraph: Supergraph): string[] {
  const faults: string[] = [];
  for (const type of supergraph.schema.types()) {
    if (type.kind !== 'ObjectType' && type.kind !== 'InterfaceType') continue;
    for (const field of type.fields())
      for (const directive of field.appliedDirectivesOf('join__field')) {
        const { overrideLabel } = directive.arguments() as { overrideLabel?: string };
        if (overrideLabel)
          faults.push(
            `${field.coordinate}: @override(label: "${overrideLabel}") is not supported; leave out the label.`,
          );
      }
  }
  return faults;
}

/** A field within a `@requires`, seen from an object around it. */
type RequiredField = {
  readonly type: GraphQLCompositeType;
  /** From an object of the type: names of fields. */
  readonly path: string;
  /** True when the type is the one whose field has the `@requires`. */
  readonly isWhole: boolean;
  /** Its arguments as JSON, defaults included. */
  readonly meaning: string;
  /** Whose `@requires` it is. */
  readonly by: string;
  /** Of the objects along the path, the first as declared there: the type above. */
  readonly types: readonly GraphQLCompositeType[];
};

/**
 * Fields that require another of the same object with different arguments: Apollo's planner fetches what is required
 * under the field's own name, so only one of them would get what it requires. It asks about the entities at one path of
 * an answer at once, whatever is around them, so the same goes for entities below objects of different types that may
 * be at one place.
 */
function conflictingRequirements(supergraph: Supergraph, schema: GraphQLSchema): string[] {
  const byPath = Map.groupBy(requiredFields(supergraph, schema), ({ path }) => path);
  const areAskedAtOnce = entitiesAtOnePlace(supergraph, schema);
  const faults = new Set<string>();
  for (const [path, all] of byPath)
    for (const [index, one] of all.entries())
      for (const other of all.slice(index + 1)) {
        if (one.meaning === other.meaning || !(one.isWhole || other.isWhole)) continue;
        if (canBeOne(schema, one.type, other.type))
          faults.add(
            `${one.by} and ${other.by} require "${path}" of one ${one.type.name} with different arguments, which is not supported.`,
          );
        else if (one.isWhole && other.isWhole && areAskedAtOnce(one, other))
          faults.add(
            `${one.by} and ${other.by} require "${path}" with different arguments, of an entity that may be at one place below either, which is not supported.`,
          );
      }
  return [...faults];
}

/** Whether the objects that two fields of different types require something of are entities of one fetch, at one path. */
function entitiesAtOnePlace(
  supergraph: Supergraph,
  schema: GraphQLSchema,
): (one: RequiredField, other: RequiredField) => boolean {
  const entities = new Set<string>();
  for (const subgraph of supergraph.subgraphs())
    for (const { parent } of subgraph.metadata().keyDirective().applications())
      entities.add((parent as NamedType).name);
  const places = Object.values(schema.getTypeMap()).filter(isAbstractType);
  const isEntity = (type: GraphQLCompositeType): boolean =>
    entities.has(type.name) ||
    (isAbstractType(type) && schema.getPossibleTypes(type).some(({ name }) => entities.has(name)));
  return (one, other) =>
    places.some((place) => canBeOne(schema, place, one.type) && canBeOne(schema, place, other.type)) &&
    one.types.some((type, depth) => {
      const opposite = other.types[depth];
      return depth > 0 && opposite !== undefined && isEntity(type) && canBeOne(schema, type, opposite);
    });
}

function requiredFields(supergraph: Supergraph, schema: GraphQLSchema): RequiredField[] {
  const found: RequiredField[] = [];
  type Around = Pick<RequiredField, 'type' | 'path' | 'isWhole' | 'types'>;
  const collect = (around: readonly Around[], type: unknown, { selections }: SelectionSetNode, by: string): void => {
    for (const node of selections) {
      if (node.kind === Kind.INLINE_FRAGMENT)
        collect(around, node.typeCondition ? schema.getType(node.typeCondition.name.value) : type, node.selectionSet, by); // prettier-ignore
      if (node.kind !== Kind.FIELD || !(isObjectType(type) || isInterfaceType(type))) continue;
      const field = type.getFields()[node.name.value];
      if (!field) continue;
      const here = around.length === 0 ? [{ type, path: '', isWhole: true, types: [] }] : around;
      const places = here.map((one) => ({
        ...one,
        path: one.path === '' ? field.name : `${one.path}.${field.name}`,
        types: [...one.types, type],
      }));
      const meaning = JSON.stringify(getArgumentValues(field, node));
      found.push(...places.map((place) => ({ ...place, meaning, by })));
      const inner = getNamedType(field.type);
      if (node.selectionSet && isCompositeType(inner))
        collect([...places, { type: inner, path: '', isWhole: false, types: [] }], inner, node.selectionSet, by);
    }
  };
  for (const { typename, field, subgraph, fields } of requirements(supergraph))
    collect([], schema.getType(typename), fields, `${typename}.${field} of subgraph "${subgraph}"`);
  return found;
}

/** Whether one object may be of both types. */
function canBeOne(schema: GraphQLSchema, one: GraphQLCompositeType, other: GraphQLCompositeType): boolean {
  if (isTypeSubTypeOf(schema, one, other) || isTypeSubTypeOf(schema, other, one)) return true;
  if (!isAbstractType(one) || !isAbstractType(other)) return false;
  const possible = new Set(schema.getPossibleTypes(one));
  return schema.getPossibleTypes(other).some((type) => possible.has(type));
}
