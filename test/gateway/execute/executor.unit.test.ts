import { describe, expect, test } from '@jest/globals';
import type { ExecutionResult } from 'graphql';
import { Supergraph } from '@apollo/federation-internals';
import { type PlanNode, QueryPlanner } from '@apollo/query-planner';
import { createExecutor } from '../../../gateway/execute/executor.ts';
import { executeLimits } from '../../../gateway/execute/limits.ts';
import { canned } from './support/canned.ts';

const shop = {
  products: `
    type Query { list: [Item] product: Product counts: Counts items: [Product!]! other: Int }
    type Mutation { first: Product! second: Int }
    type Subscription { changed(id: ID): Product }
    union Item = Product | Service
    type Product @key(fields: "id") { id: ID! name: String kind: Kind size: Size }
    type Service { id: ID! name: String! }
    type Size { width: Int! height: Int }
    type Counts { int: Int float: Float id: ID yes: Boolean text: String matrix: [[Int!]] }
    enum Kind { A B SECRET @inaccessible }
  `,
  stock: `
    type Mutation { third: Int! }
    type Product @key(fields: "id") { id: ID! inStock: Int price: Int! seller: Seller similar: [Product!] }
    type Seller { name: String! mail: String }
  `,
};

type Entity = Record<string, unknown> | null;
const ids = (variables: Readonly<Record<string, unknown>>): string[] =>
  ((variables['representations'] ?? []) as { id: string }[]).map(({ id }) => id);
const product = (id: string, more: Record<string, unknown> = {}) => ({
  __typename: 'Product',
  id,
  name: `n${id}`,
  ...more,
});
const shown = ({ errors }: ExecutionResult) => errors?.map(({ message, path }) => [message, path]);
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Runs a request on both back ends, which must agree, and gives the answer. */
async function run(
  root: Record<string, unknown>,
  entities: (id: string, index: number) => Entity,
  query: string,
  options: { errors?: unknown; variables?: Record<string, unknown>; stock?: () => never } = {},
) {
  const { executors, asked } = canned(shop, ({ serviceName, variables }) => {
    if (serviceName === 'products') return { data: root };
    options.stock?.();
    return {
      data: { _entities: ids(variables).map(entities) },
      ...(options.errors !== undefined && { errors: options.errors }),
    };
  });
  const results = [];
  for (const [, executor] of executors)
    results.push(await executor.execute({ query, variables: options.variables ?? {}, context: null }));
  expect(json(results[0])).toEqual(json(results[1]));
  expect(JSON.stringify(results[0]?.data)).toBe(JSON.stringify(results[1]?.data));
  return { result: results[0] as ExecutionResult, asked: asked.slice(0, asked.length / 2) };
}

