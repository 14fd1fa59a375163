import { randomUUID } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import { composeServices } from '@apollo/composition';
import { type DocumentNode, GraphQLError, parse } from 'graphql';
import { type CryptoKey, SignJWT, exportJWK, generateKeyPair } from 'jose';
import { type GatewayOptions, startGateway } from '../../gateway/server.ts';
import { authenticator } from '../../subgraphs/shared/auth/authenticator.ts';
import { grantService } from '../../subgraphs/shared/auth/grants.ts';
import { badUserInput, notFound } from '../../subgraphs/shared/errors/errors.ts';
import { httpLink } from '../../subgraphs/shared/calls/http-link.ts';
import type { SubgraphLink } from '../../subgraphs/shared/calls/link.ts';
import { type SubgraphName, subgraphNames } from '../../subgraphs/shared/values/subgraph-names.ts';
import { type Runtime, openRuntime } from '../../subgraphs/shared/process/runtime.ts';
import { serveSubgraph } from '../../subgraphs/shared/engine/serve-subgraph.ts';
import {
  type ResolverMap,
  type Route,
  type Subgraph,
  createEngine,
  jsonResponse,
} from '../../subgraphs/shared/engine/subgraph.ts';
import type { CallContext } from '../../subgraphs/shared/engine/prepare.ts';

const head =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@external", "@requires"])';

const typeDefs: Readonly<Record<SubgraphName, DocumentNode>> = {
  user: parse(`${head}
    type User @key(fields: "id") { id: ID! name: String! nickname: String secret: String! }
    type LoginPayload { tokens: Tokens }
    type Tokens { accessToken: String! }
    type Viewer { kind: String! id: ID app: String! address: String }
    type Query { viewer: Viewer! users(first: Int = 20): [User!]! user(id: ID!): User }
    input JobReference { id: ID name: String! }
    type Mutation { recordJobActs(action: String!, jobs: [JobReference!]!): Boolean! login(mobile: String!, password: String!): LoginPayload! logout: Boolean! rename(id: ID!, name: String!): User slowly(ms: Int!): Boolean! fail: Boolean }
  `),
  product: parse(`${head}
    type Product @key(fields: "id") { id: ID! name: String! kind: String! price: Int! seller: User must: String! broken: String }
    type User @key(fields: "id") { id: ID! products(first: Int = 20): [Product!]! }
    type Query { product(id: ID!): Product products(first: Int = 20): [Product!]! }
  `),
  order: parse(`${head}
    interface Note { text: String! }
    type PlainNote implements Note { text: String! }
    type ProductNote implements Note { text: String! product: Product! }
    type Order @key(fields: "id") { id: ID! number: String! customer: User! lines(first: Int = 20): [Line!]! notes: [Note!]! }
    type Line { quantity: Int! product: Product required: Product! }
    type User @key(fields: "id", resolvable: false) { id: ID! }
    type Product @key(fields: "id", resolvable: false) { id: ID! }
    type Change { seq: Int! order: Order! product: Product required: Product! note: Note }
    type Query { order(id: ID!): Order }
    type Subscription { changes(orderId: ID!): Change! change(orderId: ID!): Change }
  `),
  payment: parse(`${head}
    type Order @key(fields: "id") { id: ID! number: String! @external payments: [Payment!]! label: String! @requires(fields: "number") }
    type Payment { id: ID! amount: Int! payer: User! }
    type User @key(fields: "id", resolvable: false) { id: ID! }
    type Query { payment(id: ID!): Payment }
  `),
};

/** What the test subgraphs did and are told to do. */
export type Stage = {
  /** Emit an order's id with the change to push it to its subscribers. */
  readonly changes: EventEmitter;
  /** `_entities` representations that each subgraph was asked for, call by call. */
  readonly entityCalls: { service: SubgraphName; count: number }[];
  /** Subscriptions open at the order subgraph. */
  open: number;
  /** The subgraphs that refuse every connection. */
  readonly down: Set<string>;
  /** The subgraphs that take every request and never answer. */
  readonly hanging: Set<SubgraphName>;
  webhook: { body: string; headers: Record<string, unknown> } | undefined;
  /** How often the mutation "fail" ran. */
  mutations: number;
  /** What was written into the audit log about jobs: who, what and on which. */
  readonly jobActs: string[];
  /** How long the tokens of the mutation "login" last. */
  lifetimeSeconds: number;
};

