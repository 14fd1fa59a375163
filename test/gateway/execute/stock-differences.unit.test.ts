import { describe, expect, test } from '@jest/globals';
import { compare, compareFaulty, runOurs } from './support/compare.ts';
import { type Interference, federate } from './support/federation.ts';
import { sizes, supergraphs } from './support/supergraphs.ts';

const request = (query: string, variables: Record<string, unknown> = {}) => ({ query, variables });

/** Each test shows a case in which stock's answer isn't GraphQL's; `compare` holds ours against graphql-js. */
describe('where the stock executor differs from graphql-js, ours does not', () => {
  test('an alias may have the name of a key', async () => {
    const federation = federate('keys', supergraphs.keys);
    expect(await compare(federation, request('{ tickets { holder { id: name visits badge } } }'))).toBe('stock-alias-collision'); // prettier-ignore
  });

  test('a variable may be called $representations', async () => {
    const federation = federate('interfaceObjects', supergraphs.interfaceObjects);
    const query = 'query ($representations: Int) { first { comments(first: $representations) { text } } }';
    expect(await compare(federation, request(query, { representations: 2 }))).toBe('stock-reserved-variable');
  });

  test('a field whose selections are all skipped is an empty object, not missing', async () => {
    const federation = federate('keys', supergraphs.keys);
    const query = 'query ($yes: Boolean!) { halls @include(if: $yes) { name @skip(if: true) } }';
    expect(await compare(federation, request(query, { yes: true }))).toBe('stock-conditions');
  });

  test('what only a skipped field requires does not keep others from being asked for', async () => {
    const federation = federate('requires', supergraphs.requires);
    const query = '{ products(first: 0) { volume @skip(if: true) shipping(express: null) } }';
    expect(await compare(federation, request(query))).toBe('stock-conditions');
  });

  test('a response name may mean different arguments for different types', async () => {
    const federation = federate('interfaceObjects', supergraphs.interfaceObjects);
    const query = '{ first { ... on Song { comments { text } } ... on Picture { comments(first: 3) { text } } } }';
    expect(await compare(federation, request(query))).toBe('stock-overlapping-arguments');
  });

  test('a field that another requires may be asked for with other arguments', async () => {
    const federation = federate('requiredArguments', supergraphs.requiredArguments, sizes['requiredArguments']);
    expect(await compare(federation, request('{ stations { level(on: 1) alarm } }'))).toBe('stock-required-arguments');
    expect(await compare(federation, request('{ stations { heat fire } }'))).toBe('stock-required-arguments');
  });

  test('a fragment on an interface may stand where the type is known', async () => {
    const federation = federate('abstractTypes', supergraphs.abstractTypes);
    const query = '{ best { ... on Book { sequel { ... on Node { ... on Book { title } } } } } }';
    expect(await compare(federation, request(query))).toBe('stock-abstract-fragment');
  });

  test('a subgraph that knows an interface as an object does not take the type of an entity away', async () => {
    const federation = federate('interfaceObjects', supergraphs.interfaceObjects);
    const query = '{ popular { ... on Picture { shared rank(list: "a") } } }';
    expect(await compare(federation, request(query))).toBe('stock-interface-object');
  });

  test("a subgraph's null does not take away what another knows of a value", async () => {
    const federation = federate('repeats', supergraphs.repeats, sizes['repeats']);
    const interference: Interference = ({ serviceName, response }) => {
      const { _entities: entities = [] } = response.data as { _entities?: object[] };
      return serviceName === 'products' ? { data: { _entities: entities.map(() => ({ summary: null })) } } : response;
    };
    const both = request('{ orders { summary { pieces heaviest { id } } } }');
    expect(await compareFaulty(federation, both, { interference, keepsValues: false })).toBe('stock-null-replaces');
    const { data } = await runOurs(federation, both);
    expect(JSON.stringify(data)).toMatch(/"summary":{"pieces":\d+,"heaviest":null}/);
  });

  test('one wrong list does not take the whole answer away', async () => {
    const federation = federate('values', supergraphs.values);
    federation.interfere(({ response }) => {
      const data = response.data as Record<string, unknown>;
      return 'marks' in data ? { data: { ...data, marks: 'no list' } } : response;
    });
    const wrong = request('{ marks { note } grids { name } }');
    const ours = await runOurs(federation, wrong);
    const stock = await federation.stock(wrong);
    expect(ours.errors?.map(({ message, path }) => [message, path])).toEqual([
      ['Expected Iterable, but did not find one for field "Query.marks".', ['marks']],
    ]);
    expect(ours.data?.['marks']).toBeNull();
    expect(ours.data?.['grids']).toBeInstanceOf(Array);
    expect(stock.data ?? null).toBeNull();
  });
});

test('plan-asks-too-much: a field of one type that throws takes away what is asked of another', async () => {
  const federation = federate('interfaceObjects', supergraphs.interfaceObjects);
  const query = '{ feed { ... on Picture { shared } ... on Clip { likes } ... on Song { title } } }';
  federation.world.setFault(({ type, field }) => type === 'Picture' && field === 'likes');
  const { data } = await federation.unfederated(request(query));
  expect(JSON.stringify(data)).toMatch(/"shared":(true|false)/);
  expect(await compare(federation, request(query))).toBe('plan-asks-too-much');
});
