import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import express, { type RequestHandler } from 'express';
import { type SubgraphLink, serviceCaller } from '../subgraphs/shared/calls/link.ts';
import { type SubgraphName, subgraphNames } from '../subgraphs/shared/values/subgraph-names.ts';
import { collectGarbage } from '../subgraphs/shared/process/memory.ts';
import { processChecks } from '../subgraphs/shared/process/process-checks.ts';
import { checkFirst } from '../subgraphs/shared/process/refuse-start.ts';
import { runProcess } from '../subgraphs/shared/process/run-process.ts';
import { NotReady, checkReady, findAway, readyTimeoutMs, sparingly } from '../subgraphs/shared/process/readiness.ts';
import { type Runtime, openRuntime } from '../subgraphs/shared/process/runtime.ts';
import type { Logger } from '../subgraphs/shared/process/telemetry.ts';
import { httpLinks } from '../subgraphs/shared/calls/http-links.ts';
import { openOperationsPort } from '../subgraphs/shared/process/operations-port.ts';
import { closeServer, inTurn, limitedServer, listen } from '../subgraphs/shared/http/server.ts';
import { answerOperations } from '../subgraphs/shared/http/operations.ts';
import { openAdmission } from './turns/admission.ts';
import { openAnswerAllowance } from './turns/answer-allowance.ts';
import { remoteKeySet, tokenVerifier } from './callers/access-tokens.ts';
import { clientAddress } from './callers/caller.ts';
import { type GatewayConfig, readGatewayConfig } from './config.ts';
import { limitConnections } from './front/connection-gate.ts';
import { openConnections } from './front/connections.ts';
import { readMaxDescriptors, streamsWithin } from './front/descriptors.ts';
import { refusal } from './errors.ts';
import { type EventStreamOptions, eventStreams } from './front/event-streams.ts';
import type { Graph } from './supergraph/reloadable.ts';
import { type ServedGraph, openServedGraph } from './supergraph/served-graph.ts';
import { apiSecurityHeaders, commonHeaders, crossOrigin, crossOriginHeaders } from './front/headers.ts';
import { answerErrors, openGraphqlHttp } from './front/http.ts';
import { openJobLog } from './pages/job-log.ts';
import { jobsPage } from './pages/jobs-page.ts';
import { openOperationReader } from './operations/read-operation.ts';
import { admitBy, admittedOperations } from './operations/run-operation.ts';
import { allowedOrigins } from './front/origins.ts';
import { openNewcomers } from './turns/new-documents.ts';
import { openOutgoing } from './front/outgoing.ts';
import { openFirstShelf } from './pages/first-content.ts';
import { openProductHeads } from './pages/product-heads.ts';
import { mountPages, openGraphiql } from './pages/serve-pages.ts';
import { openSitemap } from './pages/sitemap.ts';
import { openPersistedQueries } from './documents/persisted-queries.ts';
import { showPrepared } from './supergraph/prepared-gauge.ts';
import { simulatedProvider, webhooks } from './front/proxies.ts';
import { openResponseCache } from './cache/response-cache.ts';
import { openRevokedSessions } from './callers/revoked-sessions.ts';
import { openSockets, refuseUpgrade } from './front/sockets.ts';
import { openSubscriptions } from './streams/subscriptions.ts';
import { isReadableHead, jsonObjectIn, originFormOf } from './front/text.ts';
import { type TrustedDocuments, compileAhead, readAll, readTrustedDocuments } from './documents/trusted-documents.ts';
import { type WebhookGate, openWebhookGate } from './front/webhook-gate.ts';

/** A gateway that answers. */
export type Gateway = {
  readonly port: number;
  /** Where this process serves its metrics. */
  readonly metricsPort: number;
  /** Rejects with the reason when a subgraph or Redis doesn't answer, or the gateway is closing. */
  ready(): Promise<void>;
  /**
   * Serves what the supergraph's file holds now, or `sdl`; streams go on. Rejects, and serves what it did, for one that can't be
   * loaded or that a trusted document doesn't fit.
   */
  reload(sdl?: string): Promise<void>;
  /** Takes nothing new, lets running requests end, tells sockets to come back elsewhere. The subgraphs stay open. */
  close(): Promise<void>;
};

