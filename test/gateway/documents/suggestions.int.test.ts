import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

let hidden: TestGraph;
let shown: TestGraph;
beforeAll(async () => {
  hidden = await startTestGraph({ shape: 'over HTTP', env: { INTROSPECTION: 'false' } });
  shown = await startTestGraph({ shape: 'over HTTP' });
});
afterAll(async () => {
  await hidden?.close();
  await shown?.close();
});

type Answer = { errors?: { message: string }[] };

const ways: Record<string, (graph: TestGraph, query: string) => Promise<string>> = {
  POST: async (graph, query) => JSON.stringify((await graph.ask(query)).body),
  GET: async (graph, query) => (await fetch(`${graph.url}/graphql?query=${encodeURIComponent(query)}`)).text(),
  'an event stream': async (graph, query) =>
    (
      await fetch(`${graph.url}/graphql/stream`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify({ query }),
      })
    ).text(),
  'a socket': async (graph, query) => {
    const client = createClient({ url: `${graph.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket });
    try {
      const answer = await new Promise<unknown>((resolve) =>
        client.subscribe<Answer>({ query }, { next: resolve, error: resolve, complete: () => undefined }),
      );
      return JSON.stringify(answer);
    } finally {
      await client.dispose();
    }
  },
};
const misspelt: Record<string, string> = {
  field: '{ usrs { id } }',
  'field below': '{ users { nam } }',
  argument: '{ users(frst: 1) { id } }',
  type: '{ users { ...F } } fragment F on Usr { id }',
  directive: '{ users { id @skp(if: true) } }',
  'missing selection': '{ users }',
  subscription: 'subscription { chnges(orderId: "1") { seq } }',
};

test.each(Object.keys(ways))('by %s a misspelt name is met by no suggestion where the schema is not shown', async (way) => {
  for (const query of Object.values(misspelt)) {
    const text = await (ways[way] as (typeof ways)[string])(hidden, query);
    expect(text).toContain('message');
    expect(text).not.toContain('Did you mean');
  }
}); // prettier-ignore

test('where it is shown, there is one', async () => {
  for (const way of Object.values(ways))
    expect(await way(shown, misspelt['field'] as string)).toContain('Did you mean');
});
