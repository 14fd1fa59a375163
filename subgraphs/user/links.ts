import type { SubgraphLink, SubgraphName } from '../shared/link.ts';

/** The user subgraph asks no other service anything, so it is given no way to. */
export const callsNobody = (name: SubgraphName): SubgraphLink => {
  throw new Error(`The user subgraph has no link to ${name}.`);
};
