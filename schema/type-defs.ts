import { readFileSync } from 'node:fs';
import { type ASTNode, type DefinitionNode, type DocumentNode, Source, parse, visit } from 'graphql';
import type { SubgraphName } from '../subgraphs/shared/values/subgraph-names.ts';

/**
 * A subgraph's SDL: `schema/<name>.graphql`, and what it uses of `schema/shared.graphql`, directly or through what it
 * uses. The rest is left out, so that the supergraph doesn't say that every subgraph has Money.
 * Throws GraphQLError, whose `source` names the file.
 */
export function typeDefsOf(name: SubgraphName): DocumentNode {
  const shared = new Map<string, DefinitionNode>();
  for (const definition of read('shared').definitions)
    if ('name' in definition && definition.name) shared.set(definition.name.value, definition);
  const own = read(name);
  const used = new Set<DefinitionNode>();
  const use = (node: ASTNode): void => {
    visit(node, {
      NamedType({ name: { value } }) {
        const definition = shared.get(value);
        if (definition === undefined || used.has(definition)) return;
        used.add(definition);
        use(definition);
      },
    });
  };
  use(own);
  return { ...own, definitions: [...[...shared.values()].filter((each) => used.has(each)), ...own.definitions] };
}

function read(file: string): DocumentNode {
  const text = readFileSync(new URL(`${file}.graphql`, import.meta.url), 'utf8');
  return parse(new Source(text, `schema/${file}.graphql`));
}