type TestContext = CallContext & { readonly address: string | undefined };

const rolesByMobile: Readonly<Record<string, string>> = { staff: 'OPERATOR', admin: 'ADMIN' };

function resolversOf(
  stage: Stage,
  sessions: { issue: (roles: string[]) => Promise<string>; end: (sessionId: string) => void },
): Readonly<Record<SubgraphName, ResolverMap>> {
  const product = (id: string) => ({
    id,
    name: `Product ${id}`,
    kind: 'STOCKED',
    price: id.length,
    seller: { id: 'u1' },
  });
  const order = (id: string) => ({
    id,
    number: `N${id}`,
    customer: { id: 'u1' },
    lines: ({ first }: { first: number }) =>
      Array.from({ length: first }, (_, index) => ({
        quantity: index + 1,
        product: { id: `p${index % 3}` },
        required: { id: `p${index % 3}` },
      })),
    notes: [
      { __typename: 'PlainNote', text: 'plain' },
      { __typename: 'ProductNote', text: 'with product', product: { id: 'p9' } },
    ],
  });
  const subscribeChanges = (_: unknown, { orderId }: { orderId: string }) => {
    if (orderId === 'foreign') throw notFound('No such order.');
    stage.open += 1;
    const source = on(stage.changes, orderId);
    let open = true;
    const end = async () => {
      if (open) stage.open -= 1;
      open = false;
      await source.return?.();
      return { done: true as const, value: undefined };
    };
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        const { value, done } = (await source.next()) as IteratorResult<[unknown]>;
        if (!done && value[0] instanceof Error) {
          await end();
          throw value[0];
        }
        return done ? { done, value: undefined } : { done: false, value: value[0] };
      },
      return: end,
    };
  };
  return {
    user: {
      Query: {
        viewer: (_: unknown, __: unknown, { viewer, app, address }: TestContext) => ({
          kind: viewer.kind,
          id: viewer.kind === 'user' ? viewer.userId : null,
          app,
          address,
        }),
        users: (_: unknown, { first }: { first: number }) =>
          Array.from({ length: first }, (__, index) => ({ id: `u${index}`, name: `User ${index}` })),
        user: (_: unknown, { id }: { id: string }) => {
          if (id === 'none') throw notFound('No such user.');
          return { id, name: `User ${id}` };
        },
      },
      Mutation: {
        login: async (_: unknown, { mobile, password }: { mobile: string; password: string }) =>
          password === 'right'
            ? { tokens: { accessToken: await sessions.issue([rolesByMobile[mobile] ?? 'CUSTOMER']) } }
            : { tokens: null },
        logout: (_: unknown, __: unknown, { viewer }: TestContext) => {
          if (viewer.kind === 'user') sessions.end(viewer.sessionId);
          return true;
        },
        recordJobActs: (
          _: unknown,
          { action, jobs }: { action: string; jobs: readonly { name: string }[] },
          { viewer }: TestContext,
        ) => {
          for (const { name } of jobs)
            stage.jobActs.push(`${viewer.kind === 'user' ? viewer.userId : viewer.kind} ${action} ${name}`);
          return true;
        },
        rename: (_: unknown, { id, name }: { id: string; name: string }) => ({ id, name }),
        fail: () => {
          stage.mutations += 1;
          throw badUserInput('This mutation fails.');
        },
        slowly: (_: unknown, { ms }: { ms: number }) => new Promise((resolve) => setTimeout(resolve, ms, true)),
      },
      User: {
        __resolveReference: ({ id }: { id: string }) => (id === 'gone' ? null : { id, name: `User ${id}` }),
        secret: () => {
          throw new Error('password of the database: hunter2');
        },
      },
    },
    product: {
      Query: {
        product: (_: unknown, { id }: { id: string }) => product(id),
        products: (_: unknown, { first }: { first: number }) =>
          Array.from({ length: first }, (__, index) => product(`p${index}`)),
      },
      Product: {
        __resolveReference: ({ id }: { id: string }) => {
          if (id === 'gone') return null;
          if (id === 'bad') throw badUserInput('This product is bad.');
          return product(id);
        },
        must: () => null,
        broken: () => {
          throw badUserInput('This field is broken.');
        },
      },
      User: { __resolveReference: ({ id }: { id: string }) => ({ id }), products: () => [product('p1')] },
    },
    order: {
      Query: { order: (_: unknown, { id }: { id: string }) => (id === 'none' ? null : order(id)) },
      Order: { __resolveReference: ({ id }: { id: string }) => order(id) },
      Subscription: {
        changes: { subscribe: subscribeChanges, resolve: (change: object) => change },
        change: { subscribe: subscribeChanges, resolve: (change: object) => change },
      },
      Change: { order: ({ orderId }: { orderId: string }) => order(orderId) },
    },
    payment: {
      Query: { payment: (_: unknown, { id }: { id: string }) => ({ id, amount: 5, payer: { id: 'u2' } }) },
      Order: {
        __resolveReference: (reference: { id: string; number?: string }) => reference,
        payments: ({ id }: { id: string }) => [{ id: `pay-${id}`, amount: 500, payer: { id: 'u2' } }],
        label: ({ number }: { number: string }) => `order ${number}`,
      },
    },
  };
}

