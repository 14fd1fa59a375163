import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { executeSync, getIntrospectionQuery, parse } from 'graphql';
import { createExecutor } from '../../../gateway/execute/executor.ts';

const supergraphSdl = readFileSync(new URL('../../../schema/supergraph.graphql', import.meta.url), 'utf8');
const asked: string[] = [];
const executor = createExecutor<null>({
  supergraphSdl,
  fetch: async (serviceName) => {
    asked.push(serviceName);
    return { data: { product: { __typename: 'Product', name: 'Mug' } } };
  },
});
const run = (query: string, variables: Record<string, unknown> = {}) =>
  executor.execute({ query, variables, context: null });
const byGraphqlJs = (query: string, variables: Record<string, unknown> = {}) =>
  executeSync({ schema: executor.schema, document: parse(query), variableValues: variables });
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const switches = [
  'descriptions', 'specifiedByUrl', 'directiveIsRepeatable', 'schemaDescription', 'inputValueDeprecation', 'experimentalDirectiveDeprecation', 'oneOf',
] as const; // prettier-ignore

describe('introspection is answered by graphql-js', () => {
  test('with every option of getIntrospectionQuery, alone and together', async () => {
    const alone = switches.map((name) => ({ [name]: true }));
    const all = Object.fromEntries(switches.map((name) => [name, true]));
    for (const options of [{}, ...alone, all, { ...all, typeDepth: 15 }]) {
      const query = getIntrospectionQuery(options);
      expect(plain(await run(query))).toEqual(plain(byGraphqlJs(query)));
    }
    expect(asked).toEqual([]);
  });

  test.each([
    ['isOneOf', '{ __type(name: "PlaceOrderInput") { isOneOf } }', {}],
    ['isDeprecated of a directive', '{ __schema { directives(includeDeprecated: true) { name isDeprecated } } }', {}],
    ['deprecated arguments', '{ __type(name: "Query") { fields(includeDeprecated: true) { args(includeDeprecated: true) { name isDeprecated deprecationReason } } } }', {}],
    ['an alias and a variable', 'query ($name: String!) { safe: __type(name: $name) { specifiedByURL } }', { name: 'SafeInt' }],
    ['fragments on its types', '{ __type(name: "Product") { ...T } } fragment T on __Type { isOneOf fields { ...F } } fragment F on __Field { name args { ...V } } fragment V on __InputValue { isDeprecated }', {}],
    ['a fragment at the root', '{ ...Root } fragment Root on Query { __type(name: "Product") { name isOneOf } __typename }', {}],
    ['inline fragments and conditions', 'query ($no: Boolean!) { ... on Query { __type(name: "Product") { name isOneOf @skip(if: $no) } } }', { no: true }],
    ['a type that is not there', '{ __type(name: "Nothing") { isOneOf } }', {}],
    ['a name that a default gives and null takes', 'query ($name: String = "Query") { __type(name: $name) { isOneOf } }', { name: null }],
  ])('%s', async (_, query, variables) => {
    const { data, errors } = await run(query, variables);
    const expected = byGraphqlJs(query, variables);
    expect(plain(data)).toEqual(plain(expected.data));
    expect(errors?.map(({ message, path }) => ({ message, path }))).toEqual(
      expected.errors?.map(({ message, path }) => ({ message, path })),
    );
    for (const { extensions } of errors ?? []) expect(extensions['code']).toBe('BAD_USER_INPUT');
  }); // prettier-ignore

  test('beside data of subgraphs, also where a null costs only the introspection field', async () => {
    const query = 'query ($name: String = "Query") { product(sku: "A") { name } __type(name: $name) { isOneOf } }';
    expect(plain(await run(query))).toEqual({ data: { product: { name: 'Mug' }, __type: { isOneOf: null } } });
    const { data, errors } = await run(query, { name: null });
    expect(plain(data)).toEqual({ product: { name: 'Mug' }, __type: null });
    expect(errors?.map(({ path, extensions }) => [path, extensions['code']])).toEqual([[['__type'], 'BAD_USER_INPUT']]);
    expect(asked).toEqual(['product', 'product']);
  });
});
