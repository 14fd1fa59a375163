/** The services of the platform, in the order in which they are composed. */
export const subgraphNames = ['user', 'product', 'order', 'payment'] as const;
export type SubgraphName = (typeof subgraphNames)[number];
