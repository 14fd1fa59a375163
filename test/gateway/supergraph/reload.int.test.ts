import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { until } from '../../support/until.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

// What a test looks at has no type of its own.
// eslint-disable-next-line typescript/no-explicit-any
type Result = { data?: any; errors?: any[] };

const eventually = (holds: () => boolean, timeoutMs = 5_000) =>
  until(holds, { timeoutMs, everyMs: 5, what: holds.toString() });

describe('a gateway that gets another supergraph', () => {
  let graph: TestGraph;
  let without: string;
  beforeAll(async () => {
    graph = await startTestGraph({ shape: 'in process' });
    // The subgraph still has the field; clients don't.
    without = graph.supergraphSdl.replace(/(type Product\b[^{]*\{[^}]*?)\n {2}kind: String![^\n]*/, '$1');
    expect(without).not.toBe(graph.supergraphSdl);
  });
  afterAll(() => graph.close());

  const ask = async (query: string) => (await graph.ask(query)).body;
  const follow = (query: string) => {
    const client = createClient({ url: `ws://127.0.0.1:${graph.port}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 }); // prettier-ignore
    const results: Result[] = [];
    let error: unknown;
    client.subscribe({ query }, { next: (result) => results.push(result as Result), error: (cause) => (error = cause), complete: () => undefined }); // prettier-ignore
    return { results, error: () => error, close: () => client.dispose() };
  };
  const change = (seq: number) => graph.stage.changes.emit('o1', { orderId: 'o1', seq, product: { id: 'p1' } });
  const watched = 'subscription { changes(orderId: "o1") { seq product { kind } } }';

  test('drops no stream and sends nothing twice; what is asked from then on follows the new one', async () => {
    const stream = follow(watched);
    await eventually(() => graph.stage.open === 1);
    change(1);
    await eventually(() => stream.results.length === 1);
    await graph.gateway.reload(without);
    change(2);
    await eventually(() => stream.results.length === 2);
    expect(stream.results.map(({ data }) => [data?.changes.seq, data?.changes.product?.kind])).toEqual([
      [1, 'STOCKED'],
      [2, 'STOCKED'],
    ]);

    const unknown = { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] };
    expect(await ask('{ product(id: "p1") { kind } }')).toMatchObject(unknown);
    const late = follow(watched);
    await eventually(() => late.error() !== undefined);
    expect(late.error()).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
    expect(await ask('{ __type(name: "Product") { fields { name } } }')).not.toMatchObject({ data: { __type: { fields: expect.arrayContaining([{ name: 'kind' }]) } } }); // prettier-ignore

    await graph.gateway.reload(graph.supergraphSdl);
    expect(await ask('{ product(id: "p1") { kind } }')).toEqual({ data: { product: { kind: 'STOCKED' } } });
    change(3);
    await eventually(() => stream.results.length === 3);
    expect(graph.stage.open).toBe(1);
    await Promise.all([stream.close(), late.close()]);
    await eventually(() => graph.stage.open === 0);
  });

  test('goes on with the old one when the new one can not be loaded', async () => {
    await expect(graph.gateway.reload('type Query { nothing: Int }')).rejects.toThrow(/supergraph|@link/i);
    await expect(graph.gateway.reload('no supergraph')).rejects.toThrow('Syntax Error');
    expect(await ask('{ product(id: "p1") { kind } }')).toEqual({ data: { product: { kind: 'STOCKED' } } });
  });
});
