/**
 * One gateway of the benchmark as a process: `node gateway-target.ts <variant> <ports as JSON>`; prints its port.
 * All variants have the same front (node:http, one JSON body, parsed documents kept) and the same connections.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { composeServices } from '@apollo/composition';
import { ApolloGateway, type GraphQLDataSource } from '@apollo/gateway';
import { type DocumentNode, parse, validate } from 'graphql';
import { createExecutor } from '../../gateway/execute/executor.ts';
import type { SubgraphResponse } from '../../gateway/execute/types.ts';
import { type QueryName, queries, subgraphNames, typeDefs } from './gateway-graph.ts';
import { type Post, openPost } from './gateway-transport.ts';

type Request = {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string;
};
/** Answers with the text of the response. */
type Gateway = (request: Request) => Promise<string>;

const [variant = '', portsText = '{}'] = process.argv.slice(2);
const ports = JSON.parse(portsText) as Record<string, number>;
const posts = new Map<string, Post>(
  Object.entries(ports).map(([name, port]) => [name, openPost(`http://127.0.0.1:${port}`).post]),
);
const composed = composeServices(subgraphNames.map((name) => ({ name, typeDefs: parse(typeDefs[name]), url: '' })));
if (composed.errors) throw new Error(composed.errors.map(({ message }) => message).join('\n'));
const { supergraphSdl } = composed;

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

async function stock(): Promise<Gateway> {
  process.env['APOLLO_TELEMETRY_DISABLED'] = 'true';
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
  for (const name of Object.keys(queries) as QueryName[]) {
    waves = [];
    const answer = await executor.execute({ query: queries[name], context: null });
    known.set(queries[name], { waves, answer });
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
  stock,
  floor,
};
const gateway = await makers[variant]?.();
if (!gateway) throw new Error(`unknown variant ${variant}`);
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    gateway(JSON.parse(Buffer.concat(chunks).toString()) as Request).then(
      (text) => response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text), // prettier-ignore
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify((server.address() as AddressInfo).port)));
