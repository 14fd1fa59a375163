import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ shape: 'in process' });
});
afterAll(() => graph.close());

const documents = {
  '@defer on an inline fragment': ['defer', '{ order(id: "o1") { number ... @defer { label } } }'],
  '@defer on a spread': ['defer', '{ order(id: "o1") { ...F @defer(label: "l") } } fragment F on Order { label }'],
  '@defer within a fragment': ['defer', '{ order(id: "o1") { ...F } } fragment F on Order { ... @defer { label } }'],
  '@stream on a list': ['stream', '{ products(first: 3) @stream(initialCount: 1) { id } }'],
  '@stream within a fragment': ['stream', '{ order(id: "o1") { ...F } } fragment F on Order { lines @stream { quantity } }'], // prettier-ignore
} as const;
const refusal = (directive: string) => ({
  message: expect.stringMatching(`^@${directive} is not supported: .* Leave the directive out`),
  extensions: expect.objectContaining({ code: 'DEFER_NOT_SUPPORTED' }),
});

describe.each(Object.entries(documents))('%s', (_, [directive, query]) => {
  // The second is the path where Apollo Server answers.
  test.each(['/graphql', '/graphql/'])('is refused over HTTP, at %s', async (path) => {
    const response = await fetch(`${graph.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'multipart/mixed;deferSpec=20220824,application/json' },
      body: JSON.stringify({ query }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ errors: [expect.objectContaining(refusal(directive))] });
  });

  test('is refused over WebSocket', async () => {
    const url = `ws://127.0.0.1:${graph.port}/graphql`;
    const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
    const errors: unknown = await client.iterate({ query }).next().catch((error: unknown) => error); // prettier-ignore
    await client.dispose();
    expect(errors).toEqual([expect.objectContaining(refusal(directive))]);
  });
});

test('a directive of another name is an invalid document as ever', async () => {
  const { status, body } = await graph.ask('{ order(id: "o1") { number ... @deferred { label } } }');
  expect(status).toBe(400);
  expect(body.errors).toMatchObject([{ message: 'Unknown directive "@deferred".', extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]); // prettier-ignore
});
