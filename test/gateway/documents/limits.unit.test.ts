import { describe, expect, test } from '@jest/globals';
import { GraphQLError, buildSchema, getIntrospectionQuery } from 'graphql';
import { openDocuments } from '../../../gateway/documents/documents.ts';

const schema = buildSchema(`
  type Query { me: User orders(first: Int = 20, after: String): OrderConnection! node(id: ID): User }
  type Mutation { login(mobile: String): Boolean createPayment: Boolean refundPayment: Boolean placeOrder: Boolean }
  type Subscription { ticks: User }
  type OrderConnection { edges: [Edge!]! }
  type Edge { node: Order! }
  type Order { id: ID! history(first: Int = 50): OrderConnection! customer: User! }
  type User { id: ID! name: String self: User orders(first: Int = 20): OrderConnection! }
`);
const documents = openDocuments(schema, { introspection: true });

function codeOf(query: string, variables: Record<string, unknown> = {}): string {
  try {
    documents.read(query, variables);
    return 'OK';
  } catch (error) {
    expect(error).toBeInstanceOf(GraphQLError);
    const { code, http } = (error as GraphQLError).extensions;
    expect(http).toEqual({ status: 400 });
    return String(code);
  }
}
const nested = (depth: number) => `{ me ${'{ self '.repeat(depth - 2)}{ id }${' }'.repeat(depth - 2)} }`;
const many = (count: number, part: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => part(index)).join(' ');

