import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** The fragments of a document, by name. */
export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

export const fragmentsOf = (document: DocumentNode): Fragments =>
  new Map(
    document.definitions
      .filter((node) => node.kind === Kind.FRAGMENT_DEFINITION)
      .map((node) => [node.name.value, node]),
  );

type RootField = { readonly name: string; readonly conditional: boolean };

/** The fields at the root, fragments expanded, up to `max` of them. A fragment is walked through again only if it has fields, so the work is bounded too. */
export function rootFields(set: SelectionSetNode, fragments: Fragments, max: number): RootField[] {
  const found: RootField[] = [];
  const open = new Set<string>();
  const walk = ({ selections }: SelectionSetNode, conditionalAbove: boolean): void => {
    for (const selection of selections) {
      if (found.length >= max) return;
      const conditional =
        conditionalAbove ||
        (selection.directives ?? []).some(({ name }) => name.value === 'skip' || name.value === 'include');
      if (selection.kind === Kind.FIELD) found.push({ name: selection.name.value, conditional });
      else if (selection.kind === Kind.INLINE_FRAGMENT) walk(selection.selectionSet, conditional);
      else {
        const name = selection.name.value;
        const fragment = fragments.get(name);
        if (!fragment || open.has(name)) continue;
        const before = found.length;
        open.add(name);
        walk(fragment.selectionSet, conditional);
        // One without a field is part of a circle, or leads to a fragment that isn't there. It stays closed: to try all
        // ways through a circle of n fragments would take n! steps.
        if (found.length > before) open.delete(name);
      }
    }
  };
  walk(set, false);
  return found;
}

/** How metrics name an operation: by its kind and first root field, of which there are only so many. */
export function operationLabel(operation: OperationDefinitionNode, fragments: Fragments): string {
  const [first, second] = rootFields(operation.selectionSet, fragments, 2);
  return `${operation.operation} ${first?.name ?? 'nothing'}${second ? ' …' : ''}`;
}
