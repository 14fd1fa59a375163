import { describe, expect, test } from '@jest/globals';
import { composeServices } from '@apollo/composition';
import { QueryPlanner } from '@apollo/query-planner';
import { Supergraph } from '@apollo/federation-internals';
import { type ExecutionResult, parse } from 'graphql';
import { createExecutor } from '../../../gateway/execute/executor.ts';
import type { SubgraphResponse } from '../../../gateway/execute/types.ts';
import { type Asked, canned } from './support/canned.ts';

type Answers = Readonly<Record<string, SubgraphResponse | ((asked: Asked) => SubgraphResponse)>>;

/** The answer, which both back ends must agree on, and what each subgraph was asked by the first of them. */
async function ask(
  subgraphs: Readonly<Record<string, string>>,
  answers: Answers,
  { query, variables = {} }: { query: string; variables?: Record<string, unknown> },
): Promise<ExecutionResult & { asked: readonly Asked[] }> {
  const { executors, asked } = canned(subgraphs, (one) => {
    const answer = answers[one.serviceName];
    if (answer === undefined) throw new Error(`${one.serviceName} is down`);
    return typeof answer === 'function' ? answer(one) : answer;
  });
  const results: ExecutionResult[] = [];
  for (const [, executor] of executors) {
    const result = await executor.execute({ query, variables, context: null });
    results.push(JSON.parse(JSON.stringify(result)) as ExecutionResult);
  }
  const [first, second] = results as [ExecutionResult, ExecutionResult];
  expect(second).toEqual(first);
  return { ...first, asked: asked.slice(0, asked.length / 2) };
}

const representationsOf = (asked: readonly Asked[], serviceName: string): unknown =>
  asked.find((one) => one.serviceName === serviceName)?.variables['representations'];
const shown = ({ errors = [] }: ExecutionResult) => errors.map(({ message, path }) => [message, path]);

