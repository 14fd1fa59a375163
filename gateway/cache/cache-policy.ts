import {
  type DocumentNode, type FieldNode, type GraphQLNamedType, type GraphQLSchema, Kind, type OperationDefinitionNode, type SelectionSetNode,
  getNamedType, isCompositeType, isInterfaceType, isObjectType, parse,
} from 'graphql'; // prettier-ignore
import { catalogueTag, maxAnswerAgeSeconds, productTag } from '../../subgraphs/shared/process/cache-versions.ts';
import type { Variables } from '../execute/types.ts';
import { type Fragments, fragmentsOf } from '../documents/fragments.ts';

/** How long the answer to an operation may be kept, and what it shows. */
export type CachePolicy = {
  readonly maxAgeSeconds: number;
  /** The things whose changes put the answer out of date; null where others could too, and it must not be kept. */
  tags(variables: Variables): readonly string[] | null;
};

/** Null for operations whose answers must not be kept. */
export type CachePolicies = (
  read: { readonly document: DocumentNode; readonly operation: OperationDefinitionNode },
  query: string,
) => CachePolicy | null;

type Hint = { readonly maxAge?: number; readonly isPrivate: boolean; readonly inherits: boolean };
/** By `Type` and `Type.field`. */
type Hints = ReadonlyMap<string, Hint>;

/** These let an answer depend on stock and sales, which change without a change of the catalogue. */
const dependsOnMore = /inStock|POPULARITY/;
/** A product with one of these shows more than itself. */
const showsMore = /\b(?:category|group)\b/;

/** The policies of a supergraph's operations, by Apollo's rules for `@cacheControl` with a default of 0. */
export function cachePolicies(schema: GraphQLSchema, supergraphSdl: string): CachePolicies {
  const hints = readHints(supergraphSdl);
  const known = new WeakMap<OperationDefinitionNode, { readonly policy: CachePolicy | null }>();
  return ({ document, operation }, query) => {
    let entry = known.get(operation);
    if (!entry) known.set(operation, (entry = { policy: policyOf({ schema, hints }, { document, operation, query }) }));
    return entry.policy;
  };
}

function policyOf(
  graph: { schema: GraphQLSchema; hints: Hints },
  asked: { document: DocumentNode; operation: OperationDefinitionNode; query: string },
): CachePolicy | null {
  const { document, operation, query } = asked;
  if (operation.operation !== 'query' || dependsOnMore.test(query)) return null;
  const fragments = fragmentsOf(document);
  const maxAgeSeconds = maxAgeOf(graph, { operation, fragments });
  if (maxAgeSeconds <= 0) return null;
  const roots = rootNodes(operation.selectionSet, fragments);
  return {
    maxAgeSeconds: Math.min(maxAgeSeconds, maxAnswerAgeSeconds),
    tags: (variables) =>
      dependsOnMore.test(JSON.stringify(variables))
        ? null
        : [
            ...new Set([
              ...roots.map((root) => tagOf(root, variables)),
              ...(showsMore.test(query) ? [catalogueTag] : []),
            ]),
          ],
  };
}

/** One product by its id is that product; everything else, the catalogue. */
function tagOf(root: FieldNode, variables: Variables): string {
  const value = root.arguments?.find(({ name }) => name.value === 'id')?.value;
  const id = value?.kind === Kind.STRING ? value.value : value?.kind === Kind.VARIABLE ? variables[value.name.value] : undefined; // prettier-ignore
  return root.name.value === 'product' && typeof id === 'string' ? productTag(id) : catalogueTag;
}

function rootNodes({ selections }: SelectionSetNode, fragments: Fragments): FieldNode[] {
  return selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return [selection];
    const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
    return inner ? rootNodes(inner.selectionSet, fragments) : [];
  });
}

