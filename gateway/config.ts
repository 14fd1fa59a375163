import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import type { AdmissionLimits } from './turns/admission.ts';
import type { ConnectionLimits } from './front/connection-gate.ts';
import { defaultTimeoutMs, maxTimeoutMs } from '../subgraphs/shared/time/deadline.ts';
import { ConfigError, type Env, integer, readEnv, url } from '../subgraphs/shared/process/env.ts';
import { type AddedSubgraph, checkAddresses, composedSupergraph, readAddedSubgraphs, subgraphsOf } from './supergraph/added-subgraphs.ts'; // prettier-ignore

/** The gateway's own configuration, beside the platform's. docs/configuration.md lists the variables. */
export type GatewayConfig = {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Origins, beside the platform's own, whose pages may call the API and open sockets. */
  readonly allowedOrigins: readonly string[];
  readonly introspection: boolean;
  /** How many proxies of ours stand in front and append to `x-forwarded-for`; 0 ignores the header. */
  readonly trustedProxyHops: number;
  /** Sockets that an address may have open without a sign-in; many people may share one. */
  readonly anonymousSocketsPerAddress: number;
  readonly connections: ConnectionLimits;
  readonly admission: AdmissionLimits;
  /** Subgraphs beside the platform's own. */
  readonly addedSubgraphs: readonly AddedSubgraph[];
  /** Another supergraph than `schema/supergraph.graphql`, an absolute path; read again at SIGHUP. */
  readonly supergraphPath: string | undefined;
  /** A persisted query manifest; unset: that of `schema/operations`. */
  readonly trustedDocumentsPath: string | undefined;
  /** Keep answers to anonymous queries that the schema's hints allow to keep. */
  readonly responseCache: boolean;
  /** Execute no other documents. */
  readonly trustedDocumentsOnly: boolean;
  /** Where the simulated payment provider listens; unset in production. */
  readonly simulatedProviderUrl: string | undefined;
  /** Build of the browser pages, an absolute path; unset: no pages are served. */
  readonly pagesDir: string | undefined;
  /** What the shop is called, on its pages. */
  readonly shopName: string;
  /** Where Stripe's script is, for its form in the shop's pages; undefined: Stripe is not set up for them. */
  readonly stripeScript: string | undefined;
  /** Where staff see a request's trace, with `{traceId}` in the place of its id; '' for nowhere. */
  readonly traceUrl: string;
  /** In which its pages are for readers whose browser wants no language that there is. */
  readonly defaultLanguage: 'en' | 'de';
  /** How long an operation may take; what is not there by then is missing from its answer. */
  readonly operationTimeoutMs: number;
  /** How long readiness says no before the port closes, so that a load balancer can look away first. */
  readonly drainDelayMs: number;
};

const maxTrustedProxyHops = 5;
/** More does not fit into the head of a phone's page. */
const maxShopName = 40;
/** Placing an order may wait 3 s for its outcome. */
const minOperationTimeoutMs = 5_000;
const maxDrainDelayMs = 60_000;
/** As many as a gateway takes at all. */
const maxAnonymousSocketsPerAddress = 20_000;

const maxConnections = 1_000_000;
/** Many people may share an address, each with some connections. */
const connectionsPerAddress = 500;
const maxOperations = 100_000;
const maxOperationWaitMs = 60_000;

