import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  type GraphQLEnumType,
  type GraphQLInputObjectType,
  type OperationDefinitionNode,
  buildSchema,
  parse,
} from 'graphql';
import { cachePolicies } from '../../../gateway/cache/cache-policy.ts';
import { compose } from '../../../schema/composition.ts';
import { typeDefsOf } from '../../../schema/type-defs.ts';
import { subgraphNames } from '../../../subgraphs/shared/values/subgraph-names.ts';

const read = (path: string): string => readFileSync(new URL(`../../../schema/${path}`, import.meta.url), 'utf8');
const api = buildSchema(read('api.graphql'));
const policies = cachePolicies(api, read('supergraph.graphql'));
const policyOf = (query: string) => {
  const document = parse(query);
  return policies({ document, operation: document.definitions[0] as OperationDefinitionNode }, query);
};

describe('what may be kept', () => {
  test.each([
    '{ products { edges { node { id name price { amount currency } addOns { name } } cursor } pageInfo { hasNextPage } totalCount } }',
    '{ products(filter: { query: "mug", priceMax: 100 }, orderBy: { by: PRICE }) { edges { node { id __typename } } } __typename }',
    'query ($id: ID!) { product(id: $id) { ...Shown } } fragment Shown on Product { name ... on Product { cover } }',
  ])('%s', (query) => {
    expect(policyOf(query)?.maxAgeSeconds).toBe(60);
  });

  test.each([
    ['stock', '{ products { edges { node { id stock { available } } } } }'],
    ['another service', '{ products { edges { node { seller { name } } } } }'],
    ['nights', '{ product(sku: "A") { availability(from: "2030-01-01", to: "2030-01-02") { date } } }'],
    ['a viewer', '{ products { edges { node { id } } } me { id } }'],
    ['introspection', '{ __schema { queryType { name } } products { totalCount } }'],
    ['nothing', '{ __typename }'],
    ['the order by sales', '{ products(orderBy: { by: POPULARITY }) { totalCount } }'],
    ['what is in stock', 'query ($stocked: Boolean = true) { products(filter: { inStock: $stocked }) { totalCount } }'],
    ['a mutation', 'mutation { logout(refreshToken: "x") }'],
    ['a fragment with stock', '{ product(sku: "A") { ...S } } fragment S on Product { stock { onHand } }'],
  ])('not: %s', (_what, query) => {
    expect(policyOf(query)).toBeNull();
  });

  test('goes out of date with the product asked for by id, else with any change of the catalogue', () => {
    const one = policyOf('query ($id: ID) { product(id: $id) { name } other: product(id: "0A") { name } }');
    expect(one?.tags({ id: 'AB' })).toEqual(['product:ab', 'product:0a']);
    expect(one?.tags({})).toEqual(['catalogue', 'product:0a']);
    for (const shown of ['category { name }', 'group { products { id } }'])
      expect(policyOf(`{ product(id: "0A") { name ${shown} } }`)?.tags({})).toEqual(['product:0a', 'catalogue']);
    const list = policyOf('query ($sku: String, $filter: ProductFilter, $by: ProductOrder) { product(sku: $sku) { id } products(filter: $filter, orderBy: $by) { totalCount } }'); // prettier-ignore
    expect(list?.tags({ filter: { query: 'a' } })).toEqual(['catalogue']);
    expect(list?.tags({ filter: { inStock: true } })).toBeNull();
    expect(list?.tags({ by: { by: 'POPULARITY' } })).toBeNull();
  });

  test('every filter and order of products is known to depend on the catalogue alone, or to be left out', () => {
    const filter = api.getType('ProductFilter') as GraphQLInputObjectType;
    expect(Object.keys(filter.getFields()).toSorted()).toEqual(['categoryId', 'groupId', 'ids', 'inStock', 'kind', 'options', 'priceMax', 'priceMin', 'query', 'sellerId', 'status']); // prettier-ignore
    const sort = api.getType('ProductSort') as GraphQLEnumType;
    expect(sort.getValues().map(({ name }) => name)).toEqual([
      'CREATED_AT',
      'PRICE',
      'NAME',
      'POPULARITY',
      'RELEVANCE',
    ]);
  });
});

test('private hints, and fields that other services add to a type that is kept, keep an answer from being kept', () => {
  const sdl = (field: string) => `
    directive @cacheControl(maxAge: Int, scope: String, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT
    directive @join__field(graph: String) repeatable on FIELD_DEFINITION
    type Query { thing: Thing @cacheControl(maxAge: 900) }
    type Thing @cacheControl(maxAge: 1000) { id: ID @join__field(graph: PRODUCT) ${field} }`;
  const ageOf = (field: string): number | undefined => {
    const document = parse('{ thing { id more } }');
    const schema = buildSchema('type Query { thing: Thing } type Thing { id: ID more: String }');
    return cachePolicies(schema, sdl(field))({ document, operation: document.definitions[0] as OperationDefinitionNode }, '')?.maxAgeSeconds; // prettier-ignore
  };
  expect(ageOf('more: String @join__field(graph: PRODUCT)')).toBe(300);
  expect(ageOf('more: String @join__field(graph: PRODUCT) @cacheControl(maxAge: 5)')).toBe(5);
  expect(ageOf('more: String @join__field(graph: PRODUCT) @cacheControl(scope: PRIVATE)')).toBeUndefined();
  expect(ageOf('more: String @join__field(graph: ORDER)')).toBeUndefined();
});

test('a field of an added subgraph is kept for as long as it says itself, and not at all where it does not', () => {
  const reviews = parse(`
    extend schema
      @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@composeDirective"])
      @link(url: "https://specs.order-platform.example/cacheControl/v1.0", import: ["@cacheControl"])
      @composeDirective(name: "@cacheControl")
    directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
    enum CacheControlScope { PUBLIC PRIVATE }
    type Product @key(fields: "id") { id: ID! rating: Float @cacheControl(maxAge: 30) reviews: Int }
  `);
  const ours = subgraphNames.map((name) => ({ name, typeDefs: typeDefsOf(name) }));
  const graph = compose([...ours, { name: 'reviews', typeDefs: reviews }]);
  const keptFor = (query: string) => {
    const document = parse(query);
    const operation = document.definitions[0] as OperationDefinitionNode;
    return cachePolicies(graph.api, graph.supergraph)({ document, operation }, query)?.maxAgeSeconds;
  };
  expect(keptFor('{ product(id: "0a") { name rating } }')).toBe(30);
  expect(keptFor('{ product(id: "0a") { name reviews } }')).toBeUndefined();
});