describe('a requirement that reaches into an entity which its owner does not know', () => {
  const graph = (country: string) => ({
    products:
      'type Query { products: [Product!]! } type Product @key(fields: "id") { id: ID! maker: Maker } type Maker @key(fields: "id") { id: ID! }',
    makers: `type Maker @key(fields: "id") { id: ID! country: ${country} towns: [Town!] } type Town { name: String }`,
    taxes: `type Product @key(fields: "id") { id: ID! maker: Maker @external tax: Int @requires(fields: "maker { country }") duty: Int @requires(fields: "maker { towns { name } }") }
      type Maker @key(fields: "id") { id: ID! country: ${country} @external towns: [Town!] @external } type Town @external { name: String }`,
  });
  const product = (id: string, maker: string | null) => ({ __typename: 'Product', id, maker: maker && { __typename: 'Maker', id: maker } }); // prettier-ignore
  const products = { data: { products: [product('1', 'm1'), product('2', 'm2'), product('3', null)] } };
  const makers = { data: { _entities: [{ country: 'NO' }, null] } };
  const taxes = ({ variables }: Asked) => ({ data: { _entities: (variables['representations'] as unknown[]).map((_, index) => ({ tax: index, duty: index })) } }); // prettier-ignore

  test('is null where it may be null', async () => {
    const result = await ask(graph('String'), { products, makers, taxes }, { query: '{ products { tax } }' });
    expect(result.errors).toBeUndefined();
    expect(result.data).toEqual({ products: [{ tax: 0 }, { tax: 1 }, { tax: 2 }] });
    expect(representationsOf(result.asked, 'taxes')).toEqual([
      { __typename: 'Product', id: '1', maker: { country: 'NO' } },
      { __typename: 'Product', id: '2', maker: { country: null } },
      { __typename: 'Product', id: '3', maker: null },
    ]);
  });

  test('makes what is around it null where it must not be null', async () => {
    const result = await ask(graph('String!'), { products, makers, taxes }, { query: '{ products { tax } }' });
    expect(result.errors).toBeUndefined();
    expect(representationsOf(result.asked, 'taxes')).toEqual([
      { __typename: 'Product', id: '1', maker: { country: 'NO' } },
      { __typename: 'Product', id: '2', maker: null },
      { __typename: 'Product', id: '3', maker: null },
    ]);
  });

  test('is null for a list too', async () => {
    const none = { data: { _entities: [{ towns: [{ name: 'Oslo' }, {}] }, null] } };
    const result = await ask(graph('String'), { products, makers: none, taxes }, { query: '{ products { duty } }' });
    expect(result.errors).toBeUndefined();
    expect(representationsOf(result.asked, 'taxes')).toEqual([
      { __typename: 'Product', id: '1', maker: { towns: [{ name: 'Oslo' }, { name: null }] } },
      { __typename: 'Product', id: '2', maker: { towns: null } },
      { __typename: 'Product', id: '3', maker: null },
    ]);
  });

  test('is not asked with when its owner failed, and each field says why', async () => {
    const result = await ask(graph('String'), { products, taxes }, { query: '{ products { tax } }' });
    expect(representationsOf(result.asked, 'taxes')).toEqual([{ __typename: 'Product', id: '3', maker: null }]);
    expect(shown(result)).toEqual([
      ['makers is down', ['products', 0, 'tax']],
      ['makers is down', ['products', 1, 'tax']],
    ]);
  });

  test('is null when the owner knows nothing of the entity itself', async () => {
    const subgraphs = {
      list: 'type Query { products: [Product!]! } type Product @key(fields: "id") { id: ID! }',
      weights: 'type Product @key(fields: "id") { id: ID! weight: Int }',
      parcels:
        'type Product @key(fields: "id") { id: ID! weight: Int @external parcel: Int @requires(fields: "weight") }',
    };
    const result = await ask(
      subgraphs,
      {
        list: {
          data: {
            products: [
              { __typename: 'Product', id: '1' },
              { __typename: 'Product', id: '2' },
            ],
          },
        },
        weights: { data: { _entities: [null, { weight: 5 }] } },
        parcels: { data: { _entities: [{ parcel: 1 }, { parcel: 2 }] } },
      },
      { query: '{ products { parcel } }' },
    );
    expect(result.data).toEqual({ products: [{ parcel: 1 }, { parcel: 2 }] });
    expect(representationsOf(result.asked, 'parcels')).toEqual([
      { __typename: 'Product', id: '1', weight: null },
      { __typename: 'Product', id: '2', weight: 5 },
    ]);
  });

  test('is an error when nothing is left to ask with', async () => {
    const subgraphs = {
      list: 'type Query { products: [Product!]! } type Product @key(fields: "id") { id: ID! }',
      codes: 'type Product @key(fields: "id") @key(fields: "code") { id: ID! code: ID! }',
      stock: 'type Product @key(fields: "code") { code: ID! stock: Int }',
    };
    const result = await ask(
      subgraphs,
      {
        list: {
          data: {
            products: [
              { __typename: 'Product', id: '1' },
              { __typename: 'Product', id: '2' },
            ],
          },
        },
        codes: { data: { _entities: [null, { code: 'b' }] } },
        stock: { data: { _entities: [{ stock: 2 }] } },
      },
      { query: '{ products { stock } }' },
    );
    expect(result.data).toEqual({ products: [{ stock: null }, { stock: 2 }] });
    expect(shown(result)).toEqual([[expect.stringContaining('"stock"'), ['products', 0, 'stock']]]);
    expect(result.errors?.[0]?.extensions).toEqual({ code: 'INCOMPLETE_DATA' });
  });

  test('is null in a key that reaches into another entity', async () => {
    const subgraphs = {
      pets: 'type Query { pets: [Pet!]! } type Pet @key(fields: "owner { id mail }") { owner: Owner! } type Owner @key(fields: "id") { id: ID! mail: String @external }',
      owners: 'type Owner @key(fields: "id") { id: ID! mail: String }',
      chips:
        'type Pet @key(fields: "owner { id mail }") { owner: Owner! chip: Int } type Owner @key(fields: "id", resolvable: false) { id: ID! mail: String @shareable }',
    };
    const result = await ask(
      { ...subgraphs, pets: subgraphs.pets.replace('mail: String @external', 'mail: String @shareable'), owners: subgraphs.owners.replace('mail: String', 'mail: String @shareable') }, // prettier-ignore
      {
        pets: { data: { pets: [{ __typename: 'Pet', owner: { __typename: 'Owner', id: '1' } }] } },
        owners: { data: { _entities: [null] } },
        chips: { data: { _entities: [{ chip: 7 }] } },
      },
      { query: '{ pets { chip } }' },
    );
    expect(result.data).toEqual({ pets: [{ chip: 7 }] });
    expect(representationsOf(result.asked, 'chips')).toEqual([{ __typename: 'Pet', owner: { id: '1', mail: null } }]);
  });
});

