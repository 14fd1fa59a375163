/**
 * An executor of the benchmark behind a front that does no more than it must: node:http, one JSON body, documents
 * known by their text. All of them have the same front, and but for `floor-own` the same connections to the subgraphs.
 */
import { createServer } from 'node:http';
import { ApolloGateway, type GraphQLDataSource } from '@apollo/gateway';
import { type DocumentNode, parse, validate } from 'graphql';
import { createExecutor } from '../../../../gateway/execute/executor.ts';
import type { SubgraphResponse } from '../../../../gateway/execute/types.ts';
import { deadlineIn, defaultTimeoutMs } from '../../../../subgraphs/shared/time/deadline.ts';
import { headerLines, openTransport } from '../../../../subgraphs/shared/http/transport.ts';
import { queries } from '../graph.ts';
import { type Post, openPost } from '../transport.ts';
import { readGiven } from './given.ts';

type Request = {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string;
};
/** Answers with the text of the response. */
type Gateway = (request: Request) => Promise<string>;

const { variant, port: listenPort, ports, supergraphSdl } = readGiven();
const posts = new Map<string, Post>(
  Object.entries(ports).map(([name, port]) => {
    const origin = `http://127.0.0.1:${port}`;
    return [name, variant === 'floor-own' ? postByOwn(origin) : openPost(origin).post];
  }),
);

/** By the connections that the gateway itself has. */
function postByOwn(origin: string): Post {
  const { send } = openTransport(origin);
  const headers = headerLines([['content-type', 'application/json'], ['accept', 'application/json']]); // prettier-ignore
  return async (body) =>
    (await send({ method: 'POST', path: '/graphql', headers, body, deadline: deadlineIn(defaultTimeoutMs) })).body;
}

function postTo(name: string, body: string): Promise<string> {
  const post = posts.get(name);
  if (!post) throw new Error(`no subgraph ${name}`);
  return post(body);
}

function ours(generateCode: boolean): Gateway {
  const executor = createExecutor<null>({
    supergraphSdl,
    fetch: async (name, { body }) => JSON.parse(await postTo(name, body())) as SubgraphResponse,
    generateCode,
  });
  return async ({ query, operationName, variables }) =>
    JSON.stringify(await executor.execute({ query, operationName, variables, context: null }));
}

async function apolloExecutor(): Promise<Gateway> {
  const gateway = new ApolloGateway({
    supergraphSdl,
    buildService: ({ name }): GraphQLDataSource => ({
      process: async ({ request: { query, variables, operationName } }) =>
        JSON.parse(await postTo(name, JSON.stringify({ query, variables, operationName }))) as Awaited<ReturnType<GraphQLDataSource['process']>>, // prettier-ignore
    }),
    logger: { debug: () => undefined, info: () => undefined, warn: console.warn, error: console.error },
  });
  const { schema } = await gateway.load();
  const documents = new Map<string, DocumentNode>();
  return async ({ query, variables = {}, operationName }) => {
    let document = documents.get(query);
    if (!document) {
      document = parse(query);
      if (validate(schema, document).length > 0) throw new Error('invalid');
      documents.set(query, document);
    }
    const context = { request: { query, variables, ...(operationName && { operationName }) }, document, queryHash: query, schema, context: {}, metrics: {}, logger: console }; // prettier-ignore
    return JSON.stringify(await gateway.executor(context as unknown as Parameters<ApolloGateway['executor']>[0]));
  };
}

/** The requests that our executor sends for the queries, sent as constants; JSON is read and written as it must be. */
async function floor(): Promise<Gateway> {
  let waves: { name: string; body: string }[][] = [];
  let waiting = 0;
  const executor = createExecutor<null>({
    supergraphSdl,
    fetch: async (name, { body }) => {
      if (waiting++ === 0) waves.push([]);
      waves.at(-1)?.push({ name, body: body() });
      const text = await postTo(name, body());
      await new Promise((resolve) => setTimeout(resolve, 20));
      waiting--;
      return JSON.parse(text) as SubgraphResponse;
    },
  });
  const known = new Map<string, { waves: typeof waves; answer: unknown }>();
  for (const query of ['{ __typename }', ...Object.values(queries)]) {
    waves = [];
    const answer = await executor.execute({ query, context: null });
    known.set(query, { waves, answer });
  }
  return async ({ query }) => {
    const found = known.get(query);
    if (!found) throw new Error('the floor knows its queries only');
    for (const wave of found.waves)
      await Promise.all(wave.map(async ({ name, body }) => JSON.parse(await postTo(name, body)) as unknown));
    return JSON.stringify(found.answer);
  };
}

const makers: Record<string, () => Gateway | Promise<Gateway>> = {
  ours: () => ours(true),
  closures: () => ours(false),
  'apollo-executor': apolloExecutor,
  floor,
  'floor-own': floor,
};
const gateway = await makers[variant]?.();
if (!gateway) throw new Error(`unknown variant ${variant}`);
createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    gateway(JSON.parse(Buffer.concat(chunks).toString()) as Request).then(
      (text) => response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text), // prettier-ignore
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
}).listen(listenPort, '127.0.0.1');
// An exit of its own, so that a profile gets written.
process.once('SIGTERM', () => process.exit());
