import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ shape: 'in process' });
});
afterAll(() => graph.close());

/** What `/metrics` shows as prepared. */
async function prepared(): Promise<Record<string, number>> {
  const text = await graph.runtime.metrics.registry.metrics();
  const lines = [...text.matchAll(/^gateway_prepared\{what="(\w+)"\} (\d+)$/gm)];
  return Object.fromEntries(lines.map(([, what, count]) => [what, Number(count)]));
}

test('metrics show the operations and plans that the supergraph of now keeps prepared', async () => {
  expect(await prepared()).toEqual({ operations: 0, plans: 0 });
  const query = 'query ($with: Boolean!) { viewer { kind id @include(if: $with) } }';
  for (const variables of [{ with: true }, { with: false }, { with: true }])
    expect((await graph.ask(query, variables)).status).toBe(200);
  expect((await graph.ask('{ viewer { kind } }')).status).toBe(200);
  expect(await prepared()).toEqual({ operations: 2, plans: 3 });

  await graph.gateway.reload(graph.supergraphSdl);
  expect(await prepared()).toEqual({ operations: 0, plans: 0 });
});