describe('a selection that conditions made empty', () => {
  const media = {
    media:
      'type Query { first: Media } interface Media @key(fields: "id") { id: ID! title: String } type Clip implements Media @key(fields: "id") { id: ID! title: String } type Song implements Media @key(fields: "id") { id: ID! title: String }',
    social: 'type Query { popular: [Media!]! } type Media @interfaceObject @key(fields: "id") { id: ID! likes: Int }',
  };
  const social = { data: { popular: [{ __typename: 'Media', id: '1', likes: 3 }] } };

  test.each([
    ['a fragment beside a field', '{ popular { likes ... on Clip @skip(if: $no) { title } } }', { likes: 3 }],
    ['what is in a fragment', '{ popular { likes ... on Clip { title @skip(if: $no) } } }', { likes: 3 }],
    [
      'what is in a nested one',
      '{ popular { likes ... on Media { ... on Clip { title @include(if: false) } } } }',
      { likes: 3 },
    ],
    [
      'what a named one has',
      '{ popular { likes ...Deep } } fragment Deep on Media { ...Clips } fragment Clips on Clip { title @skip(if: $no) }',
      { likes: 3 },
    ],
    ['all of a field', '{ popular { likes @skip(if: $no) } }', {}],
    ['all of a field, in fragments', '{ popular { ... on Clip { title @skip(if: $no) } } }', {}],
  ])('of an interface object asks nobody else: %s', async (_, selection, expected) => {
    const query = selection.includes('$no') ? `query ($no: Boolean!) ${selection}` : selection;
    const result = await ask(media, { social }, { query, variables: { no: true } });
    expect(result.errors).toBeUndefined();
    expect(result.data).toEqual({ popular: [expected] });
    expect(result.asked.map(({ serviceName }) => serviceName)).toEqual(['social']);
  });

  test('is an empty object elsewhere, at the root too', async () => {
    const subgraphs = { a: 'type Query { thing: Thing things: [Thing] } type Thing { x: Int inner: Thing }' };
    const a = { data: { thing: { __typename: 'Thing', inner: { __typename: 'Thing' } } } };
    const query =
      'query ($no: Boolean!) { thing { x @skip(if: $no) inner { ...X } } things @skip(if: $no) { x } } fragment X on Thing { x @skip(if: $no) }';
    expect((await ask(subgraphs, { a }, { query, variables: { no: true } })).data).toEqual({ thing: { inner: {} } });
    const nothing = await ask(subgraphs, {}, { query: '{ ... @include(if: false) { thing { x } } }' });
    expect(nothing).toMatchObject({ data: {}, asked: [] });
  });
});

