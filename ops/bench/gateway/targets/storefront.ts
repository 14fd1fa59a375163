/**
 * Other gateways before the platform's own subgraphs: `stock`, @apollo/gateway in @apollo/server as documented,
 * `stock-undici`, the same with a data source on undici, and `floor`, the requests that ours sends. All know callers and
 * tell the subgraphs by the same code as ours.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { ApolloGateway, type GraphQLDataSource, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { remoteKeySet, tokenVerifier } from '../../../../gateway/callers/access-tokens.ts';
import { type Caller, callerHeadersOf } from '../../../../gateway/callers/caller.ts';
import { createExecutor } from '../../../../gateway/execute/executor.ts';
import type { SubgraphResponse } from '../../../../gateway/execute/types.ts';
import { openRevokedSessions } from '../../../../gateway/callers/revoked-sessions.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import type { Headers as CallerHeaders } from '../../../../subgraphs/shared/auth/caller-headers.ts';
import { httpLinks } from '../../../../subgraphs/shared/calls/http-links.ts';
import { openRuntime } from '../../../../subgraphs/shared/process/runtime.ts';
import { type Post, openPost } from '../transport.ts';

const variant = process.argv[2];
const port = Number(process.env['PORT']);
const supergraphSdl = readFileSync(new URL('../../../../schema/supergraph.graphql', import.meta.url), 'utf8');
const { link } = await httpLinks(process.env, () => undefined);
const runtime = await openRuntime(process.env, { name: `bench-${variant}`, link });
const { now, config } = runtime;
const verifier = tokenVerifier({ keys: remoteKeySet({ user: () => link('user'), now }), revoked: await openRevokedSessions(runtime), now }); // prettier-ignore
const headersOf = callerHeadersOf({ token: config.serviceTokens.get('gateway') ?? '', identitySecret: config.identitySecret, now }); // prettier-ignore

async function callerOf(authorization: string | undefined): Promise<CallerHeaders> {
  const signedIn = await verifier.verify(authorization);
  const caller: Caller = { ...signedIn, address: '127.0.0.1', traceId: newId().replaceAll('-', '') };
  return (await headersOf(caller)).headers;
}

const originOf = (name: string): string => process.env[`${name.toUpperCase()}_URL`] ?? '';

type Context = { readonly headers: CallerHeaders };

class SignedDataSource extends RemoteGraphQLDataSource<Context> {
  override willSendRequest({ request, context }: Parameters<NonNullable<RemoteGraphQLDataSource<Context>['willSendRequest']>>[0]): void {
    for (const [name, value] of Object.entries(context.headers ?? {}))
      if (typeof value === 'string') request.http?.headers.set(name, value);
  }
} // prettier-ignore

function undiciDataSource(name: string): GraphQLDataSource<Context> {
  const { post } = openPost(originOf(name));
  return {
    async process({ request: { query, variables, operationName }, context }) {
      const text = await post(JSON.stringify({ query, variables, operationName }), context.headers as Record<string, string>); // prettier-ignore
      return JSON.parse(text) as Awaited<ReturnType<GraphQLDataSource['process']>>;
    },
  };
}

async function stock(dataSource: (name: string) => GraphQLDataSource<Context>): Promise<void> {
  const gateway = new ApolloGateway({ supergraphSdl, buildService: ({ name }) => dataSource(name) });
  const server = new ApolloServer<Context>({ gateway });
  const context = async ({ req }: { req: { headers: { authorization?: string } } }) => ({ headers: await callerOf(req.headers.authorization) }); // prettier-ignore
  await startStandaloneServer(server, { listen: { port, host: '127.0.0.1' }, context });
}

/** Learns the waves of requests of each operation at its first call, and repeats them. */
async function floor(): Promise<void> {
  const posts = new Map<string, Post>();
  const postTo = (name: string, body: string, headers: Record<string, string>): Promise<string> => {
    const post = posts.get(name) ?? openPost(originOf(name)).post;
    posts.set(name, post);
    return post(body, headers);
  };
  type Wave = { readonly name: string; readonly body: string }[];
  let waves: Wave[] = [];
  let waiting = 0;
  const executor = createExecutor<Record<string, string>>({
    supergraphSdl,
    fetch: async (name, { body, context }) => {
      if (waiting++ === 0) waves.push([]);
      waves.at(-1)?.push({ name, body: body() });
      const text = await postTo(name, body(), context);
      await new Promise((resolve) => setTimeout(resolve, 20));
      waiting--;
      return JSON.parse(text) as SubgraphResponse;
    },
  });
  const known = new Map<string, { waves: Wave[]; answer: unknown }>();
  async function learn(text: string, headers: Record<string, string>) {
    const { query, variables } = JSON.parse(text) as { query: string; variables?: Record<string, unknown> };
    waves = [];
    const learnt = { answer: await executor.execute({ query, variables, context: headers }), waves };
    known.set(text, learnt);
    return learnt;
  }
  createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    const answer = async (): Promise<void> => {
      const text = Buffer.concat(chunks).toString();
      JSON.parse(text);
      const headers = (await callerOf(request.headers.authorization)) as Record<string, string>;
      const found = known.get(text) ?? (await learn(text, headers));
      for (const wave of found.waves)
        await Promise.all(wave.map(async ({ name, body }) => JSON.parse(await postTo(name, body, headers)) as unknown));
      const answered = JSON.stringify(found.answer);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answered) }).end(answered); // prettier-ignore
    };
    request.on('end', () => {
      answer().catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
  }).listen(port, '127.0.0.1');
}

const starts: Readonly<Record<string, () => Promise<void>>> = {
  stock: () => stock((name) => new SignedDataSource({ url: `${originOf(name)}/graphql` })),
  'stock-undici': () => stock(undiciDataSource),
  floor,
};
const start = starts[variant ?? ''];
if (!start) throw new Error(`Unknown variant: ${variant}.`);
await start();
process.once('SIGTERM', () => process.exit());
