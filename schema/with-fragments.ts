import { type DocumentNode, type FragmentDefinitionNode, Kind, parse, print, visit } from 'graphql';

/** Those of the fragments that a document uses, directly or through others, in the order of their first use. */
export function usedFragments(document: DocumentNode, fragments: DocumentNode): FragmentDefinitionNode[] {
  const all = fragments.definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION);
  const used = new Set<FragmentDefinitionNode>();
  const collect = (node: DocumentNode | FragmentDefinitionNode): void => {
    visit(node, {
      FragmentSpread({ name }) {
        const fragment = all.find((each) => each.name.value === name.value);
        if (fragment === undefined || used.has(fragment)) return;
        used.add(fragment);
        collect(fragment);
      },
    });
  };
  collect(document);
  return [...used];
}

/** An operation's text, comments and all, with the fragments that it uses: what is sent. Throws GraphQLError. */
export function withFragments(operation: string, fragments: string): string {
  const used = usedFragments(parse(operation), parse(fragments));
  return [operation.trimEnd(), ...used.map((fragment) => print(fragment))].join('\n\n') + '\n';
}
