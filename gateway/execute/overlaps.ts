import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionSetNode,
  print,
} from 'graphql';

/**
 * Whether a response name stands for different fields or arguments at one path of the response, which GraphQL allows for
 * objects of different types. Plans of such operations need paths with conditions on types; those of others are simpler
 * without. Errs on the side of yes.
 */
export function hasOverlaps(document: DocumentNode): boolean {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);

  function fieldsOf(selectionSets: readonly SelectionSetNode[]): Map<string, FieldNode[]> {
    const fields = new Map<string, FieldNode[]>();
    const seen = new Set<string>();
    const collect = ({ selections }: SelectionSetNode): void => {
      for (const node of selections) {
        if (node.kind === Kind.FIELD) {
          const key = node.alias?.value ?? node.name.value;
          fields.set(key, [...(fields.get(key) ?? []), node]);
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
  const overlaps = (selectionSets: readonly SelectionSetNode[]): boolean =>
    [...fieldsOf(selectionSets).values()].some((nodes) => {
      const meanings = new Set(nodes.map(meaningOf));
      return meanings.size > 1 || overlaps(nodes.flatMap(({ selectionSet }) => selectionSet ?? []));
    });
  return document.definitions.some((node) => node.kind === Kind.OPERATION_DEFINITION && overlaps([node.selectionSet]));
}

const meaningOf = ({ name, arguments: given = [] }: FieldNode): string =>
  `${name.value}(${given
    .map((argument) => print(argument))
    .toSorted()
    .join(',')})`;