describe('a shareable field that is of an object type in one subgraph and of an abstract one in the supergraph', () => {
  const graph = (abstract: string, members: string) => ({
    a: 'type Query { item: Book @shareable shelf: [[Book!]] @shareable } type Book @key(fields: "id") { id: ID! title: String @shareable }',
    'b-2': `type Query { item: Item @shareable shelf: [[Item!]] @shareable } ${abstract}
      type Book ${members} @key(fields: "id") { id: ID! title: String @shareable pages: Int } type Film ${members} @key(fields: "id") { id: ID! title: String @shareable minutes: Int }`,
  });
  const kinds: [string, string, string][] = [
    ['union', 'union Item = Book | Film', ''],
    ['interface', 'interface Item { id: ID! title: String }', 'implements Item'],
  ];

  test.each(kinds)('keeps what is selected of it: %s', async (_, abstract, members) => {
    const query = '{ item { ... on Book { title pages } ... on Film { minutes } } shelf { ... on Book { title } } }';
    const book = { id: '1', title: 'T', pages: 3 };
    const answer = ({ query: asked }: Asked) => {
      if (asked.includes('_entities')) return { data: { _entities: [{ pages: 3 }] } };
      const typed = asked.includes('__typename') ? { __typename: 'Book', ...book } : book;
      return { data: { item: typed, shelf: [[typed]] } };
    };
    const result = await ask(graph(abstract, members), { a: answer, 'b-2': answer }, { query });
    expect(result.errors).toBeUndefined();
    expect(result.data).toEqual({ item: { title: 'T', pages: 3 }, shelf: [[{ title: 'T' }]] });
  });

  test.each(kinds)('is asked for its type, once: %s', async (_, abstract, members) => {
    const a = { data: { item: { __typename: 'Book', id: '1', title: 'T' } } };
    const query = '{ item { __typename ... on Book { title } } }';
    const result = await ask(graph(abstract, members), { a, 'b-2': a }, { query });
    expect(result.data).toEqual({ item: { __typename: 'Book', title: 'T' } });
    expect(result.asked[0]?.query.match(/__typename/g)).toHaveLength(1);
  });
});