describe('errors', () => {
  test("an entity's error has the index of its place, through nulls and other types of the list", async () => {
    const list = [null, { __typename: 'Service', id: 's', name: 'x' }, product('1'), null, product('2')];
    const { result } = await run({ list }, (id) => (id === '2' ? { price: 1, inStock: null } : { price: 1, inStock: 1 }), '{ list { ... on Product { price inStock } } }', { errors: [{ message: 'no count', path: ['_entities', 1, 'inStock'], extensions: { code: 'X' } }] }); // prettier-ignore
    expect(shown(result)).toEqual([['no count', ['list', 4, 'inStock']]]);
    expect(result.errors?.[0]?.extensions).toEqual({ code: 'X', serviceName: 'stock' });
  });

  test('an error of an entity that is at several places is reported at each', async () => {
    const { result, asked } = await run({ items: [product('1'), product('2'), product('1')] }, () => ({ inStock: null }), '{ items { inStock } }', { errors: [{ message: 'no', path: ['_entities', 0, 'inStock'] }] }); // prettier-ignore
    expect(ids(asked[1]?.variables ?? {})).toEqual(['1', '2']);
    expect(shown(result)).toEqual([
      ['no', ['items', 0, 'inStock']],
      ['no', ['items', 2, 'inStock']],
    ]);
  });

  test('equal entities below another are asked about once, and what is told or fails is at each of their places', async () => {
    const similar = ['1', '1', '2', '1'];
    const { executors, asked } = canned(shop, ({ serviceName, query, variables }) => {
      if (serviceName === 'stock')
        return { data: { _entities: [{ similar: similar.map((id) => ({ __typename: 'Product', id, price: 1 })) }] } };
      if (!query.includes('_entities')) return { data: { product: product('9') } };
      return {
        data: { _entities: ids(variables).map((id) => (id === '1' ? null : { name: `n${id}` })) },
        errors: [{ message: 'gone', path: ['_entities', 0] }],
      };
    });
    for (const [, executor] of executors) {
      const result = await executor.execute({ query: '{ product { similar { id name price } } }', context: null });
      expect(ids(asked.at(-1)?.variables ?? {})).toEqual(['1', '2']);
      const named = similar.map((id) => ({ id, name: id === '1' ? null : 'n2', price: 1 }));
      expect(json(result.data)).toEqual({ product: { similar: named } });
      expect(shown(result)).toEqual([0, 1, 3].map((index) => ['gone', ['product', 'similar', index, 'name']]));
    }
  });

  test('equal entities that a shorter list has replaced meanwhile are not asked about any more', async () => {
    let named = Promise.withResolvers<void>();
    const one = { __typename: 'P', id: '1' };
    const answers: Record<string, (representations: number) => unknown> = {
      a: () => ({ list: [{ __typename: 'T', id: '1', x: 1 }, { __typename: 'T', id: '2', x: 2 }] }), // prettier-ignore
      b: () => named.promise.then(() => ({ list: [{ y: 1 }] })),
      c: (count) => ({ _entities: Array.from({ length: count }, () => ({ one })) }),
      d: () => (named.resolve(), { _entities: [{ name: 'n' }] }),
      e: () => ({ _entities: [{ other: 'o' }] }),
    };
    const { executors, asked } = canned(
      {
        a: 'type Query { list: [T!] @shareable } type T @key(fields: "id") { id: ID! x: Int }',
        b: 'type Query { list: [T!] @shareable } type T { y: Int }',
        c: 'type T @key(fields: "id") { id: ID! one: P } type P @key(fields: "id") { id: ID! }',
        d: 'type P @key(fields: "id") { id: ID! name: String }',
        e: 'type P @key(fields: "id") { id: ID! name: String @external other: String @requires(fields: "name") }',
      },
      async ({ serviceName, variables }) => ({ data: (await answers[serviceName]?.(ids(variables).length)) as never }),
    );
    for (const [, executor] of executors) {
      named = Promise.withResolvers();
      const { errors } = await executor.execute({ query: '{ list { x y one { name other } } }', context: null });
      expect(errors).toBeUndefined();
    }
    expect(asked.map(({ serviceName }) => serviceName)).toEqual(['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']);
  });

  test('a subgraph that is down is an error at each field that is missing, as if its resolver had failed', async () => {
    const down = () => {
      throw new Error('connect refused');
    };
    const { result } = await run({ items: [product('1')], product: product('9') }, () => null, '{ items { name inStock seller { name } } product { price } }', { stock: down }); // prettier-ignore
    expect(shown(result)).toEqual([
      ['connect refused', ['items', 0, 'inStock']],
      ['connect refused', ['items', 0, 'seller']],
      ['connect refused', ['product', 'price']],
    ]);
    expect(json(result.data)).toEqual({ items: [{ name: 'n1', inStock: null, seller: null }], product: null });
  });

  test('an error about something that only the plan asked for, and that led to no null, has no place in the answer', async () => {
    const { result } = await run({ items: [product('1')] }, () => ({ inStock: 1 }), '{ items { inStock } }', { errors: [{ message: 'odd', path: ['_entities', 0, 'weight', 'unit'] }] }); // prettier-ignore
    expect(shown(result)).toEqual([['odd', undefined]]);
  });

  test('a null in a non-null place has an error of its own only when no other says it', async () => {
    const { result } = await run({ items: [product('1'), product('2')] }, () => ({ price: null }), '{ items { price } }', { errors: [{ message: 'said', path: ['_entities', 0, 'price'] }] }); // prettier-ignore
    expect(shown(result)).toEqual([['said', ['items', 0, 'price']]]);
    expect(result.data).toBeNull();
  });

  test('an entity that nobody knows is null in its fields, without an error', async () => {
    const { result } = await run({ product: product('1') }, () => null, '{ product { name inStock } }');
    expect(json(result)).toEqual({ data: { product: { name: 'n1', inStock: null } } });
  });

  test('an entity that nobody knows and that must have a field is null with an error', async () => {
    const { result } = await run({ product: product('1') }, () => null, '{ product { name price } }');
    expect(shown(result)).toEqual([['Cannot return null for non-nullable field Product.price.', ['product', 'price']]]);
    expect(json(result.data)).toEqual({ product: null });
  });

  test('there are at most as many as the limit, and the last says how many more', async () => {
    const items = Array.from({ length: executeLimits.errors + 5 }, () => product('1'));
    const { result } = await run({ items }, () => ({ inStock: null }), '{ items { inStock } }', { errors: [{ message: 'no', path: ['_entities', 0, 'inStock'] }] }); // prettier-ignore
    expect(result.errors).toHaveLength(executeLimits.errors + 1);
    expect(result.errors?.at(-1)?.message).toBe('There are 5 more errors.');
  });
});