export type GatewayOptions = {
  /** To the platform's own subgraphs. Those of `GRAPH_SUBGRAPHS` are reached at their addresses. */
  readonly link: (name: SubgraphName) => SubgraphLink;
  /** Another supergraph than `schema/supergraph.graphql`. */
  readonly supergraphSdl?: string;
  readonly config?: Partial<GatewayConfig>;
};

/** Longer than a load balancer keeps its connections, so that it is never answered by a closing one. */
const keepAliveTimeoutMs = 65_000;
const ownTrustedDocuments = new URL('../schema/generated/trusted-documents.json', import.meta.url);

/** Starts the gateway on its port: the one place where its parts are put together. */
export async function startGateway(runtime: Runtime, options: GatewayOptions): Promise<Gateway> {
  const { log, metrics, now } = runtime;
  const config: GatewayConfig = { ...readGatewayConfig(runtime.env), ...options.config };
  const ownManifest = options.supergraphSdl === undefined ? ownTrustedDocuments : undefined;
  const trusted = readTrustedDocuments({
    path: config.trustedDocumentsPath ?? ownManifest,
    only: config.trustedDocumentsOnly,
  });
  const served = await openServedGraph(runtime, {
    config,
    own: options.link,
    sdl: options.supergraphSdl,
    documents: { introspection: config.introspection, ...(trusted.only && { isTrusted: trusted.has }) },
    check: ({ documents: read }) => void readAll(trusted, read),
  });
  const { graph } = served;
  const { supergraph, documents } = graph;
  const operations = openOperations(runtime, { config, graph, trusted });
  const revoked = await openRevokedSessions(runtime);
  const verifier = tokenVerifier({ keys: remoteKeySet({ user: () => options.link('user'), now }), revoked, now });
  const addressOf = (request: Parameters<typeof clientAddress>[0]) => clientAddress(request, config.trustedProxyHops);
  const outgoing = openOutgoing({ maxAnswerBytes: runtime.config.answerLimits.maxBytes });
  const server = limitedServer(keepAliveTimeoutMs);
  const isAllowedOrigin = allowedOrigins({
    publicUrl: runtime.config.publicUrl,
    listed: config.allowedOrigins,
    port: () => (server.address() as AddressInfo).port,
  });
  const shared = { graph, supergraph, ...operations.parts, verifier, addressOf, log, metrics, operationLog: runtime.operationLog, now, isAllowedOrigin, answering: runtime.answering, outgoing }; // prettier-ignore
  const origins = { isAllowed: isAllowedOrigin };
  const security = apiSecurityHeaders(runtime.config);
  const responseHeaders = (origin: string | undefined) => ({ ...security, ...crossOriginHeaders(origins, origin) });
  const http = await openGraphqlHttp({ ...shared, headersFor: responseHeaders, introspection: config.introspection });
  const { anonymousSocketsPerAddress } = config;
  const subscriptions = openSubscriptions({ ...shared, link: served.link, headersFor: served.headersFor, maxStreams: streamsWithin(readMaxDescriptors()) }); // prettier-ignore
  const connections = openConnections({ onRevoked: revoked.onRevoked, anonymousSocketsPerAddress, now, metrics });
  const connectionGate = limitConnections(server, { limits: config.connections, metrics });
  const live = { ...shared, subscriptions, connections, connectionGate };
  const sockets = openSockets(live);

  const gate = openWebhookGate({ addressOf, metrics });

  let closing = false;
  const compile = () => compileAhead(readAll(trusted, documents), { supergraph, log, isClosing: () => closing });
  const compiled = compile().then(collectGarbage);
  const checkAll = sparingly(() => {
    const services = subgraphNames.map((name) => [name, () => linkReady(options.link(name))] as const);
    return checkReady({ redis: () => runtime.redis.ping(), ...Object.fromEntries(services) }, readyTimeoutMs.service);
  });
  const ready = async (): Promise<void> => {
    if (closing) throw new Error('closing');
    await compiled;
    await checkAll();
  };
  const degraded = sparingly(() => findAway({ 'job store': () => runtime.jobs.ready(), ...served.checks }));
  const app = openApp(runtime, { config, live, served, link: options.link, ready, degraded, api: http.api, gate });

  server.on('request', inTurn(byPath(http.inFrontOf(app))));
  server.on('upgrade', (request, socket, head) => {
    if (!isReadableHead(request)) refuseUpgrade(socket, '400 Bad Request');
    else if (/^\/graphql\/?(\?|$)/.test(originFormOf(request.url ?? '') ?? '')) sockets.upgrade(request, socket, head);
    else refuseUpgrade(socket, '404 Not Found');
  });
  runtime.closeDoor();
  await listen(server, config.port, config.host);
  const port = { env: runtime.env, ownPort: config.port, ready, degraded, metrics, log };
  const operationsPort = await openOperationsPort(port);
  lookForAdded(served, log);
  return {
    port: (server.address() as AddressInfo).port,
    metricsPort: operationsPort.port,
    ready,
    async reload(sdl) {
      await served.replace(sdl);
      await compile();
    },
    async close() {
      closing = true;
      await new Promise((resolve) => setTimeout(resolve, config.drainDelayMs));
      await Promise.all([closeServer(server), sockets.close(), operationsPort.close()]);
      await http.close();
      await revoked.close();
      operations.close();
      gate.close();
      connectionGate.close();
      await served.close();
    },
  };
}

