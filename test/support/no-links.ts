import type { SubgraphLink } from '../../subgraphs/shared/calls/link.ts';
import type { SubgraphName } from '../../subgraphs/shared/values/subgraph-names.ts';

/** The links of a subgraph that is tested alone: any call to another is a mistake. */
export const callsNobody = (name: SubgraphName): SubgraphLink => {
  throw new Error(`no call to the ${name} service was expected`);
};
