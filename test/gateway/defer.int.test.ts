import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type TestGraph, startTestGraph } from './test-graph.ts';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ shape: 'in process' });
});
afterAll(() => graph.close());

const query = '{ order(id: "o1") { number ... @defer { label } } }';
const refusal = {
  message: 'Unknown directive "@defer".',
  extensions: expect.objectContaining({ code: 'GRAPHQL_VALIDATION_FAILED' }),
};

test('@defer is refused over HTTP', async () => {
  const { status, body } = await graph.ask(query);
  expect(status).toBe(400);
  expect(body.data).toBeUndefined();
  expect(body.errors).toEqual([expect.objectContaining(refusal)]);
});

test('@defer is refused over WebSocket', async () => {
  const client = createClient({
    url: `ws://127.0.0.1:${graph.port}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  const errors: unknown = await client
    .iterate({ query })
    .next()
    .catch((error: unknown) => error);
  await client.dispose();
  expect(errors).toEqual([expect.objectContaining(refusal)]);
});