describe('one cause is told once, at a null', () => {
  const graph = {
    list: 'type Query { ps: [P!] } type P @key(fields: "id") { id: ID! }',
    facts: 'type P @key(fields: "id") { id: ID! a: Int b: Part } type Part { x: Int y: Int }',
    sums: 'type P @key(fields: "id") { id: ID! a: Int @external b: Part @external c: Int @requires(fields: "a") d: Int @requires(fields: "b { x }") } type Part @external { x: Int }',
  };
  const list = { data: { ps: ['1', '2'].map((id) => ({ __typename: 'P', id })) } };
  const sums = ({ variables }: Asked) => ({
    data: { _entities: (variables['representations'] as { a?: number; b?: { x?: number } }[]).map(({ a, b }) => ({ c: a ?? null, d: b?.x ?? null })) },
  }); // prettier-ignore

  test('when an entity failed of which the client sees only what requires it', async () => {
    const facts = { data: { _entities: [{ a: 1 }, null] }, errors: [{ message: 'no', path: ['_entities', 1] }] };
    const result = await ask(graph, { list, facts, sums }, { query: '{ ps { c } }' });
    expect(result.data).toEqual({ ps: [{ c: 1 }, { c: null }] });
    expect(shown(result)).toEqual([['no', ['ps', 1, 'c']]]);
  });

  test.each([
    ['c', { a: 1 }, { a: null }, 'a', ['a']],
    ['d', { b: { x: 1 } }, { b: { x: null } }, 'x', ['b', 'x']],
    ['d', { b: { x: 1 } }, { b: null }, 'b', ['b']],
  ])('when a required field failed: %s', async (asked, good, bad, _, path) => {
    const facts = { data: { _entities: [good, bad] }, errors: [{ message: 'no', path: ['_entities', 1, ...path] }] };
    const result = await ask(graph, { list, facts, sums }, { query: `{ ps { ${asked} } }` });
    expect(result.data).toEqual({ ps: [{ [asked]: 1 }, { [asked]: null }] });
    expect(shown(result)).toEqual([['no', ['ps', 1, asked]]]);
  });

  test('when the same field failed at the root', async () => {
    const whole = {
      list: 'type Query { ps: [P!] } type P @key(fields: "id") { id: ID! a: Int }',
      sums: 'type P @key(fields: "id") { id: ID! a: Int @external c: Int @requires(fields: "a") }',
    };
    const answer = { data: { ps: [{ __typename: 'P', id: '1', a: 1 }, { __typename: 'P', id: '2', a: null }] }, errors: [{ message: 'no', path: ['ps', 1, 'a'] }] }; // prettier-ignore
    const result = await ask(whole, { list: answer, sums }, { query: '{ ps { c } }' });
    expect(shown(result)).toEqual([['no', ['ps', 1, 'c']]]);
    const both = await ask(whole, { list: answer, sums }, { query: '{ ps { a c } }' });
    expect(shown(both)).toEqual([
      ['no', ['ps', 1, 'a']],
      ['no', ['ps', 1, 'c']],
    ]);
  });

  test('when what requires it copes without, it has no place', async () => {
    const facts = { data: { _entities: [{ a: 1 }, { a: null }] }, errors: [{ message: 'no', path: ['_entities', 1, 'a'] }] }; // prettier-ignore
    const brave = { data: { _entities: [{ c: 1 }, { c: 2 }] } };
    const result = await ask(graph, { list, facts, sums: brave }, { query: '{ ps { c } }' });
    expect(result.data).toEqual({ ps: [{ c: 1 }, { c: 2 }] });
    expect(shown(result)).toEqual([['no', undefined]]);
    // Of several objects too, beside another cause.
    const worse = { data: { _entities: [{ a: null }, { a: null }] }, errors: [0, 1, 1].map((index, nth) => ({ message: nth < 2 ? 'no' : 'never', path: ['_entities', index, 'a'] })) }; // prettier-ignore
    const both = await ask(graph, { list, facts: worse, sums: brave }, { query: '{ ps { c } }' });
    expect(shown(both)).toEqual([
      ['never', undefined],
      ['no', undefined],
    ]);
  });

  test('once, of objects whose type nobody could tell, as what is missing of them has no place', async () => {
    const media = {
      media:
        'type Query { first: Media } interface Media @key(fields: "id") { id: ID! title: String } type Clip implements Media @key(fields: "id") { id: ID! title: String seconds: Int }',
      social: 'type Query { popular: [Media!]! } type Media @interfaceObject @key(fields: "id") { id: ID! likes: Int }',
    };
    const social = { data: { popular: [1, 2, 3].map((id) => ({ __typename: 'Media', id, likes: id })) } };
    const result = await ask(media, { social }, { query: '{ popular { likes ... on Clip { seconds } } }' });
    expect(result.data).toEqual({ popular: [{ likes: 1 }, { likes: 2 }, { likes: 3 }] });
    expect(shown(result)).toEqual([['media is down', undefined]]);
  });
});

test('an answer with "errors": [] or null beside data is an answer', async () => {
  for (const errors of [[], null]) {
    const result = await ask({ a: 'type Query { x: Int }' }, { a: { data: { x: 1 }, errors } }, { query: '{ x }' });
    expect(result).toMatchObject({ data: { x: 1 } });
    expect(result.errors).toBeUndefined();
  }
});

test('a root field that no fetch of the plan brings is refused', async () => {
  const { supergraphSdl } = canned({ a: 'type Query { x: Int y: Int }' }, () => ({ data: { x: 1 } }));
  const planner = new QueryPlanner(Supergraph.build(supergraphSdl));
  const build = planner.buildQueryPlan.bind(planner);
  // A planner that forgets a field.
  planner.buildQueryPlan = (operation, options) => {
    const plan = build(operation, options);
    return JSON.parse(JSON.stringify(plan).replaceAll('x y', 'x')) as typeof plan;
  };
  const executor = createExecutor<null>({ planner, fetch: () => Promise.resolve({ data: { x: 1 } }) });
  const result = await executor.execute({ query: '{ x y }', context: null });
  expect(result.data).toBeUndefined();
  expect(result.errors?.[0]?.extensions['code']).toBe('PLANNING_FAILED');
  expect(await executor.execute({ query: '{ x }', context: null })).toEqual({ data: { x: 1 } });
});

