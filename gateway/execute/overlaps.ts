import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionSetNode,
  print,
} from 'graphql';

/**
 * Response names that stand for different fields or arguments at one path of the response, which GraphQL allows for
 * objects of different types. Errs on the side of more names.
 */
export function overlappingNames(document: DocumentNode): ReadonlySet<string> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  const found = new Set<string>();

  function fieldsOf(selectionSets: readonly SelectionSetNode[]): Map<string, FieldNode[]> {
    const fields = new Map<string, FieldNode[]>();
    const seen = new Set<string>();
    const collect = ({ selections }: SelectionSetNode): void => {
      for (const node of selections) {
        if (node.kind === Kind.FIELD) {
          const key = responseName(node);
          const nodes = fields.get(key);
          if (nodes) nodes.push(node);
          else fields.set(key, [node]);
        } else if (node.kind === Kind.INLINE_FRAGMENT) {
          collect(node.selectionSet);
        } else if (!seen.has(node.name.value)) {
          seen.add(node.name.value);
          const fragment = fragments.get(node.name.value);
          if (fragment) collect(fragment.selectionSet);
        }
      }
    };
    selectionSets.forEach(collect);
    return fields;
  }
  const look = (selectionSets: readonly SelectionSetNode[]): void => {
    for (const [name, nodes] of fieldsOf(selectionSets)) {
      const [first, ...others] = nodes;
      if (first && others.some((node) => meaningOf(node) !== meaningOf(first))) found.add(name);
      const inner = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
      if (inner.length > 0) look(inner);
    }
  };
  for (const node of document.definitions) if (node.kind === Kind.OPERATION_DEFINITION) look([node.selectionSet]);
  return found;
}

/** The name of a field in the response. */
export const responseName = ({ alias, name }: FieldNode): string => alias?.value ?? name.value;

/** Equal for fields that ask the same of an object. */
export const meaningOf = ({ name, arguments: given = [] }: FieldNode): string =>
  given.length === 0
    ? name.value
    : `${name.value}(${given
        .map((argument) => print(argument))
        .toSorted()
        .join(',')})`;
