import {
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLInterfaceType,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  Kind,
  type SelectionSetNode,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { type ParsedOperation, isIntrospection } from './operation.ts';
import { isOfType } from './type-conditions.ts';

/** What the client gets of an object of one type: fields in the order of the answer (GraphQL §6.3.2 CollectFields). */
export type ObjectShape = {
  /** The type's name; that of an interface when a subgraph could not say more. */
  readonly typename: string;
  /** False for an interface's name: a `__typename` can't be answered then. */
  readonly isConcrete: boolean;
  readonly fields: readonly FieldShape[];
};

export type FieldShape =
  | {
      readonly kind: 'data';
      /** The response name. */
      readonly key: string;
      /** The name under which it was fetched. */
      readonly source: string;
      /** "Type.field", for messages. */
      readonly place: string;
      readonly value: ValueShape;
    }
  | { readonly kind: 'typename'; readonly key: string }
  | { readonly kind: 'introspection'; readonly key: string; readonly nodes: readonly FieldNode[] };

/** How a value is completed, GraphQL §6.4.3. */
export type ValueShape =
  | { readonly kind: 'nonNull'; readonly of: ValueShape }
  | { readonly kind: 'list'; readonly of: ValueShape }
  | { readonly kind: 'leaf'; readonly type: GraphQLLeafType }
  | { readonly kind: 'object'; readonly selection: SelectionShape };

/** The selections at a place, by the type of the object that is found there. */
export type SelectionShape = {
  readonly type: GraphQLCompositeType;
  /** The shape where the type is known without looking. */
  readonly only: ObjectShape | null;
  /** Null for names that the place can't have. Compiled when first asked for. */
  shapeOf(typename: string): ObjectShape | null;
};

export type ShapeOptions = {
  /** The schema that clients see. */
  readonly schema: GraphQLSchema;
  /** Without conditions. */
  readonly parsed: ParsedOperation;
  /** The response name under which a field is fetched. */
  readonly dataKey: (node: FieldNode) => string;
};

/** The shape of the whole answer to an operation whose conditions are settled. */
export function compileShape(options: ShapeOptions): ObjectShape {
  const { schema, parsed } = options;
  const root = schema.getRootType(parsed.operation.operation);
  if (!root) throw new Error(`the schema has no ${parsed.operation.operation}`);
  return objectShape(options, root, [parsed.operation.selectionSet]);
}

function objectShape(
  options: ShapeOptions,
  type: GraphQLObjectType | GraphQLInterfaceType,
  selectionSets: readonly SelectionSetNode[],
): ObjectShape {
  const fields = collectFields(options, type, selectionSets);
  return {
    typename: type.name,
    isConcrete: isObjectType(type),
    fields: [...fields].map(([key, nodes]) => fieldShape(options, { type, key, nodes })),
  };
}

function fieldShape(
  options: ShapeOptions,
  { type, key, nodes }: { type: GraphQLObjectType | GraphQLInterfaceType; key: string; nodes: readonly FieldNode[] },
): FieldShape {
  const [node] = nodes;
  if (!node) throw new Error(`no field for ${key}`);
  const name = node.name.value;
  if (name === '__typename') return { kind: 'typename', key };
  if (isIntrospection(node)) return { kind: 'introspection', key, nodes };
  const field = type.getFields()[name];
  if (!field) throw new Error(`the operation was not validated: ${type.name} has no field ${name}`);
  const selectionSets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  return {
    kind: 'data',
    key,
    source: options.dataKey(node),
    place: `${type.name}.${name}`,
    value: valueShape(options, field.type, selectionSets),
  };
}

function valueShape(
  options: ShapeOptions,
  type: GraphQLOutputType,
  selectionSets: readonly SelectionSetNode[],
): ValueShape {
  if (isNonNullType(type)) return { kind: 'nonNull', of: valueShape(options, type.ofType, selectionSets) };
  if (isListType(type)) return { kind: 'list', of: valueShape(options, type.ofType, selectionSets) };
  if (isLeafType(type)) return { kind: 'leaf', type };
  return { kind: 'object', selection: selectionShape(options, type, selectionSets) };
}

function selectionShape(
  options: ShapeOptions,
  type: GraphQLCompositeType,
  selectionSets: readonly SelectionSetNode[],
): SelectionShape {
  const { schema } = options;
  if (isObjectType(type)) {
    // An object's type is known here: what a subgraph says of it (an interface object's name, say) doesn't count.
    const only = objectShape(options, type, selectionSets);
    return { type, only, shapeOf: () => only };
  }
  const shapes = new Map<string, ObjectShape>();
  return {
    type,
    only: null,
    shapeOf(typename) {
      let shape = shapes.get(typename);
      if (!shape) {
        const runtime = schema.getType(typename);
        if (!isObjectType(runtime) && !isInterfaceType(runtime)) return null;
        if (!isOfType(schema, typename, type.name)) return null;
        shape = objectShape(options, runtime, selectionSets);
        shapes.set(typename, shape);
      }
      return shape;
    },
  };
}

function collectFields(
  { schema, parsed }: ShapeOptions,
  type: GraphQLObjectType | GraphQLInterfaceType,
  selectionSets: readonly SelectionSetNode[],
): Map<string, FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
  const seenFragments = new Set<string>();
  const applies = (condition: string): boolean => {
    const wanted = schema.getType(condition);
    return wanted === type || (isAbstractType(wanted) && schema.isSubType(wanted, type));
  };
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const node of selections) {
      if (node.kind === Kind.FIELD) {
        const key = node.alias?.value ?? node.name.value;
        const nodes = fields.get(key);
        if (nodes) nodes.push(node);
        else fields.set(key, [node]);
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        if (!node.typeCondition || applies(node.typeCondition.name.value)) collect(node.selectionSet);
      } else if (!seenFragments.has(node.name.value)) {
        seenFragments.add(node.name.value);
        const fragment = parsed.fragments.get(node.name.value);
        if (fragment && applies(fragment.typeCondition.name.value)) collect(fragment.selectionSet);
      }
    }
  };
  selectionSets.forEach(collect);
  return fields;
}