describe('values', () => {
  test('a value that its type does not have is null with an error that does not tell it', async () => {
    const { result } = await run({ product: product('1', { kind: 'SECRET' }), other: 2 ** 31 }, () => null, '{ product { kind } other }'); // prettier-ignore
    expect(json(result.data)).toEqual({ product: { kind: null }, other: null });
    expect(shown(result)).toEqual([
      ['Int cannot represent the value of field Query.other.', ['other']],
      ['Kind cannot represent the value of field Product.kind.', ['product', 'kind']],
    ]);
    expect(JSON.stringify(result)).not.toContain('SECRET');
  });

  test('an ID that came as a number is a string', async () => {
    const { result } = await run({ counts: { id: 7 } }, () => null, '{ counts { id } }');
    expect(json(result)).toEqual({ data: { counts: { id: '7' } } });
  });

  test('lists of lists keep what is right', async () => {
    const { result } = await run({ counts: { matrix: [[1, 2], null, [3, null], [], 'x'] } }, () => null, '{ counts { matrix } }'); // prettier-ignore
    expect(json(result.data)).toEqual({ counts: { matrix: [[1, 2], null, null, [], null] } });
    expect(result.errors?.map(({ path }) => path)).toEqual([
      ['counts', 'matrix', 2, 1],
      ['counts', 'matrix', 4],
    ]);
  });

  test('a type that clients do not know is null with an error', async () => {
    const { result } = await run({ list: [{ __typename: 'Hidden' }, { __typename: 7 }] }, () => null, '{ list { __typename } }'); // prettier-ignore
    expect(json(result.data)).toEqual({ list: [null, null] });
    expect(result.errors).toHaveLength(2);
  });

  test('response names that every object inherits are names like others', async () => {
    const root = JSON.parse('{ "__proto__": { "id": "1", "constructor": "c" }, "valueOf": 3 }') as Record<
      string,
      unknown
    >;
    const { result } = await run(root, () => null, '{ __proto__: product { constructor: name toString: kind } valueOf: other }'); // prettier-ignore
    expect(JSON.stringify(result.data)).toBe('{"__proto__":{"constructor":"c","toString":null},"valueOf":3}');
  });
});

