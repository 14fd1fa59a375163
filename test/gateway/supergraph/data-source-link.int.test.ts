import { RemoteGraphQLDataSource } from '@apollo/gateway';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { dataSourceLink } from '../../../gateway/supergraph/data-source-link.ts';
import type { SubgraphLink } from '../../../subgraphs/shared/calls/link.ts';
import { createLogger } from '../../../subgraphs/shared/process/telemetry.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

const operationTimeoutMs = 3_000;
const log = createLogger('test', 'silent');

let graph: TestGraph;
/** What the data source of the product subgraph saw and is told to do. */
let seen: { kinds: string[]; names: (string | undefined)[]; addresses: (string | null)[]; answered: number };
let failing: Error | undefined;

class Signing extends RemoteGraphQLDataSource {
  override willSendRequest({ kind, request, context }: Parameters<NonNullable<RemoteGraphQLDataSource['willSendRequest']>>[0]): void {
    if (failing) throw failing;
    seen.kinds.push(kind);
    seen.names.push(request.operationName);
    seen.addresses.push((context as { headers: Headers }).headers.get('x-client-address'));
    request.http?.headers.set('x-signature', 'signed');
  }
  override didReceiveResponse({ response }: Parameters<NonNullable<RemoteGraphQLDataSource['didReceiveResponse']>>[0]): typeof response {
    seen.answered += 1;
    return response;
  }
} // prettier-ignore

beforeAll(async () => {
  const linkOf = (link: SubgraphLink, origin: string): SubgraphLink =>
    link.name === 'product' ? dataSourceLink(link, new Signing({ url: `${origin}/graphql` }), log) : link;
  graph = await startTestGraph({ shape: 'over HTTP', linkOf, gateway: { config: { operationTimeoutMs } } });
});
beforeEach(() => {
  seen = { kinds: [], names: [], addresses: [], answered: 0 };
  failing = undefined;
  graph.stage.hanging.clear();
});
afterAll(() => graph.close());

const query = 'query Q($id: ID!) { product(id: $id) { name seller { name } } }';
const whole = { product: { name: 'Product p1', seller: { name: 'User u1' } } };

test("a subgraph can be asked through Apollo's data source: its hooks run, and the caller is known behind it", async () => {
  const { status, body } = await graph.ask(query, { id: 'p1' });
  expect({ status, body }).toEqual({ status: 200, body: { data: whole } });
  expect(seen).toMatchObject({ kinds: ['incoming operation'], answered: 1 });
  expect(seen.names[0]).toMatch(/^Q__product/);
  expect(seen.addresses).toEqual(['127.0.0.1']);
});

test('entities are asked for through it too', async () => {
  const { body } = await graph.ask('{ order(id: "o1") { lines(first: 2) { product { name } } } }');
  expect(body).toEqual({ data: { order: { lines: [{ product: { name: 'Product p0' } }, { product: { name: 'Product p1' } }] } } }); // prettier-ignore
  expect(seen.answered).toBe(1);
});

test('what a hook throws costs its own fields, and clients are not shown it', async () => {
  failing = new Error('hunter2');
  const { status, body } = await graph.ask(query, { id: 'p1' });
  expect(status).toBe(503);
  expect(body).toMatchObject({
    data: { product: null },
    errors: [{ message: "The product service can't be reached.", extensions: { code: 'SERVICE_UNAVAILABLE' } }],
  });
  expect(JSON.stringify(body)).not.toContain('hunter2');
});

test('errors of the subgraph come through with their code', async () => {
  const { body } = await graph.ask('{ products(first: 1) { name broken } }');
  expect(body.errors).toMatchObject([{ path: ['products', 0, 'broken'], extensions: { code: 'BAD_USER_INPUT' } }]);
});

test('a silent subgraph behind it is given up at the deadline', async () => {
  graph.stage.hanging.add('product');
  const begun = performance.now();
  const { body } = await graph.ask(query, { id: 'p1' });
  expect(performance.now() - begun).toBeLessThan(operationTimeoutMs + 5_000);
  expect(body).toMatchObject({ data: { product: null }, errors: [{ extensions: { code: 'DEADLINE_EXCEEDED' } }] });
});
