import { createHash } from 'node:crypto';
import {
  type FieldNode,
  type GraphQLField,
  type GraphQLFieldResolver,
  GraphQLNonNull,
  type GraphQLOutputType,
  type GraphQLSchema,
  type SelectionSetNode,
  Kind,
  getArgumentValues,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';

/** An object of the world: the same identity gives the same fields to whoever asks. */
export type WorldObject = {
  readonly __typename: string;
  readonly identity: string;
  readonly given?: Record<string, unknown>;
};

/** Fields that throw: called with the type's name, the field's name and the object's identity. */
export type Fault = (place: { readonly type: string; readonly field: string; readonly identity: string }) => boolean;

/** How much of the same there is. */
export type WorldSize = {
  /** Entities of each type. */
  readonly poolSize: number;
  /** Lists have this many elements, nulls included. */
  readonly minLength: number;
  readonly maxLength: number;
};
const usualSize: WorldSize = { poolSize: 4, minLength: 0, maxLength: 3 };

export type World = {
  /** Resolves any field of any schema over this world. */
  readonly resolve: GraphQLFieldResolver<WorldObject | undefined, unknown>;
  /** The object that a representation stands for; null when there is none. */
  find(typename: string, representation: Record<string, unknown>): WorldObject | null;
  setFault(fault: Fault | null): void;
};

export type WorldOptions = {
  /** What clients see. */
  readonly api: GraphQLSchema;
  readonly subgraphs: readonly GraphQLSchema[];
  /** Entity types, with all fields that are in any of their keys. */
  readonly entities: ReadonlySet<string>;
  /** `Type.field` → what it requires of its object. */
  readonly requires: ReadonlyMap<string, SelectionSetNode>;
  readonly size?: WorldSize | undefined;
};

export const hashOf = (...parts: readonly unknown[]): number =>
  createHash('md5').update(JSON.stringify(parts)).digest().readUInt32BE(0);

/** Deterministic data for a supergraph: what any subgraph answers and what the unfederated schema answers is the same. */
export function makeWorld({ api, subgraphs, entities, requires, size = usualSize }: WorldOptions): World {
  const { poolSize, minLength, maxLength } = size;
  let fault: Fault | null = null;
  const possible = possibleTypes(api, subgraphs);

  function value(
    type: GraphQLOutputType,
    at: { identity: string; parent: string; field: string },
    salt: unknown,
  ): unknown {
    if (isNonNullType(type)) return present(type.ofType, at, salt);
    if (hashOf('null', at.identity, at.field, salt) % 6 === 0) return null;
    return present(type, at, salt);
  }
  function present(
    type: GraphQLOutputType,
    at: { identity: string; parent: string; field: string },
    salt: unknown,
  ): unknown {
    const hash = hashOf(at.identity, at.field, salt);
    if (isNonNullType(type)) return present(type.ofType, at, salt);
    if (isListType(type)) {
      const length = minLength + (hash % (maxLength - minLength + 1));
      return Array.from({ length }, (_, index) => value(type.ofType, at, [salt, index]));
    }
    if (isEnumType(type)) {
      const shown = api.getType(type.name);
      const values = isEnumType(shown) ? shown.getValues() : type.getValues();
      return values[hash % values.length]?.name;
    }
    if (isCompositeType(type)) {
      const names =
        isObjectType(type) && !isInterfaceType(api.getType(type.name)) ? [type.name] : possible(type.name, at);
      const name = names[hash % names.length];
      if (name === undefined) throw new Error(`nothing is a ${type.name} at ${at.field}`);
      const identity = entities.has(name)
        ? `${name}${hash % poolSize}`
        : `${at.identity}.${at.field}${JSON.stringify(salt)}`;
      return { __typename: name, identity } satisfies WorldObject;
    }
    switch (type.name) {
      case 'Int':
        return hash % 100;
      case 'Float':
        return (hash % 800) / 8;
      case 'Boolean':
        return hash % 2 === 0;
      case 'ID':
        return `${at.field}-${at.identity}`;
      case 'String':
        return hash % 9 === 0 ? '' : `${at.field} "${at.identity}" ${hash % 7}`;
      default:
        return customScalar(type.name, hash);
    }
  }

  /** What an object has of what is required of it; the ground truth for representations. */
  function truth(object: WorldObject, selections: SelectionSetNode): Record<string, unknown> {
    const type = api.getType(object.__typename);
    const result: Record<string, unknown> = {};
    for (const node of selections.selections) {
      if (node.kind === Kind.INLINE_FRAGMENT) {
        const condition = node.typeCondition && api.getType(node.typeCondition.name.value);
        if (
          !condition ||
          condition === type ||
          (isAbstractType(condition) && isObjectType(type) && api.isSubType(condition, type))
        )
          Object.assign(result, truth(object, node.selectionSet));
        continue;
      }
      if (node.kind !== Kind.FIELD || node.name.value === '__typename') continue;
      result[node.name.value] = truthOfField(object, node);
    }
    return result;
  }
  function truthOfField(object: WorldObject, node: FieldNode): unknown {
    const place = { identity: object.identity, parent: object.__typename, field: node.name.value };
    const required = requires.get(`${place.parent}.${place.field}`);
    const definition = fieldOf(place.parent, place.field);
    const args = getArgumentValues(definition, node);
    const salt = required ? { ...args, $required: truth(object, required) } : args;
    const inner = value(promised(place, definition.type), place, sorted(salt));
    return node.selectionSet ? mapObjects(inner, node.selectionSet) : inner;
  }
  const mapObjects = (inner: unknown, selections: SelectionSetNode): unknown =>
    Array.isArray(inner)
      ? inner.map((one) => mapObjects(one, selections))
      : inner === null
        ? null
        : truth(inner as WorldObject, selections);
  /** Fields may be hidden from clients or be known to some subgraphs only. */
  function fieldOf(typename: string, field: string): GraphQLField<unknown, unknown> {
    for (const schema of [api, ...subgraphs]) {
      const type = schema.getType(typename);
      const found = isObjectType(type) ? type.getFields()[field] : undefined;
      if (found) return found;
    }
    throw new Error(`no schema has ${typename}.${field}`);
  }

  const promises = new Map<string, boolean>();
  /** The type of a field that is the same for all: never null where any subgraph says so. */
  function promised({ parent, field }: { parent: string; field: string }, type: GraphQLOutputType): GraphQLOutputType {
    if (isNonNullType(type)) return type;
    const name = `${parent}.${field}`;
    let isPromised = promises.get(name);
    if (isPromised === undefined) {
      isPromised = subgraphs.some((schema) => {
        const known = schema.getType(parent);
        return isObjectType(known) && isNonNullType(known.getFields()[field]?.type);
      });
      promises.set(name, isPromised);
    }
    return isPromised ? new GraphQLNonNull(type) : type;
  }

  return {
    setFault(next) {
      fault = next;
    },
    resolve(source, args, _context, info) {
      const parent = source?.__typename ?? info.parentType.name;
      // The root is one, also where a field leads back to it.
      const identity = info.parentType.name === info.schema.getQueryType()?.name ? '' : (source?.identity ?? '');
      if (fault?.({ type: parent, field: info.fieldName, identity })) throw new Error(`no ${info.fieldName}`);
      const known = api.getType(parent);
      const names = [
        info.parentType.name,
        parent,
        ...(isObjectType(known) ? known.getInterfaces().map(({ name }) => name) : []),
      ];
      const required = names.map((name) => requires.get(`${name}.${info.fieldName}`)).find((one) => one !== undefined);
      const salt =
        required && source
          ? { ...args, $required: source.given ? pick(source.given, required) : truth(source, required) }
          : args;
      const place = { identity, parent, field: info.fieldName };
      return value(promised(place, info.returnType), place, sorted(salt));
    },
    find(typename, representation) {
      const names = entities.has(typename) ? [typename] : possible(typename, { parent: '', field: '' });
      for (const name of names) {
        for (let index = 0; index < poolSize; index++) {
          const object: WorldObject = { __typename: name, identity: `${name}${index}` };
          if (matches(object, representation)) return { ...object, given: representation };
        }
      }
      return null;
    },
  };

  /** An entity is known by the values that carry its identity (IDs); numbers and the like may be equal by chance. */
  function matches(object: WorldObject, representation: Record<string, unknown>): boolean {
    return Object.entries(representation).every(([field, given]) => {
      if (field === '__typename' || requires.has(`${object.__typename}.${field}`)) return true;
      const { type, args } = fieldOf(object.__typename, field);
      // No key has arguments.
      if (args.length > 0) return true;
      if (typeof given === 'string' || (typeof given === 'object' && given !== null && !Array.isArray(given))) {
        const inner = value(type, { identity: object.identity, parent: object.__typename, field }, {});
        if (typeof given === 'string') return inner === given;
        return (
          inner !== null &&
          typeof inner === 'object' &&
          matchesNested(inner as WorldObject, given as Record<string, unknown>)
        );
      }
      return true;
    });
  }
  function matchesNested(object: WorldObject, representation: Record<string, unknown>): boolean {
    const type = getNamedType(api.getType(object.__typename) ?? null);
    return !isObjectType(type) || matches(object, representation);
  }
}

/** Only what a field requires, in the order of the requirement: the representation may hold more. */
function pick(given: unknown, selections: SelectionSetNode): unknown {
  if (Array.isArray(given)) return given.map((one: unknown) => pick(one, selections));
  if (typeof given !== 'object' || given === null) return given;
  const source = given as Record<string, unknown>;
  const result: Record<string, unknown> = {};
  for (const node of selections.selections) {
    if (node.kind === Kind.INLINE_FRAGMENT) {
      // Representations say no type below their root: the fields that are there tell.
      const isThere = node.selectionSet.selections.every((one) => one.kind !== Kind.FIELD || one.name.value in source);
      if (isThere) Object.assign(result, pick(source, node.selectionSet));
    } else if (node.kind === Kind.FIELD && node.name.value !== '__typename') {
      const inner = source[node.name.value];
      result[node.name.value] = node.selectionSet ? pick(inner, node.selectionSet) : inner;
    }
  }
  return result;
}

/** What an abstract place may hold: types that every subgraph which answers the field knows. */
function possibleTypes(api: GraphQLSchema, subgraphs: readonly GraphQLSchema[]) {
  return (abstract: string, at: { parent: string; field: string }): readonly string[] => {
    const type = api.getType(abstract);
    const all = isAbstractType(type) ? api.getPossibleTypes(type).map(({ name }) => name) : [abstract];
    const answering = subgraphs.filter((schema) => {
      const parent = schema.getType(at.parent);
      return (isObjectType(parent) || isInterfaceType(parent)) && at.field in parent.getFields();
    });
    return all.filter((name) =>
      answering.every((schema) => {
        const known = schema.getType(abstract);
        return (
          isObjectType(known) ||
          (isAbstractType(known) && schema.getPossibleTypes(known).some((one) => one.name === name))
        );
      }),
    );
  };
}

function customScalar(name: string, hash: number): unknown {
  switch (name) {
    case 'DateTime':
      return new Date(hash * 1000).toISOString();
    case 'LocalDate':
      return new Date(hash * 1000).toISOString().slice(0, 10);
    case 'SafeInt':
      return hash * 1000;
    default:
      return [hash, { deep: [null, { hash }], text: 'a "b"' }, 'text', null, false][hash % 5] ?? { hash };
  }
}

const sorted = (args: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(args).toSorted(([a], [b]) => (a < b ? -1 : 1)));
