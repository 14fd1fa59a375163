/**
 * The services of the platform, in the order in which they are composed. A graph may have more subgraphs: a team's own, which
 * only the gateway knows (`GRAPH_SUBGRAPHS`).
 */
export const subgraphNames = ['user', 'product', 'order', 'payment'] as const;
export type SubgraphName = (typeof subgraphNames)[number];

const nameRule = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

/** Why this can't be the name of an added subgraph; null when it can. */
export function subgraphNameFault(name: string): string | null {
  if (!nameRule.test(name))
    return `${JSON.stringify(name)} can't be a subgraph's name: letters, digits, - and _, a letter first, at most 63.`;
  if (subgraphNames.some((own) => own === name.toLowerCase()))
    return `${name} is a subgraph of the platform itself, whose address is ${name.toUpperCase()}_URL; give yours another name.`;
  return null;
}