describe('requests', () => {
  test('an entities request has at most as many representations as the limit', async () => {
    const items = Array.from({ length: executeLimits.representations * 2 + 1 }, (_, index) => product(String(index)));
    const { result, asked } = await run({ items }, (id) => ({ inStock: Number(id) }), '{ items { inStock } }');
    expect(asked.slice(1).map(({ variables }) => ids(variables).length)).toEqual([100, 100, 1]);
    expect(json(result.data)).toEqual({ items: items.map(({ id }) => ({ inStock: Number(id) })) });
  });

  test('fetches that ask the same at the same time are one', async () => {
    const { result, asked } = await run({ items: [product('1'), product('2')], product: product('2') }, (id) => ({ inStock: Number(id) }), '{ items { inStock } product { inStock } }'); // prettier-ignore
    expect(asked.map(({ serviceName, variables }) => [serviceName, ids(variables)])).toEqual([
      ['products', []],
      ['stock', ['1', '2']],
    ]);
    expect(json(result.data)).toEqual({ items: [{ inStock: 1 }, { inStock: 2 }], product: { inStock: 2 } });
  });

  test.each([
    ['too few', 1],
    ['too many', 3],
    ['no', 0],
  ])('an answer of %s entities is an error at each place and is put nowhere', async (_, count) => {
    const { executors } = canned(shop, ({ serviceName }) =>
      serviceName === 'products'
        ? { data: { items: [product('1'), product('2')] } }
        : { data: { _entities: Array.from({ length: count }, () => ({ inStock: 1 })) } },
    );
    for (const [, executor] of executors) {
      const result = await executor.execute({ query: '{ items { id inStock } }', context: null });
      expect(json(result.data)).toEqual({ items: ['1', '2'].map((id) => ({ id, inStock: null })) });
      expect(result.errors?.map(({ path, extensions }) => [path, extensions['code']])).toEqual(
        [0, 1].map((index) => [['items', index, 'inStock'], 'SERVICE_UNAVAILABLE']),
      );
    }
  });

  test('objects at several places are asked about once, and an error below them is reported at each place once', async () => {
    const { executors, asked } = canned(shop, ({ serviceName, variables, query }) => {
      if (serviceName === 'products' && !query.includes('_entities')) return { data: { items: ['1', '2', '1'].map((id) => product(id)) } }; // prettier-ignore
      if (serviceName === 'stock')
        return { data: { _entities: ids(variables).map((id) => ({ similar: [{ __typename: 'Product', id: `s${id}` }, { __typename: 'Product', id: 's' }] })) } }; // prettier-ignore
      return {
        data: { _entities: ids(variables).map((id) => (id === 's2' ? { name: null } : { name: `n${id}` })) },
        errors: [{ message: 'nameless', path: ['_entities', ids(variables).indexOf('s2'), 'name'] }],
      };
    });
    for (const [, executor] of executors) {
      asked.length = 0;
      const result = await executor.execute({ query: '{ items { similar { name } } }', context: null });
      expect(asked.slice(1).map(({ variables }) => ids(variables))).toEqual([
        ['1', '2'],
        ['s1', 's', 's2'],
      ]);
      const similar = (name: string | null) => ({ similar: [{ name }, { name: 'ns' }] });
      expect(json(result.data)).toEqual({ items: [similar('ns1'), similar(null), similar('ns1')] });
      expect(shown(result)).toEqual([['nameless', ['items', 1, 'similar', 0, 'name']]]);
    }
  });

  test('a chunk that fails takes only its own entities away', async () => {
    const items = Array.from({ length: 101 }, (_, index) => product(String(index)));
    const { executors } = canned(shop, ({ serviceName, variables }) => {
      if (serviceName === 'products') return { data: { items } };
      if (ids(variables).length === 1) throw new Error('late');
      return { data: { _entities: ids(variables).map(() => ({ inStock: 1 })) } };
    });
    for (const [, executor] of executors) {
      const result = await executor.execute({ query: '{ items { inStock } }', context: null });
      expect(shown(result)).toEqual([['late', ['items', 100, 'inStock']]]);
      expect(((result.data?.['items'] ?? []) as { inStock: number | null }[]).filter(({ inStock }) => inStock === 1)).toHaveLength(100); // prettier-ignore
    }
  });
});

describe('mutations', () => {
  const mutations = (first: unknown) => {
    const order: string[] = [];
    const { executors } = canned(shop, async ({ serviceName, query }) => {
      await new Promise((resolve) => setTimeout(resolve, serviceName === 'products' ? 5 : 0));
      order.push(query.includes('third') ? 'third' : query.includes('second') && query.includes('first') ? 'first, second' : query.includes('second') ? 'second' : 'first'); // prettier-ignore
      if (serviceName === 'stock') return { data: { third: 3 } };
      return first ? { data: { first, second: 2 } } : { data: null, errors: [{ message: 'refused', path: ['first'] }] };
    });
    return { executors, order };
  };

  test('run in the order of the document, across subgraphs', async () => {
    const { executors, order } = mutations(product('1'));
    for (const [, executor] of executors) {
      const { data } = await executor.execute({ query: 'mutation { first { id } third second }', context: null });
      expect(JSON.stringify(data)).toBe('{"first":{"id":"1"},"third":3,"second":2}');
      expect(order.splice(0)).toEqual(['first', 'third', 'second']);
    }
  });

  test('are not begun after one whose null makes the whole answer null', async () => {
    const { executors, order } = mutations(null);
    for (const [, executor] of executors) {
      const result = await executor.execute({ query: 'mutation { first { id } third }', context: null });
      expect(json(result)).toMatchObject({ data: null, errors: [{ message: 'refused', path: ['first'] }] });
      expect(order.splice(0)).toEqual(['first']);
    }
  });
});

describe('subscriptions', () => {
  test('whose field is left out are refused', () => {
    const { executors } = canned(shop, () => ({ data: {} }));
    for (const [, executor] of executors) {
      const compiled = executor.compile({ query: 'subscription { changed(id: "1") @skip(if: true) { id } }' });
      expect(() => compiled.subscription({})).toThrow('there is nothing to follow');
    }
  });

  test('an event is completed with the fields of other subgraphs and is not changed', async () => {
    const { executors, asked } = canned(shop, ({ variables }) => ({ data: { _entities: ids(variables).map(() => ({ inStock: 4 })) } })); // prettier-ignore
    for (const [, executor] of executors) {
      const compiled = executor.compile({ query: 'subscription ($id: ID) { changed(id: $id) { name inStock } }' });
      const primary = compiled.subscription({ id: '1', unused: 2 });
      expect(primary).toMatchObject({ serviceName: 'products', variables: { id: '1' } });
      expect(primary.query).toContain('changed(id:$id)');
      const event = { data: { changed: product('1') } };
      const before = JSON.stringify(event);
      const result = await executor.executeEvent(compiled, event, { variables: { id: '1' }, context: null });
      expect(json(result)).toEqual({ data: { changed: { name: 'n1', inStock: 4 } } });
      expect(JSON.stringify(event)).toBe(before);
    }
    expect(asked.map(({ serviceName }) => serviceName)).toEqual(['stock', 'stock']);
  });
});

