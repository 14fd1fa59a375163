/** The subgraphs of the gateway's benchmark, all in this process, each on a port of its own; prints the ports. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, parse } from 'graphql';
import { LRUCache } from 'lru-cache';
import { resolversOf, subgraphNames, typeDefs } from './graph.ts';

/** The argument: the key that the users subgraph publishes, as the platform's does. */
const [jwk = '{}'] = process.argv.slice(2);
const maxAnswers = 20_000;

const ports: Record<string, number> = {};
for (const name of subgraphNames) {
  const schema = buildSubgraphSchema([{ typeDefs: parse(typeDefs[name]), resolvers: resolversOf(name) as Parameters<typeof buildSubgraphSchema>[0] extends readonly (infer Module)[] ? Module extends { resolvers?: infer Resolvers } ? Resolvers : never : never }]); // prettier-ignore
  /** The same request has the same answer: what is measured is the gateway, not graphql-js. */
  const answers = new LRUCache<string, string>({ max: maxAnswers });
  const answer = async (body: string): Promise<string> => {
    const { query, variables } = JSON.parse(body) as { query: string; variables?: Record<string, unknown> };
    return JSON.stringify(await execute({ schema, document: parse(query), variableValues: variables ?? {} }));
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    const send = (text: string) => response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text); // prettier-ignore
    if (request.url === '/.well-known/jwks.json') return send(`{"keys":[${jwk}]}`);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const known = answers.get(body);
      if (known !== undefined) return send(known);
      answer(body).then(
        (text) => {
          answers.set(body, text);
          return send(text);
        },
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
      return undefined;
    });
    return undefined;
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ports[name] = (server.address() as AddressInfo).port;
}
console.log(JSON.stringify(ports));