export type TestGraph = {
  readonly url: string;
  /** As composed from the subgraphs. */
  readonly supergraphSdl: string;
  readonly port: number;
  /** Where the subgraphs are served, over HTTP. */
  readonly subgraphPorts: readonly number[];
  readonly stage: Stage;
  readonly runtime: Runtime;
  readonly gateway: Awaited<ReturnType<typeof startGateway>>;
  /** An access token as the user subgraph signs them; claims and header can be bent. */
  token(
    claims?: Record<string, unknown>,
    bend?: {
      header?: Record<string, unknown>;
      key?: CryptoKey;
      /** Null: the token has no `exp`. */
      lifetimeSeconds?: number | null;
      /** Epoch seconds; null: the token has no `iat`. */
      issuedAt?: number | null;
      issuer?: string;
      audience?: string;
    },
  ): Promise<string>;
  /** POSTs an operation. */
  ask(
    query: string,
    variables?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: { data?: any; errors?: any[] }; headers: Headers }>; // eslint-disable-line typescript/no-explicit-any
  close(): Promise<void>;
};

type AddedTypeDefs = { readonly name: string; readonly typeDefs: DocumentNode };

/** The four small subgraphs, and others, as a supergraph. */
export function composeTestGraph(added: readonly AddedTypeDefs[] = []): string {
  const four = subgraphNames.map((name) => ({ name, typeDefs: typeDefs[name] }));
  const composed = composeServices([...four, ...added].map((one) => ({ ...one, url: '' })));
  if (composed.errors) throw new AggregateError(composed.errors);
  return composed.supergraphSdl;
}

