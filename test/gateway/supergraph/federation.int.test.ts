import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

describe.each(['in process', 'over HTTP'] as const)('a federated operation, subgraphs %s', (shape) => {
  let graph: TestGraph;
  beforeAll(async () => {
    graph = await startTestGraph({ shape });
  });
  afterEach(() => {
    graph.stage.down.clear();
    graph.stage.entityCalls.length = 0;
  });
  afterAll(() => graph.close());

  test('joins fields of all subgraphs', async () => {
    const { status, body } = await graph.ask(`{
      order(id: "o1") { number label customer { name } lines(first: 2) { quantity product { id title: name seller { name } } } payments { amount payer { name } } }
    }`);
    expect(body.errors).toBeUndefined();
    expect(status).toBe(200);
    expect(body.data.order).toEqual({
      number: 'No1',
      label: 'order No1',
      customer: { name: 'User u1' },
      lines: [
        { quantity: 1, product: { id: 'p0', title: 'Product p0', seller: { name: 'User u1' } } },
        { quantity: 2, product: { id: 'p1', title: 'Product p1', seller: { name: 'User u1' } } },
      ],
      payments: [{ amount: 500, payer: { name: 'User u2' } }],
    });
  });

  test('a variable may be called __proto__', async () => {
    const query = 'query ($__proto__: ID!, $first: Int) { product(id: $__proto__) { id seller { products(first: $first) { id } } } }'; // prettier-ignore
    const { body } = await graph.ask(query, JSON.parse('{ "__proto__": "p7", "first": 1 }') as Record<string, unknown>);
    expect(body).toEqual({ data: { product: { id: 'p7', seller: { products: [{ id: 'p1' }] } } } });
  });

  test('sends equal representations once', async () => {
    const { body } = await graph.ask('{ order(id: "o1") { lines(first: 50) { product { name seller { name } } } } }');
    expect(body.data.order.lines[49].product).toEqual({ name: 'Product p1', seller: { name: 'User u1' } });
    expect(graph.stage.entityCalls).toEqual([{ service: 'product', count: 3 }, { service: 'user', count: 1 }]); // prettier-ignore
  });

  test('splits more than 100 representations into chunks', async () => {
    const { body } = await graph.ask('{ users(first: 250) { id products(first: 1) { name } } }');
    expect(body.errors).toBeUndefined();
    expect(body.data.users).toHaveLength(250);
    expect(body.data.users[249]).toEqual({ id: 'u249', products: [{ name: 'Product p1' }] });
    expect(graph.stage.entityCalls.map((call) => call.count)).toEqual([100, 100, 50]);
  });

  test("a subgraph's error keeps message and code, gets a trace id and the path of each place", async () => {
    const { status, body } = await graph.ask('{ order(id: "o1") { lines(first: 4) { product { name broken } } } }');
    expect(status).toBe(200);
    expect(body.errors?.map((error) => error.path.join('.')).toSorted()).toEqual(
      [0, 1, 2, 3].map((line) => `order.lines.${line}.product.broken`),
    );
    expect(body.errors?.[0]).toMatchObject({
      message: 'This field is broken.',
      extensions: { code: 'BAD_USER_INPUT', traceId: expect.stringMatching(/^[0-9a-f]{32}$/) },
    });
    expect(body.data.order.lines[3].product).toEqual({ name: 'Product p0', broken: null });
  });

  test('an unexpected error of a subgraph shows nothing but the trace id', async () => {
    const { body, headers } = await graph.ask('{ user(id: "u1") { name secret } }');
    expect(body.data).toEqual({ user: null });
    expect(JSON.stringify(body)).not.toContain('hunter2');
    expect(body.errors?.[0].extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', traceId: headers.get('x-trace-id') });
    expect(body.errors?.[0].message).toContain(headers.get('x-trace-id'));
  });

  test('a null where none may be is an error at its place and takes the nearest nullable parent along', async () => {
    const { body } = await graph.ask('{ product(id: "p1") { name must } }');
    expect(body.data).toEqual({ product: null });
    expect(body.errors?.[0].path).toEqual(['product', 'must']);
  });

  test('an entity that is gone without a word is named as missing where a value is required', async () => {
    graph.stage.down.clear();
    const { body } = await graph.ask('{ payment(id: "x") { amount payer { name } } }');
    expect(body.data.payment).toEqual({ amount: 5, payer: { name: 'User u2' } });
  });

  test('a subgraph that is away costs its own fields only', async () => {
    graph.stage.down.add('payment');
    const { status, body } = await graph.ask(
      '{ order(id: "o1") { number payments { amount } } product(id: "p1") { name } }',
    );
    expect(status).toBe(200);
    expect(body.data).toEqual({ order: null, product: { name: 'Product p1' } });
    expect(body.errors?.map((error) => [error.path.join('.'), error.extensions.code])).toEqual([
      ['order.payments', 'SERVICE_UNAVAILABLE'],
    ]);
  });

  test('a subgraph that is away is named at each field that is missing, with the trace id and nothing else', async () => {
    graph.stage.down.add('product');
    const { status, body, headers } = await graph.ask('{ order(id: "o1") { lines(first: 2) { quantity product { name broken } } } }'); // prettier-ignore
    expect(status).toBe(200);
    expect(body.data).toEqual({
      order: {
        lines: [
          { quantity: 1, product: null },
          { quantity: 2, product: null },
        ],
      },
    });
    // The first missing field takes its required parent along; what is below that is not asked for any more.
    expect(body.errors).toEqual(
      [0, 1].map((line) => ({
        message: "The product service can't be reached (ECONNREFUSED).",
        path: ['order', 'lines', line, 'product', 'name'],
        extensions: { code: 'SERVICE_UNAVAILABLE', traceId: headers.get('x-trace-id') },
      })),
    );
    expect(Object.keys(body).toSorted()).toEqual(['data', 'errors']);
  });

  test('a subgraph that is away for everything leaves the answer null, with status 503', async () => {
    graph.stage.down.add('user');
    const { status, body } = await graph.ask('{ users(first: 1) { id } }');
    expect(status).toBe(503);
    expect(body.data).toBeNull();
    expect(body.errors?.map((error) => [error.path, error.extensions.code])).toEqual([
      [['users'], 'SERVICE_UNAVAILABLE'],
    ]);
  });

  test('places that share an entity are shaped each by its own selection', async () => {
    const { body } = await graph.ask(`{
      order(id: "o1") { lines(first: 4) {
        product { name seller { name } }
        required { name seller { name } }
        cheap: product { is: kind seller { id called: name products(first: 1) { name } } }
      } }
    }`);
    expect(body.errors).toBeUndefined();
    for (const [index, line] of (body.data.order.lines as unknown[]).entries()) {
      const whole = { name: `Product p${index % 3}`, seller: { name: 'User u1' } };
      expect(line).toEqual({
        product: whole,
        required: whole,
        cheap: { is: 'STOCKED', seller: { id: 'u1', called: 'User u1', products: [{ name: 'Product p1' }] } },
      });
    }
  });

  test('a document with conditions is planned for each setting of them', async () => {
    const query = `query ($names: Boolean!, $payments: Boolean = false) {
      order(id: "o1") { number customer @include(if: $names) { name } payments @include(if: $payments) { amount } }
    }`;
    const answers = [{ names: true }, { names: false }, { names: true, payments: true }, { names: true }];
    const orders = [];
    for (const variables of answers) orders.push((await graph.ask(query, variables)).body.data.order);
    const [named, bare] = [{ number: 'No1', customer: { name: 'User u1' } }, { number: 'No1' }];
    expect(orders).toEqual([named, bare, { ...named, payments: [{ amount: 500 }] }, named]);
  });

  test('a document with more conditions than can be planned is refused', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const { status, body } = await graph.ask(
      `query (${names.map((name) => `$${name}: Boolean!`).join(' ')}) {
        order(id: "o1") { ${names.map((name) => `number @skip(if: $${name})`).join(' ')} }
      }`,
      Object.fromEntries(names.map((name) => [name, true])),
    );
    expect(status).toBe(400);
    expect(body.errors?.[0].extensions.code).toBe('TOO_MANY_DIRECTIVES');
  });

  test('aliases, fragments, conditions and interfaces come out as asked', async () => {
    const { body } = await graph.ask(
      `query ($yes: Boolean!, $no: Boolean!) {
        a: order(id: "o1") { ...Numbers notes { __typename text ... on ProductNote { product { name } } } }
        b: order(id: "o2") { number @skip(if: $yes) customer @include(if: $no) { name } label @include(if: $yes) }
      }
      fragment Numbers on Order { number again: number }`,
      { yes: true, no: false },
    );
    expect(body.errors).toBeUndefined();
    expect(body.data).toEqual({
      a: {
        number: 'No1',
        again: 'No1',
        notes: [
          { __typename: 'PlainNote', text: 'plain' },
          { __typename: 'ProductNote', text: 'with product', product: { name: 'Product p9' } },
        ],
      },
      b: { label: 'order No2' },
    });
  });

  test('variables that can not be coerced are a 400', async () => {
    const { status, body } = await graph.ask('query ($first: Int!) { users(first: $first) { id } }', { first: 'many' });
    expect(status).toBe(400);
    expect(body.errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
  });

  test("subgraphs see the caller's identity and address and the gateway's app", async () => {
    const { body } = await graph.ask('{ viewer { kind id app address } }');
    expect(body.data.viewer).toMatchObject({
      kind: 'anonymous',
      id: null,
      app: 'gateway',
      address: expect.stringContaining('127.0.0.1'),
    });
    const signedIn = await graph.ask(
      '{ viewer { kind id } }',
      {},
      { authorization: `Bearer ${await graph.token({ sub: 'u7' })}` },
    );
    expect(signedIn.body.data.viewer).toEqual({ kind: 'user', id: 'u7' });
  });
});