describe('a document', () => {
  test('of bad syntax is GRAPHQL_PARSE_FAILED with its place', () => {
    expect(codeOf('{ me ')).toBe('GRAPHQL_PARSE_FAILED');
    expect(() => documents.read('{ me ', {})).toThrow('Expected Name');
    expect(codeOf('{ a: tokens(x: ) }')).toBe('GRAPHQL_PARSE_FAILED');
  });

  test('of more than 1,000 tokens is TOO_MANY_TOKENS', () => {
    expect(codeOf(`{ ${many(997, () => 'me')} }`)).not.toBe('TOO_MANY_TOKENS');
    expect(codeOf(`{ ${many(1_000, () => 'me')} }`)).toBe('TOO_MANY_TOKENS');
  });

  test('of two operations is TOO_MANY_OPERATIONS, of none BAD_REQUEST', () => {
    expect(codeOf('query A { me { id } } query B { me { id } }')).toBe('TOO_MANY_OPERATIONS');
    expect(codeOf('fragment F on User { id }')).toBe('BAD_REQUEST');
  });

  test('ten levels deep is taken, eleven is TOO_DEEP, also through fragments', () => {
    expect(codeOf(nested(10))).toBe('OK');
    expect(codeOf(nested(11))).toBe('TOO_DEEP');
    expect(
      codeOf(
        `{ me { ...A } } fragment A on User { self { self { self { self { ...B } } } } } fragment B on User { self { self { self { self { self { id } } } } } }`,
      ),
    ).toBe('TOO_DEEP');
  });

  test('of a literal nested more than ten deep is TOO_DEEP, wherever it stands', () => {
    const lists = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const objects = (depth: number) => `${'{ a: '.repeat(depth)}1${' }'.repeat(depth)}`;
    expect(codeOf(`mutation { placeOrder(x: ${lists(10)}, y: ${objects(10)}) }`)).toBe('OK');
    expect(codeOf(`mutation { placeOrder(x: ${lists(11)}) }`)).toBe('TOO_DEEP');
    expect(codeOf(`mutation { placeOrder(x: ${objects(11)}) }`)).toBe('TOO_DEEP');
    expect(codeOf(`{ me @x(y: ${lists(11)}) { id } }`)).toBe('TOO_DEEP');
    expect(codeOf(`query ($x: A = ${lists(11)}) { me { id } }`)).toBe('TOO_DEEP');
    expect(codeOf(`{ me { ...F } } fragment F on User { id @x(y: ${lists(11)}) }`)).toBe('TOO_DEEP');
  });

  test("GraphiQL's introspection passes although it is deeper, and hides nothing beside it", () => {
    expect(
      codeOf(
        getIntrospectionQuery({
          inputValueDeprecation: true,
          schemaDescription: true,
          specifiedByUrl: true,
          directiveIsRepeatable: true,
          oneOf: true,
        }),
      ),
    ).toBe('OK');
    expect(codeOf(`{ __schema { types { name } } ${nested(11).slice(1)}`)).toBe('TOO_DEEP');
    expect(codeOf(`{ __schema { types { ${'ofType { '.repeat(25)} name ${'} '.repeat(25)} } } }`)).toBe('TOO_DEEP');
  });

  test('may read the schema once, without aliases below it, and ten types: else TOO_MUCH_INTROSPECTION', () => {
    const types = (count: number) => many(count, (index) => `t${index}: __type(name: "User") { name }`);
    expect(codeOf('{ a: __schema { types { name } } }')).toBe('OK');
    expect(codeOf('{ a: __schema { types { name } } b: __schema { types { name } } }')).toBe('TOO_MUCH_INTROSPECTION');
    expect(codeOf('{ ...A b: __schema { types { name } } } fragment A on Query { __schema { types { name } } }')).toBe(
      'TOO_MUCH_INTROSPECTION',
    );
    expect(codeOf('{ __schema { types { name } a: types { name } } }')).toBe('TOO_MUCH_INTROSPECTION');
    expect(codeOf('{ __schema { ...A } } fragment A on __Schema { types { a: fields { name } } }')).toBe(
      'TOO_MUCH_INTROSPECTION',
    );
    expect(codeOf(`{ __schema { types { name } } ${types(10)} }`)).toBe('OK');
    expect(codeOf(`{ ${types(11)} }`)).toBe('TOO_MUCH_INTROSPECTION');
    expect(codeOf('{ __type(name: "User") { fields { name } kind: name } }')).toBe('OK');
    expect(codeOf(`{ __type(name: "User") { ${many(10, (index) => `f${index}: fields { name }`)} } }`)).toBe(
      'TOO_MUCH_INTROSPECTION',
    );
  });

  test('with more than 15 aliases is TOO_MANY_ALIASES, those of __typename and of repeated fragments counted', () => {
    expect(codeOf(`{ ${many(15, (index) => `a${index}: __typename`)} }`)).toBe('OK');
    expect(codeOf(`{ ${many(16, (index) => `a${index}: __typename`)} }`)).toBe('TOO_MANY_ALIASES');
    expect(
      codeOf(`{ x: me { ...F } y: me { ...F } } fragment F on User { ${many(8, (index) => `a${index}: id`)} }`),
    ).toBe('TOO_MANY_ALIASES');
  });

  test('with more than 10 directives is TOO_MANY_DIRECTIVES', () => {
    expect(codeOf(`{ me { id ${'@skip(if: false) '.repeat(10)} } }`)).toBe('OK');
    expect(codeOf(`{ me { id ${'@skip(if: false) '.repeat(11)} } }`)).toBe('TOO_MANY_DIRECTIVES');
    expect(codeOf(`query ${'@x '.repeat(11)} { me { id } }`)).toBe('TOO_MANY_DIRECTIVES');
  });

  test('with more than five variables in conditions is TOO_MANY_DIRECTIVES, wherever they stand', () => {
    const skips = (count: number) => many(count, (index) => `name @skip(if: $v${index})`);
    expect(codeOf(`query Q { me { ${skips(5)} } }`)).toBe('OK');
    expect(codeOf(`query Q { me { ${skips(6)} } }`)).toBe('TOO_MANY_DIRECTIVES');
    expect(codeOf(`query Q { me { ${skips(3)} ...F } } fragment F on User { ${skips(6)} }`)).toBe(
      'TOO_MANY_DIRECTIVES',
    );
    expect(codeOf(`query Q { me { ${many(10, () => 'name @include(if: $one)')} } }`)).toBe('OK');
    expect(codeOf(`{ me { ${many(10, () => 'name @include(if: true)')} } }`)).toBe('OK');
  });

  test('with more than five mutations is TOO_MANY_MUTATIONS', () => {
    expect(codeOf(`mutation { ${many(5, (index) => `a${index}: placeOrder`)} }`)).toBe('OK');
    expect(codeOf(`mutation { ${many(6, (index) => `a${index}: placeOrder`)} }`)).toBe('TOO_MANY_MUTATIONS');
  });

  test('may log in, pay or refund once and not two of these, however they are hidden', () => {
    expect(codeOf('mutation { login placeOrder }')).toBe('OK');
    expect(codeOf('mutation { a: login b: login }')).toBe('TOO_MANY_MUTATIONS');
    expect(codeOf('mutation { createPayment refundPayment }')).toBe('TOO_MANY_MUTATIONS');
    expect(codeOf('mutation { login ...F } fragment F on Mutation { ... { b: login(mobile: "2") } }')).toBe(
      'TOO_MANY_MUTATIONS',
    );
  });

  test('of a conditional subscription is refused rather than crashing the validator', () => {
    expect(codeOf('subscription ($x: Boolean!) { ticks @include(if: $x) { id } }')).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(codeOf('subscription ($x: Boolean!) { ... @skip(if: $x) { ticks { id } } }')).toBe(
      'GRAPHQL_VALIDATION_FAILED',
    );
  });

  test('whose fragments double at each of thirty levels is refused in no time', () => {
    const bomb = `{ me { ...F0 } } ${many(30, (index) => `fragment F${index} on User { ...F${index + 1} ...F${index + 1} }`)} fragment F30 on User { id }`;
    const started = performance.now();
    expect(codeOf(bomb)).toBe('TOO_MANY_FIELDS');
    // One by one the fields would take minutes.
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test('whose fragments all spread each other, or double and end in none, is read and validated in no time', () => {
    const names = Array.from({ length: 19 }, (_, index) => `F${index}`);
    const circles = (on: string) => many(19, (index) => `fragment F${index} on ${on} { ${names.filter((name) => name !== `F${index}`).map((name) => `...${name}`).join(' ')} }`); // prettier-ignore
    const doubling = (on: string) => many(30, (index) => `fragment F${index} on ${on} { ...F${index + 1} ...F${index + 1} }`); // prettier-ignore
    const startedMs = performance.now();
    for (const fragments of [circles, doubling])
      for (const query of [
        `mutation { ...F0 } ${fragments('Mutation')}`,
        `subscription { ...F0 } ${fragments('Subscription')}`,
        `{ ...F0 } ${fragments('Query')}`,
        `{ __schema { ...F0 } } ${fragments('__Schema')}`,
        `{ me { id } } ${fragments('Query')}`,
      ])
        // prettier-ignore
        expect(documents.read(query, {}).validationErrors()).not.toEqual([]);
    expect(performance.now() - startedMs).toBeLessThan(15_000);
  });

  test('whose fragments go in circles ends, and validation names the circle', () => {
    const read = documents.read(
      '{ me { ...A } } fragment A on User { self { ...B } } fragment B on User { self { ...A } }',
      {},
    );
    expect(read.validationErrors().map((error) => error.message)).toEqual([
      expect.stringContaining('Cannot spread fragment'),
    ]);
    expect(codeOf('mutation { ...A } fragment A on Mutation { ...A }')).toBe('OK');
  });
});

describe('the cost of pages', () => {
  const twoPages =
    'query ($outer: Int, $inner: Int = 50) { orders(first: $outer) { edges { node { id history(first: $inner) { edges { node { id } } } } } } }';

  test('is the product of nested pages, after variables and defaults', () => {
    expect(codeOf('{ orders(first: 100) { edges { node { history(first: 49) { edges { node { id } } } } } } }')).toBe(
      'OK',
    );
    expect(codeOf('{ orders(first: 100) { edges { node { history(first: 50) { edges { node { id } } } } } } }')).toBe(
      'TOO_COSTLY',
    );
    expect(codeOf('{ orders(first: 100) { edges { node { history { edges { node { id } } } } } } }')).toBe(
      'TOO_COSTLY',
    );
    expect(codeOf(twoPages, { outer: 100, inner: 10 })).toBe('OK');
    expect(codeOf(twoPages, { outer: 100 })).toBe('TOO_COSTLY');
    expect(codeOf(twoPages, { outer: null })).toBe('OK');
    expect(codeOf(twoPages, {})).toBe('OK');
    expect(codeOf(twoPages, { outer: 100_000, inner: 1 })).toBe('TOO_COSTLY');
  });

  test('counts the default of a variable that is called like a member of every object', () => {
    for (const name of ['constructor', 'toString', '__proto__'])
      expect(codeOf(`query ($${name}: Int = 5001) { orders(first: $${name}) { edges { node { id } } } }`)).toBe(
        'TOO_COSTLY',
      );
  });

  test('is summed over siblings and through fragments', () => {
    const page = 'orders(first: 100) { edges { node { history(first: 20) { edges { node { id } } } } } }';
    expect(codeOf(`{ a: ${page} b: ${page} }`)).toBe('OK');
    expect(codeOf(`{ a: ${page} b: ${page} ...F } fragment F on Query { c: ${page} }`)).toBe('TOO_COSTLY');
  });

  test('can not be paid with a negative page', () => {
    expect(
      codeOf('{ orders(first: 5001) { edges { node { id } } } b: orders(first: -5001) { edges { node { id } } } }'),
    ).toBe('TOO_COSTLY');
  });
});