/** Says at the start which added subgraphs don't answer: a wrong address or token is seen before clients see it. */
function lookForAdded({ checks }: ServedGraph, log: Logger): void {
  for (const [subgraph, check] of Object.entries(checks))
    check().catch((error: Error) =>
      log.warn({ subgraph, setting: 'GRAPH_SUBGRAPHS', err: error.message }, 'a subgraph does not answer the gateway'),
    );
}

/** What answers everything but plain GraphQL requests. */
function openApp(
  { config: platform, jobs, log, metrics }: Runtime,
  options: {
    config: GatewayConfig;
    live: EventStreamOptions & { now: () => Date };
    served: Pick<ServedGraph, 'link' | 'headersFor'>;
    link: GatewayOptions['link'];
    ready: () => Promise<void>;
    degraded: () => Promise<readonly string[]>;
    api: RequestHandler;
    gate: WebhookGate;
  },
): express.Express {
  const { config, live, ready, gate } = options;
  const { addressOf } = live;
  const origins = { isAllowed: live.isAllowedOrigin };
  const app = express();
  app.disable('x-powered-by');
  app.use(commonHeaders(platform));
  app.use(async (request, response, next) => {
    if (!(await answerOperations(request, response, { ready, degraded: options.degraded }))) next();
  });
  app.use(refuseOddBytes);
  app.use('/graphql/stream', crossOrigin(origins), eventStreams(live));
  if (config.pagesDir) app.get('/graphql', openGraphiql);
  app.use('/graphql', crossOrigin(origins), options.api);
  app.use(webhooks({ payment: () => options.link('payment'), addressOf, gate, tracing: metrics.tracing }));
  if (config.simulatedProviderUrl) app.use(simulatedProvider(config.simulatedProviderUrl));
  app.use(
    jobsPage({
      ...live,
      record: openJobLog(options.served),
      agenda: () => jobs.agenda(),
      isSecure: platform.publicUrl.startsWith('https:'),
      hasPages: config.pagesDir !== undefined,
    }),
  );
  if (config.pagesDir) {
    const call = serviceCaller({ app: 'gateway', token: platform.serviceTokens.get('gateway') ?? '', link: options.link });
    const { publicUrl } = platform;
    mountPages(app, { distDir: config.pagesDir, shopName: config.shopName, traceUrl: config.traceUrl, defaultLanguage: config.defaultLanguage, stripeScript: config.stripeScript, publicUrl, productHeads: openProductHeads(call), firstShelf: openFirstShelf(call), sitemap: openSitemap(call, { origin: publicUrl, now: () => new Date() }) });
  } // prettier-ignore
  app.use(noSuchPath);
  app.use(answerErrors(log));
  return app;
}

