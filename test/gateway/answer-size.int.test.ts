import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type TestGraph, startTestGraph } from './test-graph.ts';

const maxAnswerValues = 2_000;
const maxAnswerBytes = 64 * 1024;
const limits = { MAX_ANSWER_VALUES: String(maxAnswerValues), MAX_ANSWER_BYTES: String(maxAnswerBytes) };

const users = (first: number) => `{ users(first: ${first}) { id name } }`;
const longId = 'x'.repeat(maxAnswerBytes / 12);
const aliases = Array.from({ length: 15 }, (_, index) => `a${index}: name`).join(' ');

describe.each(['in process', 'over HTTP'] as const)('an answer, with subgraphs called %s,', (shape) => {
  let graph: TestGraph;
  beforeAll(async () => {
    graph = await startTestGraph({ shape, env: limits });
  });
  afterAll(() => graph.close());

  const overSocket = async (query: string) => {
    const client = createClient({ url: `${graph.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket });
    try {
      for await (const result of client.iterate({ query })) return result;
    } finally {
      await client.dispose();
    }
    throw new Error('no answer');
  };
  const overStream = async (query: string) => {
    const response = await fetch(`${graph.url}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query }),
    });
    const data = /^data: ?(\{.*)$/m.exec(await response.text())?.[1];
    return JSON.parse(data ?? '{}') as { errors?: { extensions: { code: string } }[] };
  };
  const byGet = async (query: string) =>
    (await fetch(`${graph.url}/graphql?query=${encodeURIComponent(query)}`)).json() as Promise<{
      errors?: { extensions: { code: string } }[];
    }>;

  const tooLarge: Record<string, string> = {
    'of a long list': users(1_000),
    'of one entity at many places': '{ order(id: "1") { lines(first: 700) { required { id name price } quantity } } }',
    'of a long text many times': `{ product(id: "${longId}") { ${aliases} } }`,
  };
  test.each(Object.entries(tooLarge))('%s, is refused as ANSWER_TOO_LARGE on each way in', async (_, query) => {
    const { status, body } = await graph.ask(query);
    expect(body.errors).toEqual([expect.objectContaining({ extensions: expect.objectContaining({ code: 'ANSWER_TOO_LARGE' }) })]); // prettier-ignore
    expect(body.data ?? null).toBeNull();
    expect(status).toBe(400);
    for (const way of [byGet, overStream, overSocket])
      expect((await way(query)).errors?.map(({ extensions }) => extensions?.['code'])).toEqual(['ANSWER_TOO_LARGE']);
  });

  test('that keeps the limits is given on each way in, also beside those that do not', async () => {
    const [refused, { body }] = await Promise.all([graph.ask(users(1_000)), graph.ask(users(9))]);
    expect(refused.status).toBe(400);
    expect(body.errors).toBeUndefined();
    for (const way of [byGet, overStream, overSocket]) expect(await way(users(9))).toEqual({ data: body.data });
  });

  test('that has errors too is bounded like one without', async () => {
    const { status, body } = await graph.ask(
      '{ order(id: "1") { lines(first: 700) { product { broken name price } quantity } } }',
    );
    expect(status).toBe(400);
    expect(body.errors?.map(({ extensions }) => extensions.code)).toEqual(['ANSWER_TOO_LARGE']);
  });

  test('may hold exactly as many values as are allowed, and not one more', async () => {
    // Each user is an element of the list and two fields; `users` itself is one value.
    const most = Math.floor((maxAnswerValues - 1) / 3);
    expect((await graph.ask(users(most))).body.data.users).toHaveLength(most);
    expect((await graph.ask(users(most + 1))).body.errors?.[0].extensions.code).toBe('ANSWER_TOO_LARGE');
  });
});