/** The least of all fields; 0 when one is private or has no hint where it needs one. */
function maxAgeOf(
  { schema, hints }: { schema: GraphQLSchema; hints: Hints },
  { operation, fragments }: { operation: OperationDefinitionNode; fragments: Fragments },
): number {
  const ofFragment = new Map<string, number>();
  function ofField(node: FieldNode, parent: GraphQLNamedType | undefined, isRoot: boolean): number {
    if (node.name.value === '__typename') return Infinity;
    const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
    if (!field || !parent) return 0;
    const type = getNamedType(field.type);
    const onType = isCompositeType(type) ? hints.get(type.name) : undefined;
    const onField = hints.get(`${parent.name}.${field.name}`);
    if (onType?.isPrivate || onField?.isPrivate) return 0;
    const maxAge = onField?.maxAge ?? onType?.maxAge;
    const inherits = onField?.inherits === true || onType?.inherits === true;
    const own = maxAge ?? (isRoot || (isCompositeType(type) && !inherits) ? 0 : Infinity);
    return node.selectionSet ? Math.min(own, ofSelection(node.selectionSet, type, false)) : own;
  }
  function ofSelection(
    { selections }: SelectionSetNode,
    parent: GraphQLNamedType | undefined,
    isRoot: boolean,
  ): number {
    return Math.min(
      ...selections.map((selection) => {
        if (selection.kind === Kind.FIELD) return ofField(selection, parent, isRoot);
        if (selection.kind === Kind.FRAGMENT_SPREAD) return ofSpread(selection.name.value, isRoot);
        const { typeCondition: on } = selection;
        return ofSelection(selection.selectionSet, on ? schema.getType(on.name.value) : parent, isRoot);
      }),
    );
  }
  function ofSpread(name: string, isRoot: boolean): number {
    const known = ofFragment.get(name);
    if (known !== undefined) return known;
    const fragment = fragments.get(name);
    const type = fragment && schema.getType(fragment.typeCondition.name.value);
    const maxAge = fragment ? ofSelection(fragment.selectionSet, type, isRoot) : 0;
    ofFragment.set(name, maxAge);
    return maxAge;
  }
  const maxAge = ofSelection(operation.selectionSet, schema.getQueryType() ?? undefined, true);
  return Number.isFinite(maxAge) ? maxAge : 0;
}

const hinted = new Set<string>([
  Kind.OBJECT_TYPE_DEFINITION,
  Kind.INTERFACE_TYPE_DEFINITION,
  Kind.UNION_TYPE_DEFINITION,
]);

/**
 * The hints of the SDL. A field that the product service doesn't have alone gets none from the type around it: nothing
 * would tell of its changes.
 */
function readHints(supergraphSdl: string): Hints {
  const hints = new Map<string, Hint>();
  for (const type of parse(supergraphSdl).definitions) {
    if (!hinted.has(type.kind) || !('directives' in type) || !('name' in type) || !type.name) continue;
    const onType = hintOf(type.directives ?? []);
    if (onType) hints.set(type.name.value, onType);
    if (!('fields' in type)) continue;
    for (const field of type.fields ?? []) {
      if (field.kind !== Kind.FIELD_DEFINITION) continue;
      const owners = (field.directives ?? []).filter(({ name }) => name.value === 'join__field').map((one) => argument(one, 'graph')); // prettier-ignore
      const isElsewhere = owners.some((graph) => graph !== 'PRODUCT');
      const hint = hintOf(field.directives ?? []) ?? (isElsewhere ? { maxAge: 0, isPrivate: false, inherits: false } : undefined); // prettier-ignore
      if (hint) hints.set(`${type.name.value}.${field.name.value}`, hint);
    }
  }
  return hints;
}

type Directives = NonNullable<FieldNode['directives']>;

function hintOf(directives: readonly { readonly name: { readonly value: string } }[]): Hint | undefined {
  const directive = (directives as Directives).find(({ name }) => name.value === 'cacheControl');
  if (!directive) return undefined;
  const maxAge = argument(directive, 'maxAge');
  return {
    ...(maxAge !== undefined && { maxAge: Number(maxAge) }),
    isPrivate: argument(directive, 'scope') === 'PRIVATE',
    inherits: argument(directive, 'inheritMaxAge') === 'true',
  };
}

function argument(
  directive: { readonly arguments?: Directives[number]['arguments'] | undefined },
  name: string,
): string | undefined {
  const value = (directive as Directives[number]).arguments?.find((one) => one.name.value === name)?.value;
  return value && 'value' in value ? String(value.value) : undefined;
}
