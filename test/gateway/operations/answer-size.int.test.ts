import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

const maxAnswerValues = 2_000;
const maxAnswerBytes = 64 * 1024;
const limits = {
  MAX_ANSWER_VALUES: String(maxAnswerValues),
  MAX_ANSWER_BYTES: String(maxAnswerBytes),
  TRUSTED_PROXY_HOPS: '1',
};

let clients = 0;
/** Headers of a client that has asked for nothing yet. */
const anotherClient = () => ({ 'x-forwarded-for': `203.0.113.${(clients += 1)}` });

const users = (first: number) => `{ users(first: ${first}) { id name } }`;
const longId = 'x'.repeat(maxAnswerBytes / 12);
const aliases = Array.from({ length: 15 }, (_, index) => `a${index}: name`).join(' ');

describe.each(['in process', 'over HTTP'] as const)('an answer, with subgraphs called %s,', (shape) => {
  let graph: TestGraph;
  beforeAll(async () => {
    graph = await startTestGraph({ shape, env: limits });
  });
  afterAll(() => graph.close());

  type Body = { data?: unknown; errors?: readonly { extensions?: { code?: unknown } }[] };
  const overSocket = async (query: string, headers = anotherClient()): Promise<Body> => {
    class Socket extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { headers });
      }
    }
    const client = createClient({ url: `${graph.url.replace('http', 'ws')}/graphql`, webSocketImpl: Socket });
    try {
      for await (const result of client.iterate({ query })) return result;
    } finally {
      await client.dispose();
    }
    throw new Error('no answer');
  };
  const overStream = async (query: string, headers = anotherClient()): Promise<Body> => {
    const response = await fetch(`${graph.url}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
      body: JSON.stringify({ query }),
    });
    const data = /^data: ?(\{.*)$/m.exec(await response.text())?.[1];
    return JSON.parse(data ?? '{}') as Body;
  };
  const byGet = async (query: string, headers = anotherClient()): Promise<Body> =>
    (await fetch(`${graph.url}/graphql?query=${encodeURIComponent(query)}`, { headers })).json() as Promise<Body>;
  const ask = (query: string, headers = anotherClient()) => graph.ask(query, {}, headers);
  const codes = ({ errors }: Body) => errors?.map(({ extensions }) => extensions?.code);

  const tooLarge: Record<string, string> = {
    'of a long list': users(1_000),
    'of one entity at many places': '{ order(id: "1") { lines(first: 700) { required { id name price } quantity } } }',
    'of a long text many times': `{ product(id: "${longId}") { ${aliases} } }`,
  };
  test.each(Object.entries(tooLarge))('%s, is refused as ANSWER_TOO_LARGE on each way in', async (_, query) => {
    const { status, body } = await ask(query);
    expect(body.errors).toEqual([expect.objectContaining({ extensions: expect.objectContaining({ code: 'ANSWER_TOO_LARGE' }) })]); // prettier-ignore
    expect(body.data ?? null).toBeNull();
    expect(status).toBe(400);
    for (const way of [byGet, overStream, overSocket]) expect(codes(await way(query))).toEqual(['ANSWER_TOO_LARGE']);
  });

  test('that keeps the limits is given on each way in, also beside those that do not', async () => {
    const [refused, { body }] = await Promise.all([ask(users(1_000)), ask(users(9))]);
    expect(refused.status).toBe(400);
    expect(body.errors).toBeUndefined();
    for (const way of [byGet, overStream, overSocket]) expect(await way(users(9))).toEqual({ data: body.data });
  });

  test('that has errors too is bounded like one without', async () => {
    const { status, body } = await ask(
      '{ order(id: "1") { lines(first: 700) { product { broken name price } quantity } } }',
    );
    expect(status).toBe(400);
    expect(body.errors?.map(({ extensions }) => extensions.code)).toEqual(['ANSWER_TOO_LARGE']);
  });

  test('may hold exactly as many values as are allowed, and not one more', async () => {
    // Each user is an element of the list and two fields; `users` itself is one value.
    const most = Math.floor((maxAnswerValues - 1) / 3);
    expect((await ask(users(most))).body.data.users).toHaveLength(most);
    expect((await ask(users(most + 1))).body.errors?.[0].extensions.code).toBe('ANSWER_TOO_LARGE');
  });

  test('that is too large several times makes its client wait, on each way in, and nobody else', async () => {
    const headers = anotherClient();
    const flood = Array.from({ length: 6 }, () => ask(users(1_000), headers));
    await Promise.race(flood);
    // Before them in the line is one that waits four seconds, and others that will; a place in it is kept for five.
    const late = [byGet, overStream, overSocket].map((way) => way(users(1), headers));
    const { status, body, headers: answered } = await ask(users(1), headers);
    expect([status, codes(body), answered.get('retry-after')]).toEqual([503, ['OVERLOADED'], '1']);
    for (const one of late) expect(codes(await one)).toEqual(['OVERLOADED']);
    expect((await ask(users(1))).body.errors).toBeUndefined();
    await Promise.all(flood);
  });
});
