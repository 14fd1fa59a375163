import type { SubgraphLink, SubgraphName } from '../shared/link.ts';

/** Products ask no other subgraph; a call to one is a mistake in this program. */
export function callsNobody(name: SubgraphName): SubgraphLink {
  throw new Error(`the product subgraph calls no other subgraph, not even ${name}`);
}