describe('an operation whose plan can not be run', () => {
  const { supergraphSdl } = canned(shop, () => ({ data: {} }));
  const planner = new QueryPlanner(Supergraph.build(supergraphSdl));
  const condition: PlanNode = { kind: 'Condition', condition: 'c' };
  planner.buildQueryPlan = () => ({ kind: 'QueryPlan', node: condition });
  const executor = createExecutor<null>({ planner, fetch: () => Promise.reject(new Error('asked')) });
  const code = 'PLANNING_FAILED';

  test('is refused as such: @defer', async () => {
    const deferring = new QueryPlanner(Supergraph.build(supergraphSdl));
    deferring.buildQueryPlan = () => ({ kind: 'QueryPlan', node: { kind: 'Defer', primary: {}, deferred: [] } });
    const { data, errors } = await createExecutor<null>({ planner: deferring, fetch: () => Promise.reject(new Error('asked')) }).execute({ query: '{ other }', context: null }); // prettier-ignore
    expect(data).toBeUndefined();
    expect(errors?.[0]).toMatchObject({ extensions: { code }, originalError: { message: 'a plan with @defer' } });
  });

  test('is refused as such: a query', async () => {
    const { data, errors } = await executor.execute({ query: '{ other }', context: null });
    expect(data).toBeUndefined();
    expect(errors?.[0]).toMatchObject({ extensions: { code }, originalError: { message: 'a plan with a condition: c' } }); // prettier-ignore
  });

  test('is refused as such: a subscription', () => {
    const compiled = executor.compile({ query: 'subscription { changed(id: "1") { id } }' });
    const refused = expect.objectContaining({ extensions: { code } }) as unknown as Error;
    expect(() => compiled.subscription({})).toThrow(refused);
  });
});

describe('operations that are refused', () => {
  const { executors } = canned(shop, () => ({ data: { other: 1 } }));
  const refused = {
    '@defer': ['{ ... @defer { other } }', {}, 'Unknown directive "@defer".'],
    'bad syntax': ['{', {}, 'Syntax Error: Expected Name, found <EOF>.'],
    'a variable of the wrong type': ['subscription ($id: ID!) { changed(id: $id) { id } }', { id: null }, null],
    'two operations without a name': ['query A { other } query B { other }', {}, 'Must provide operation name if query contains multiple operations.'], // prettier-ignore
    'a condition that is null': ['query ($c: Boolean = true) { other @skip(if: $c) }', { c: null }, 'Variable "$c" is a condition and must not be null.'], // prettier-ignore
  } as const;

  test.each(Object.entries(refused))('%s', async (_, [query, variables, message]) => {
    for (const [, executor] of executors) {
      if (message === null) {
        expect(() => executor.compile({ query }).subscription(variables)).toThrow('must not be null');
        continue;
      }
      const result = await executor.execute({ query, variables, context: null });
      expect(result.data).toBeUndefined();
      expect(result.errors?.[0]?.message).toBe(message);
    }
  });
});

describe('an operation that is prepared for all its settings', () => {
  test('is planned for every setting of its conditions before it runs', async () => {
    const { executors, asked } = canned(shop, () => ({ data: { other: 1, product: { id: 'p' } } }));
    for (const [, executor] of executors) {
      const query = 'query ($a: Boolean!, $b: Boolean = true) { other @include(if: $a) product @skip(if: $b) { id } }';
      executor.compile({ query }).prepareAll();
      expect(executor.cached()).toEqual({ operations: 1, variants: 4 });
      expect(await executor.execute({ query, variables: { a: true, b: false }, context: null })).toEqual({ data: { other: 1, product: { id: 'p' } } }); // prettier-ignore
      expect(executor.cached()).toEqual({ operations: 1, variants: 4 });
      executor.compile({ query: '{ other }' }).prepareAll();
      expect(executor.cached()).toEqual({ operations: 2, variants: 5 });
    }
    expect(asked.length).toBe(executors.length);
  });
});