describe('a supergraph that would be answered wrongly is refused when it is loaded', () => {
  const federation = (version: string, names: string, sdl: string): string =>
    `extend schema @link(url: "https://specs.apollo.dev/federation/v${version}", import: [${names.split(' ').map((name) => `"@${name}"`).join(', ')}])\n${sdl}`; // prettier-ignore
  function load(...sdls: string[]): void {
    const composed = composeServices(sdls.map((sdl, index) => ({ name: `s${index}`, typeDefs: parse(sdl), url: '' })));
    if (composed.errors) throw new Error(`not composed: ${composed.errors.map(({ message }) => message).join('\n')}`);
    createExecutor<null>({ supergraphSdl: composed.supergraphSdl, fetch: () => Promise.resolve({}) });
  }
  const external = 'key requires external shareable';
  const meter = federation('2.5', external, 'type Query { things: [Thing] } interface Measured { level(on: Int = 1): Int } type Thing implements Measured @key(fields: "id") { id: ID! level(on: Int = 1): Int part(n: Int): Part parts: [Part] owner: Owner } type Part { x(of: Int): Int } type Owner @key(fields: "id") { id: ID! age(at: Int): Int }'); // prettier-ignore
  const externals = { level: 'level(on: Int = 1): Int', part: 'part(n: Int): Part', parts: 'parts: [Part]' };
  /** Only what is required may be external. */
  const requiring = (...fields: string[]) => {
    const used = Object.entries(externals).filter(([name]) =>
      fields.some((one) => new RegExp(`\\b${name}\\b`).test(one)),
    );
    const part = fields.join().includes('part') ? 'type Part @external { x(of: Int): Int }' : '';
    return federation('2.5', external, `type Thing @key(fields: "id") { id: ID! ${used.map(([, field]) => `${field} @external`).join(' ')} ${fields.map((one, index) => `r${index}: Int @requires(fields: "${one}")`).join(' ')} } ${part}`); // prettier-ignore
  };

  test.each([
    ['without and with an argument', 'level(on: 2)', 'level'],
    ['with two values', 'level(on: 2)', 'level(on: 3)'],
    ['with null', 'level(on: null)', 'level'],
    ['on the way', 'part(n: 1) { x }', 'part(n: 2) { x }'],
    ['below', 'part(n: 1) { x }', 'part(n: 1) { x(of: 1) }'],
    ['in a list', 'parts { x }', 'parts { x(of: 1) }'],
  ])('two fields that require one with different arguments, %s', (_, one, other) => {
    expect(() => load(meter, requiring(one, other))).toThrow(
      /Thing\.r0 of subgraph "s1" and Thing\.r1 of subgraph "s1" require .* with different arguments/,
    );
    // In different subgraphs too: what they require is fetched into one object.
    expect(() => load(meter, requiring(one), requiring(other).replace('r0', 'q0'))).toThrow(/with different arguments/);
  });

  test('one of an object and one of what the object leads to', () => {
    const thing = federation('2.5', external, 'type Thing @key(fields: "id") { id: ID! owner: Owner @external r: Int @requires(fields: "owner { age(at: 1) }") } type Owner @key(fields: "id") { id: ID! age(at: Int): Int @external adult: Boolean @requires(fields: "age(at: 2)") }'); // prettier-ignore
    expect(() => load(meter, thing)).toThrow(
      /Owner\.adult of subgraph "s1" and Thing\.r of subgraph "s1" require "age"/,
    );
  });

  test('but not those whose arguments only look different, or that are of different objects', () => {
    expect(() => load(meter, requiring('level', 'level(on: 1)'))).not.toThrow();
    expect(() => load(meter, requiring('part(n: 1) { x }', 'parts { x(of: 1) } level'))).not.toThrow();
  });

  describe('fields of two types that may be at one place', () => {
    /** `around` stands for what makes two objects be at one place; `ref` is of the type that is given, and has `f`. */
    const list = (around: string, ref: string, rest: string) =>
      federation('2.5', external, `type Query { items: [Item!]! one: T1 other: T2 } ${around} ${['T1', 'T2'].map((name) => `type ${name} ${around.startsWith('interface') ? 'implements Item ' : ''}@key(fields: "id") { id: ID! ref: ${ref} }`).join(' ')} ${rest}`); // prettier-ignore
    const sums = (ref: string, first: string, second: string, rest: string) =>
      federation('2.5', external, [['T1', first], ['T2', second]].map(([name, fields]) => `type ${name} @key(fields: "id") { id: ID! ref: ${ref} @external sum: Int @requires(fields: "${fields}") }`).join(' ') + rest); // prettier-ignore
    const union = 'union Item = T1 | T2';
    const entity = 'type Ref @key(fields: "id") { id: ID! inner: Inner } type Inner { id: ID! }';
    const refs = federation('2.5', external, 'type Ref @key(fields: "id") { id: ID! f(x: Int): Int }');
    const knownRef = ' type Ref @key(fields: "id") { id: ID! f(x: Int): Int @external }';

    test.each([
      ['of a union', union],
      ['of an interface', 'interface Item { id: ID! }'],
    ])('may not require one of an entity with different arguments: %s', (_, around) => {
      const required = ['ref { f(x: 1) }', 'ref { f(x: 2) }'] as const;
      expect(() => load(list(around, '[Ref!]', entity), refs, sums('[Ref!]', ...required, knownRef))).toThrow(
        /T1\.sum of subgraph "s2" and T2\.sum of subgraph "s2" require "ref\.f" with different arguments, of an entity/,
      );
      expect(() => load(list(around, '[Ref!]', entity), refs, sums('[Ref!]', required[0], required[0], knownRef))).not.toThrow(); // prettier-ignore
    });

    test('may where they are never at one place, or where it is of no entity', () => {
      const apart = list('type Item { id: ID! }', 'Ref', entity);
      expect(() => load(apart, refs, sums('Ref', 'ref { f(x: 1) }', 'ref { f(x: 2) }', knownRef))).not.toThrow();
      const value = 'type Ref { f(x: Int): Int }';
      expect(() => load(list(union, 'Ref', value), sums('Ref', 'ref { f(x: 1) }', 'ref { f(x: 2) }', ' type Ref { f(x: Int): Int @external }'))).not.toThrow(); // prettier-ignore
    });
  });

  test('an override with a label', () => {
    const from = federation('2.7', 'key override', 'type Query { t: T } type T @key(fields: "id") { id: ID! x: Int }');
    const to = federation('2.7', 'key override', 'type T @key(fields: "id") { id: ID! x: Int @override(from: "s0", label: "percent(5)") }'); // prettier-ignore
    expect(() => load(from, to)).toThrow(/T\.x: @override\(label: "percent\(5\)"\) is not supported/);
    expect(() => load(from, to.replace(', label: "percent(5)"', ''))).not.toThrow();
  });

  test.each([
    ['context', federation('2.8', 'key context fromContext', 'type Query { t: T } type T @key(fields: "id") @context(name: "c") { id: ID! x: Int! u: U! } type U @key(fields: "id") { id: ID! f(a: Int @fromContext(field: "$c { x }")): Int }')],
    ['authenticated', federation('2.5', 'authenticated', 'type Query { x: Int @authenticated }')],
    ['requiresScopes', federation('2.5', 'requiresScopes', 'type Query { x: Int @requiresScopes(scopes: [["a"]]) }')],
    ['policy', federation('2.6', 'policy', 'type Query { x: Int @policy(policies: [["a"]]) }')],
    ['connect', `${federation('2.10', 'key', '')}extend schema @link(url: "https://specs.apollo.dev/connect/v0.1", import: ["@connect", "@source"]) @source(name: "x", http: { baseURL: "http://x" }) type Query { a: Int @connect(source: "x", http: { GET: "/a" }, selection: "$") }`],
  ])('a directive that the gateway does not act on: @%s', (name, sdl) => {
    expect(() => load(sdl)).toThrow(new RegExp(`${name}/v[\\d.]+ is for: \\w+ but is unsupported`));
  }); // prettier-ignore
});
