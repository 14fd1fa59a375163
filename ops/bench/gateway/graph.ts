/** The graph of the public federation benchmark with data of our own: sizes alike, values made up. */
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';

export const subgraphNames = ['users', 'products', 'reviews', 'inventory'] as const;
export type BenchSubgraph = (typeof subgraphNames)[number];

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires", "@shareable"])`;

export const typeDefs: Readonly<Record<BenchSubgraph, string>> = {
  users: `${link}
    type Query { me: User user(id: ID!): User users: [User] }
    type User @key(fields: "id") { id: ID! name: String username: String @shareable birthday: Int }`,
  products: `${link}
    type Query { topProducts(first: Int = 5): [Product] }
    type Product @key(fields: "upc") { upc: String! name: String price: Int weight: Int }`,
  reviews: `${link}
    type Review @key(fields: "id") { id: ID! body: String product: Product author: User @shareable }
    type User @key(fields: "id") { id: ID! username: String @shareable reviews: [Review] }
    type Product @key(fields: "upc") { upc: String! reviews: [Review] }`,
  inventory: `${link}
    type Product @key(fields: "upc") { upc: String! weight: Int @external price: Int @external inStock: Boolean shippingEstimate: Int @requires(fields: "price weight") }`,
};

type Row = Readonly<Record<string, unknown>>;

const users = Array.from({ length: 6 }, (_, n) => ({ id: `u${n}`, name: `Person Number ${n}`, username: `person_${n}`, birthday: 1970 + n })); // prettier-ignore
const products = Array.from({ length: 9 }, (_, n) => ({ upc: `p${n}`, name: `A product with the number ${n}`, price: 899 + n * 100, weight: 100 * (n + 1) })); // prettier-ignore
const reviews = Array.from({ length: 18 }, (_, n) => ({ id: `r${n}`, body: `The review number ${n}: it does what it says, would buy again`, product: products[n % 9], author: users[n % 3] })); // prettier-ignore

const userOf = ({ id }: Row): Row => ({ ...users.find((one) => one.id === id), reviews: () => reviews.filter((one) => one.author?.id === id).map(reviewOf) }); // prettier-ignore
const productOf = ({ upc }: Row): Row => ({ ...products.find((one) => one.upc === upc), reviews: () => reviews.filter((one) => one.product?.upc === upc).map(reviewOf) }); // prettier-ignore
const reviewOf = (review: Row): Row => ({ ...review, product: () => productOf(review['product'] as Row), author: () => userOf(review['author'] as Row) }); // prettier-ignore

/** Resolvers of a subgraph; the fields are on the rows. */
export function resolversOf(name: BenchSubgraph): Record<string, unknown> {
  switch (name) {
    case 'users':
      return {
        Query: { me: () => users[0], user: (_: unknown, { id }: Row) => userOf({ id }), users: () => users },
        User: { __resolveReference: userOf },
      };
    case 'products':
      return {
        Query: { topProducts: (_: unknown, { first }: Row) => products.slice(0, Number(first)) },
        Product: { __resolveReference: productOf },
      };
    case 'reviews':
      return {
        User: { __resolveReference: userOf },
        Product: { __resolveReference: productOf },
        Review: { __resolveReference: (row: Row) => reviewOf(reviews.find(({ id }) => id === row['id']) ?? row) },
      };
    case 'inventory':
      return {
        Product: {
          __resolveReference: (row: Row) => row,
          inStock: ({ upc }: Row) => upc !== 'p3',
          shippingEstimate: ({ price, weight }: Row) => (Number(price) > 1_000 ? 0 : Math.round(Number(weight) / 2)),
        },
      };
  }
}

export const queries = {
  big: `
    query Big {
      users { ...User reviews { ...Review product { ...Product reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } } } } }
      topProducts { ...Product reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } } }
    }
    fragment User on User { id username name }
    fragment Review on Review { id body }
    fragment Product on Product { inStock name price shippingEstimate upc weight }`,
  small: 'query Small { topProducts(first: 9) { upc name price inStock } }',
} as const;
export type QueryName = keyof typeof queries;

/** Fields of a product below which each document goes on differently. */
const tails = [
  'reviews { id body }',
  'reviews { id author { name } }',
  'reviews { id author { username reviews { id } } }',
  'reviews { product { name inStock } }',
  'shippingEstimate',
] as const;

/** The text of a valid query of which no two with different numbers are the same, nor their plans. */
export function distinctQuery(number: number): string {
  const tail = tails[number % tails.length] ?? '';
  return `query Document${number} { topProducts(first: ${(number % 9) + 1}) { upc price${number}: price inStock ${tail} } me { name${number}: name reviews { id } } }`;
}

/** Where the subgraphs listen, as their process prints it. */
export type Ports = Readonly<Record<BenchSubgraph, number>>;

export const urlOf = (ports: Ports, name: BenchSubgraph): string => `http://127.0.0.1:${ports[name]}/graphql`;

/** Says how long the lists are at most, as our gateway's static cost wants it; others may not know the specification. */
const withSizes = (text: string): string =>
  text
    .replace('federation/v2.3', 'federation/v2.9')
    .replace('"@shareable"]', '"@shareable", "@listSize"]')
    .replace('users: [User]', `users: [User] @listSize(assumedSize: ${users.length})`)
    .replaceAll('reviews: [Review]', `reviews: [Review] @listSize(assumedSize: ${reviews.length / users.length})`);

/** The supergraph, with subgraphs under their own names; or under others, and with the sizes of lists. */
export function composeBench(ports: Ports, nameOf?: (name: BenchSubgraph) => string): string {
  const composed = composeServices(
    subgraphNames.map((name) => ({
      name: nameOf?.(name) ?? name,
      typeDefs: parse(nameOf ? withSizes(typeDefs[name]) : typeDefs[name]),
      url: urlOf(ports, name),
    })),
  );
  if (composed.errors) throw new AggregateError(composed.errors, 'the subgraphs of the benchmark do not compose');
  return composed.supergraphSdl;
}