/** What stands between a request and its execution, for all ways in. */
function openOperations(
  { redis, log, metrics, answering }: Runtime,
  options: { config: GatewayConfig; graph: Graph; trusted: TrustedDocuments },
) {
  const { config, graph, trusted } = options;
  const { supergraph, documents } = graph;
  const admission = openAdmission(config.admission, { metrics });
  const allowance = openAnswerAllowance({ maxAnswerBytes: answering.limits.maxBytes, metrics });
  const admit = admitBy({ admission, allowance });
  const newcomers = openNewcomers({ documents, supergraph, metrics });
  const preparedGauge = showPrepared(metrics, supergraph);
  const responseCache = config.responseCache ? openResponseCache({ redis, log, metrics, graph }) : undefined;
  return {
    parts: {
      reader: openOperationReader({ documents, persisted: openPersistedQueries({ redis, log, trusted }), newcomers }),
      run: admittedOperations({ admit, supergraph }),
      admit,
      responseCache,
    },
    close() {
      admission.close();
      allowance.close();
      newcomers.close();
      preparedGauge.close();
      responseCache?.close();
    },
  };
}

/** What follows sees paths alone: Express reads none from an address that is no URL. Refused as Node refuses what is no HTTP. */
const byPath =
  (listener: RequestListener): RequestListener =>
  (request, response) => {
    const path = originFormOf(request.url ?? '');
    if (path === undefined) response.writeHead(400, { connection: 'close', 'content-length': '0' }).end();
    else listener(Object.assign(request, { url: path }), response);
  };

const refuseOddBytes: RequestHandler = (request, _response, next) =>
  next(isReadableHead(request) ? undefined : refusal('BAD_REQUEST', 'The address and the headers must be UTF-8.'));

const noSuchPath: RequestHandler = (_request, response) => {
  const extensions = { code: 'NOT_FOUND', traceId: String(response.locals['traceId']) };
  response.status(404).json({ errors: [{ message: 'No such path.', extensions }] });
};

/** In this process a subgraph says itself whether it is ready; over HTTP its server does. */
async function linkReady(link: SubgraphLink & { ready?: () => Promise<void> }): Promise<void> {
  if (link.ready) {
    await link.ready();
    return;
  }
  const { status, body } = await link.raw({ method: 'GET', path: '/health/ready', headers: {}, body: Buffer.alloc(0) });
  if (status === 200) return;
  const { reason } = jsonObjectIn(body) ?? {};
  throw new NotReady(typeof reason === 'string' ? reason : `answers ${status}`);
}

/** The gateway as a process of its own: the subgraphs are reached over HTTP. */
async function main(): Promise<{ stop(): Promise<void> }> {
  await checkFirst([
    ...processChecks(process.env, { schemas: [], ports: ['PORT'] }),
    () => readGatewayConfig(process.env),
  ]);
  const links = await httpLinks(process.env, () => runtime);
  const address = readGatewayConfig(process.env);
  const runtime: Runtime = await openRuntime(process.env, { name: 'gateway', link: links.link, address });
  const gateway = await startGateway(runtime, { link: links.link });
  runtime.log.info({ port: gateway.port }, 'gateway listens');
  process.on('SIGHUP', () => {
    gateway.reload().catch((error: Error) => runtime.log.error({ err: error }, 'the supergraph was not reloaded'));
  });
  return {
    async stop() {
      await gateway.close();
      await links.close();
      await runtime.close();
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runProcess(main);