/** A gateway over four small subgraphs, called in this process or over HTTP. */
export async function startTestGraph(options: {
  shape: 'in process' | 'over HTTP';
  env?: Record<string, string>;
  gateway?: Partial<GatewayOptions>;
  /** Subgraphs beside the four; where they are, `gateway.config.addedSubgraphs` says. */
  added?: readonly AddedTypeDefs[];
  /** Over HTTP: the link to use instead of the usual one to the subgraph at this origin. */
  linkOf?: (link: SubgraphLink, origin: string) => SubgraphLink;
}): Promise<TestGraph> {
  const stage: Stage = {
    changes: new EventEmitter().setMaxListeners(0),
    entityCalls: [],
    open: 0,
    down: new Set(),
    hanging: new Set(),
    webhook: undefined,
    mutations: 0,
    jobActs: [],
    lifetimeSeconds: 300,
  };
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'EdDSA', use: 'sig' };
  const token: TestGraph['token'] = (claims = {}, bend = {}) => {
    const now = Math.floor(Date.now() / 1_000);
    const iat = bend.issuedAt === undefined ? now : (bend.issuedAt ?? undefined);
    const exp = bend.lifetimeSeconds === null ? undefined : now + (bend.lifetimeSeconds ?? 300);
    return new SignJWT({ sid: 's1', roles: ['CUSTOMER'], sub: 'u1', iat, exp, ...claims })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1', ...bend.header })
      .setIssuer(bend.issuer ?? 'order-platform')
      .setAudience(bend.audience ?? 'order-platform-api')
      .sign(bend.key ?? privateKey);
  };

  const links = new Map<SubgraphName, SubgraphLink>();
  const env = {
    MYSQL_URL: 'mysql://unused:3306',
    REDIS_URL: process.env['TEST_REDIS_URL'],
    LOG_LEVEL: 'silent',
    DATABASE_PREFIX: `gw${process.pid}`,
    PORT: '0',
    GATEWAY_HOST: '127.0.0.1',
    PUBLIC_URL: 'http://localhost:4000',
    ...options.env,
  };
  const runtime = await openRuntime(env, { name: 'test', link: (name) => links.get(name) as SubgraphLink });
  const resolvers = resolversOf(stage, {
    issue: (roles) => token({ roles, sid: randomUUID() }, { lifetimeSeconds: stage.lifetimeSeconds }),
    end: (sessionId) => runtime.live.publish('auth-revoked', sessionId),
  });
  const closing: (() => Promise<void>)[] = [];
  const subgraphPorts: number[] = [];
  for (const name of subgraphNames) {
    const routes: Record<string, Route> =
      name === 'user'
        ? { 'GET /.well-known/jwks.json': async () => jsonResponse(200, { keys: [jwk] }) }
        : {
            'POST /webhooks/:provider': async (request, params) => {
              stage.webhook = { body: request.body.toString('latin1'), headers: request.headers };
              return params['provider'] === 'alipay'
                ? { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'success' }
                : jsonResponse(200, { provider: params['provider'] });
            },
          };
    const subgraph = await testSubgraph(name, { stage, runtime, resolvers: resolvers[name], routes });
    let link: SubgraphLink = subgraph;
    if (options.shape === 'over HTTP') {
      const served = await serveSubgraph(subgraph, {
        port: 0,
        host: '127.0.0.1',
        log: runtime.log,
      });
      subgraphPorts.push(served.port);
      const origin = `http://127.0.0.1:${served.port}`;
      const usual = httpLink(name, origin);
      link = options.linkOf?.(usual, origin) ?? usual;
      closing.push(async () => {
        await link.close();
        await served.close();
      });
    }
    links.set(name, breakable(link, stage));
  }
  const supergraphSdl = composeTestGraph(options.added);
  const gateway = await startGateway(runtime, {
    link: (name) => links.get(name) as SubgraphLink,
    supergraphSdl,
    ...options.gateway,
  });
  const url = `http://127.0.0.1:${gateway.port}`;
  return {
    url, port: gateway.port, supergraphSdl, subgraphPorts, stage, runtime, gateway, token,
    async ask(query, variables = {}, headers = {}) {
      const response = await fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ query, variables }) });
      return { status: response.status, headers: response.headers, body: (await response.json()) as { data?: unknown; errors?: [] } };
    },
    async close() {
      await gateway.close();
      await Promise.all(closing.map((close) => close()));
      await runtime.close();
    },
  }; // prettier-ignore
}

async function testSubgraph(
  name: SubgraphName,
  options: { stage: Stage; runtime: Runtime; resolvers: ResolverMap; routes: Record<string, Route> },
): Promise<Subgraph> {
  const { stage, runtime } = options;
  const { redis, config, log, metrics, now } = runtime;
  const reseed = () =>
    grantService(redis, { app: 'gateway', service: name, token: config.serviceTokens.get('gateway') as string });
  await reseed();
  let address: string | undefined;
  const authenticate = authenticator({
    service: name,
    redis,
    identitySecret: config.identitySecret,
    strict: true,
    now,
    reseed,
  });
  const engine = createEngine<TestContext>({
    name,
    typeDefs: typeDefs[name],
    resolvers: options.resolvers,
    authenticate: async (headers) => {
      if (stage.hanging.has(name)) await new Promise(() => undefined);
      address = headers['x-client-address'] as string | undefined;
      return authenticate(headers);
    },
    context: (call) => ({ ...call, address }),
    routes: options.routes,
    log,
    metrics,
  });
  return {
    ...engine,
    execute(request) {
      const { representations } = (request.variables ?? {}) as { representations?: unknown[] };
      if (representations) stage.entityCalls.push({ service: name, count: representations.length });
      return engine.execute(request);
    },
    startWorker: async () => undefined,
    ready: async () => undefined,
    close: async () => undefined,
  };
}

/** A link that can't reach its subgraph while the stage says so. */
function breakable(link: SubgraphLink, stage: Stage): SubgraphLink {
  const gone = async () => {
    throw new GraphQLError(`The ${link.name} service can't be reached (ECONNREFUSED).`, {
      extensions: { code: 'SERVICE_UNAVAILABLE', http: { status: 503 } },
    });
  };
  return {
    ...link,
    execute: (request) => (stage.down.has(link.name) ? gone() : link.execute(request)),
    raw: (request) => (stage.down.has(link.name) ? gone() : link.raw(request)),
  };
}