/** Throws ConfigError naming the variable and the mend. */
export function readGatewayConfig(env: Env): GatewayConfig {
  const given = readEnv(env, {
    PORT: integer(0, 65_535).default(4000),
    GATEWAY_HOST: z.string().optional().describe('address to listen on'),
    ALLOWED_ORIGINS: z
      .string()
      .default('')
      .refine((text) => listed(text).every(isOrigin), {
        error: ({ input }) =>
          `${listed(String(input)).find((text) => !isOrigin(text))} is not an origin such as https://shop.example`,
      }),
    INTROSPECTION: z.enum(['true', 'false']).default('true'),
    TRUSTED_PROXY_HOPS: integer(0, maxTrustedProxyHops).default(0),
    ANONYMOUS_SOCKETS_PER_ADDRESS: integer(1, maxAnonymousSocketsPerAddress).default(50),
    MAX_CONNECTIONS: integer(1, maxConnections).default(20_000),
    MAX_CONNECTIONS_PER_ADDRESS: integer(1, maxConnections).optional(),
    MAX_OPERATIONS: integer(1, maxOperations).default(500),
    MAX_OPERATIONS_PER_CLIENT: integer(1, maxOperations).default(100),
    MAX_WAITING_OPERATIONS: integer(0, maxOperations).default(1_000),
    OPERATION_WAIT_MS: integer(1, maxOperationWaitMs).default(10_000),
    RESPONSE_CACHE: z.enum(['true', 'false']).default('false'),
    TRUSTED_DOCUMENTS: z.string().optional(),
    TRUSTED_DOCUMENTS_ONLY: z.enum(['true', 'false']).default('false'),
    SIMULATED_PROVIDER_URL: url('http', 'https').optional(),
    PAGES_DIR: z.string().optional(),
    SHOP_NAME: z.string().trim().min(1, 'is empty').max(maxShopName, `has more than ${maxShopName} characters`).default('Good things'), // prettier-ignore
    STRIPE_PUBLISHABLE_KEY: z.string().optional(),
    STRIPE_JS_URL: url('http', 'https').default('https://js.stripe.com/v3/'),
    TRACE_URL: url('http', 'https').refine((text) => text.includes('{traceId}'), 'has no {traceId} for the id of the trace').optional(), // prettier-ignore
    DEFAULT_LOCALE: z.enum(['EN', 'DE']).default('EN'),
    SUPERGRAPH_PATH: z.string().optional(),
    OPERATION_TIMEOUT_MS: integer(minOperationTimeoutMs, maxTimeoutMs).default(defaultTimeoutMs),
    DRAIN_DELAY_MS: integer(0, maxDrainDelayMs).default(0),
  });
  if (env['NODE_ENV'] === 'production' && !given.STRIPE_JS_URL.startsWith('https:'))
    throw new ConfigError('STRIPE_JS_URL: must be an https URL when NODE_ENV=production.');
  const addedSubgraphs = readAddedSubgraphs(env);
  const supergraphPath = given.SUPERGRAPH_PATH ?? (addedSubgraphs.length > 0 ? composedSupergraph : undefined);
  if (given.SUPERGRAPH_PATH === undefined && supergraphPath !== undefined && !existsSync(supergraphPath))
    throw new ConfigError(notComposed(addedSubgraphs, supergraphPath));
  if (supergraphPath !== undefined) checkSupergraph(supergraphPath, addedSubgraphs);
  if (given.TRUSTED_DOCUMENTS !== undefined) readText('TRUSTED_DOCUMENTS', given.TRUSTED_DOCUMENTS);
  return {
    // The keys of development are known to everybody.
    host: given.GATEWAY_HOST ?? (env['NODE_ENV'] === 'production' ? '0.0.0.0' : '127.0.0.1'),
    port: given.PORT,
    allowedOrigins: listed(given.ALLOWED_ORIGINS).map((text) => new URL(text).origin),
    introspection: given.INTROSPECTION === 'true',
    trustedProxyHops: given.TRUSTED_PROXY_HOPS,
    anonymousSocketsPerAddress: given.ANONYMOUS_SOCKETS_PER_ADDRESS,
    connections: {
      ofAll: given.MAX_CONNECTIONS,
      // Behind proxies of ours all connections come from a few addresses.
      perAddress: given.MAX_CONNECTIONS_PER_ADDRESS ?? (given.TRUSTED_PROXY_HOPS > 0 ? Infinity : connectionsPerAddress),
    },
    admission: {
      maxRunning: given.MAX_OPERATIONS,
      maxRunningPerClient: given.MAX_OPERATIONS_PER_CLIENT,
      maxQueued: given.MAX_WAITING_OPERATIONS,
      maxWaitMs: given.OPERATION_WAIT_MS,
    },
    responseCache: given.RESPONSE_CACHE === 'true',
    trustedDocumentsPath: given.TRUSTED_DOCUMENTS,
    trustedDocumentsOnly: given.TRUSTED_DOCUMENTS_ONLY === 'true',
    simulatedProviderUrl: given.SIMULATED_PROVIDER_URL?.replace(/\/$/, ''),
    pagesDir: given.PAGES_DIR,
    shopName: given.SHOP_NAME,
    stripeScript: given.STRIPE_PUBLISHABLE_KEY === undefined ? undefined : given.STRIPE_JS_URL,
    traceUrl: given.TRACE_URL ?? '',
    defaultLanguage: given.DEFAULT_LOCALE === 'DE' ? 'de' : 'en',
    addedSubgraphs,
    supergraphPath,
    operationTimeoutMs: given.OPERATION_TIMEOUT_MS,
    drainDelayMs: given.DRAIN_DELAY_MS,
  }; // prettier-ignore
}

/** What composition gives, and no other schema, has the subgraphs as an enum. */
function checkSupergraph(path: string, added: readonly AddedSubgraph[]): void {
  const text = readText('SUPERGRAPH_PATH', path);
  let names: readonly string[] = [];
  try {
    names = subgraphsOf(text);
  } catch {
    // not GraphQL: refused below like any other text
  }
  if (names.length === 0) throw new ConfigError(`SUPERGRAPH_PATH: ${path} is not a supergraph.`);
  checkAddresses(added, { path, names });
}

const notComposed = (added: readonly AddedSubgraph[], path: string): string =>
  `GRAPH_SUBGRAPHS: names ${added.map(({ name }) => name).join(', ')}, and there is no supergraph with it at ${path} yet; run npm run compose -- ${added.map(({ name }) => `--add ${name}=<file of its schema>`).join(' ')}, or set SUPERGRAPH_PATH.`;

function readText(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`${variable}: ${path} can't be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

const listed = (text: string): readonly string[] => text.split(',').map((one) => one.trim()).filter(Boolean); // prettier-ignore

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin !== 'null';
