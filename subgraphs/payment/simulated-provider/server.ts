import { createHash, timingSafeEqual } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { type Database, openDatabase } from '../../shared/database/database.ts';
import { openDependency } from '../../shared/process/dependency.ts';
import type { Env } from '../../shared/process/env.ts';
import { isUnavailable } from '../../shared/errors/errors.ts';
import { startDueWork } from '../../shared/process/due-work.ts';
import type { Loop } from '../../shared/process/loop.ts';
import { collectGarbage } from '../../shared/process/memory.ts';
import { readOperationsConfig } from '../../shared/process/operations-config.ts';
import { readDatabaseConfig } from '../../shared/process/platform-config.ts';
import { checkFirst } from '../../shared/process/refuse-start.ts';
import { runProcess } from '../../shared/process/run-process.ts';
import { openOperationsPort } from '../../shared/process/operations-port.ts';
import { checkReady } from '../../shared/process/readiness.ts';
import { closeServer, listen } from '../../shared/http/server.ts';
import { openStartDoor } from '../../shared/process/start-door.ts';
import { answerOperations, readBody, respond } from '../../shared/http/operations.ts';
import { type Logger, createLogger, createMetrics } from '../../shared/process/telemetry.ts';
import { readSimulatedSecrets } from '../config.ts';
import { type ProviderConfig, readProviderConfig } from './config.ts';
import { type Deliveries, forge, leaseSeconds, openDeliveries } from './deliveries.ts';
import {
  ApiError, cancelIntent, confirmBody, confirmIntent, createBody, createIntent, findIntents, finishIntent, getIntent, readJournal,
} from './intents.ts'; // prettier-ignore
import { captureBody, captureIntent, expireAuthorizations } from './captures.ts';
import { actInDashboard, dashboardBody } from './own-doings.ts';
import { createRefund, getRefund, refundBody, settleRefund } from './refunds.ts';
import { readStatement, statementQuery } from './statement.ts';
import { simulatedSchema } from './subgraph.ts';
import { type DueWebhook, findDueTimes } from './webhook-store.ts';
import { controlBody, owedWebhooks, storeControl } from './webhooks.ts';

const maxBodyBytes = 16 * 1024;
const poolSize = 20;
const lookEveryMs = 20_000;

export type SimulatedProvider = {
  readonly url: string;
  /** Rejects when its database doesn't answer. */
  ready(): Promise<void>;
  /** Looks at once for money that was held too long, where somebody else has changed its time. */
  wake(): void;
  close(): Promise<void>;
};

type Call = {
  readonly id: string;
  readonly query: URLSearchParams;
  readonly idempotencyKey: string | null;
  readonly body: unknown;
};
type Endpoint = {
  readonly method: 'GET' | 'POST';
  /** One group: the id. */
  readonly path: RegExp;
  /** Whoever knows the intent's id may confirm it; all else is the merchant's. */
  readonly open?: boolean;
  readonly answer: (call: Call) => Promise<unknown>;
};

/**
 * A payment provider of its own, with its own books, that moves no real money: intents, refunds and signed webhooks in
 * Stripe's manner. Our services know it only over HTTP. Its schema must be migrated. SIMULATED_PROVIDER_PORT 0 takes a free port.
 */
export async function startSimulatedProvider(env: Env, options: { log?: Logger } = {}): Promise<SimulatedProvider> {
  const config = readProviderConfig(env);
  const log = options.log ?? createLogger('simulated-provider', config.logLevel);
  const { entities, migrations } = simulatedSchema;
  const dependency = openDependency({ name: "provider's database", setting: 'SIMULATED_DATABASE_URL', log });
  const { databaseUrl: url, startWaitMs } = config;
  const door = await openStartDoor({ address: config, startWaitMs, dependencies: [dependency] });
  const db = await openDatabase({ url, entities, migrations, poolSize, log, dependency, startTimeoutMs: startWaitMs });
  const target = { url: config.webhookUrl, secret: config.webhookSecret };
  const deliveries = openDeliveries({ db, target, log, onFailed: () => dueWork.deliveries.kick() });
  const dueWork = startDueWork({
    name: 'simulated provider',
    everyMs: lookEveryMs,
    log,
    look: () => findDueTimes(db.em()),
    works: { deliveries: deliveries.turn, authorizations: () => expireAuthorizations(db) },
  });
  const endpoints = createEndpoints(db, config, { deliveries, turns: dueWork.deliveries });

  const server = createServer((request, response) => {
    void (async () => {
      if (await answerOperations(request, response, { ready: () => checkReady({ database: db.ping }) })) return;
      const { status, body } = await answer(endpoints, config.apiKey, request, log);
      respond(response, status, 'application/json; charset=utf-8', JSON.stringify(body));
      if (status === 413) request.destroy();
    })().catch((error: Error) => fail(response, error, log));
  });
  door.close();
  await listen(server, config.port, config.host);
  return {
    url: `http://${config.host}:${(server.address() as AddressInfo).port}`,
    ready: () => db.ping(),
    wake: dueWork.authorizations.kick,
    async close() {
      await closeServer(server);
      await dueWork.stop();
      await deliveries.close();
      await db.close();
    },
  };
}

function fail(response: ServerResponse, error: Error, log: Logger): void {
  log.error({ err: error }, 'request failed');
  if (response.headersSent) response.destroy();
  else
    respond(
      response,
      500,
      'application/json',
      JSON.stringify({ error: { code: 'api_error', message: 'Something went wrong.' } }),
    );
}

function createEndpoints(
  db: Database,
  config: ProviderConfig,
  { deliveries, turns }: { deliveries: Deliveries; turns: Loop },
): readonly Endpoint[] {
  const target = { url: config.webhookUrl, secret: config.webhookSecret };
  /** Sends what the request has made due without waiting for the next look. */
  const thenDeliver = async <T>(work: Promise<T>): Promise<T> => work.finally(() => turns.kick());
  return [
    {
      method: 'POST',
      path: /^\/v1\/payment_intents()$/,
      answer: ({ body, idempotencyKey }) => createIntent(db, createBody.parse(body), idempotencyKey),
    },
    {
      method: 'GET',
      path: /^\/v1\/payment_intents()$/,
      answer: ({ query }) => findIntents(db, query.get('idempotency_key') ?? ''),
    },
    { method: 'GET', path: /^\/v1\/payment_intents\/(\w+)$/, answer: ({ id }) => getIntent(db, id) },
    {
      method: 'POST',
      path: /^\/v1\/payment_intents\/(\w+)\/cancel$/,
      answer: ({ id }) => thenDeliver(cancelIntent(db, id)),
    },
    {
      method: 'POST',
      path: /^\/v1\/payment_intents\/(\w+)\/capture$/,
      answer: ({ id, body }) => thenDeliver(captureIntent(db, id, captureBody.parse(body))),
    },
    {
      method: 'POST',
      path: /^\/v1\/payment_intents\/(\w+)\/confirm$/,
      open: true,
      answer: ({ id, body }) => {
        const { authorizationSeconds } = config;
        let isSent = false;
        const deliver = (webhook: DueWebhook): void => {
          isSent = true;
          deliveries.deliver(webhook);
        };
        const sendNow = deliveries.hasRoom() ? { leaseSeconds, deliver } : undefined;
        const confirmed = confirmIntent(db, id, confirmBody.parse(body), { authorizationSeconds, sendNow });
        return confirmed.finally(() => isSent || turns.kick());
      },
    },
    {
      method: 'POST',
      path: /^\/v1\/refunds()$/,
      answer: ({ body, idempotencyKey }) => thenDeliver(createRefund(db, refundBody.parse(body), idempotencyKey)),
    },
    { method: 'GET', path: /^\/v1\/refunds\/(\w+)$/, answer: ({ id }) => getRefund(db, id) },
    {
      method: 'GET',
      path: /^\/v1\/statement()$/,
      answer: ({ query }) => readStatement(db, statementQuery.parse(Object.fromEntries(query))),
    },
    { method: 'GET', path: /^\/v1\/journal()$/, answer: ({ query }) => readJournal(db, query.get('after')) },
    { method: 'GET', path: /^\/v1\/test\/webhooks()$/, answer: () => owedWebhooks(db) },
    {
      method: 'POST',
      path: /^\/v1\/test\/dashboard()$/,
      answer: ({ body }) => thenDeliver(actInDashboard(db, dashboardBody.parse(body))),
    },
    {
      method: 'POST',
      path: /^\/v1\/test\/webhooks()$/,
      answer: async ({ body }) => {
        const control = controlBody.parse(body);
        const { settle, finish } = control;
        if (settle !== undefined) await settleRefund(db, settle.refund, settle.as);
        if (finish !== undefined) await finishIntent(db, finish.intent, finish.as);
        await thenDeliver(storeControl(db, control));
        if (control.forge === undefined) return { done: true };
        const { client_secret: _, ...intent } = await getIntent(db, control.intent ?? '');
        return forge(target, control.forge, intent);
      },
    },
  ];
}

type Answer = { readonly status: number; readonly body: unknown };
const failure = (status: number, code: string, message: string): Answer => ({
  status,
  body: { error: { code, message } },
});

async function answer(
  endpoints: readonly Endpoint[],
  apiKey: string,
  request: IncomingMessage,
  log: Logger,
): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://provider');
  const endpoint = endpoints.find(({ method, path }) => method === request.method && path.test(url.pathname));
  if (!endpoint) return failure(404, 'not_found', 'No such path.');
  if (!endpoint.open && !isMerchant(request.headers.authorization, apiKey))
    return failure(401, 'api_key_invalid', 'Show the API key as a bearer token.');
  const raw = await readBody(request, maxBodyBytes);
  if (raw === null) return failure(413, 'body_too_large', `A body has at most ${maxBodyBytes} bytes.`);
  const key = request.headers['idempotency-key'];
  if (key !== undefined && (typeof key !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(key)))
    return failure(400, 'idempotency_error', 'A key has 1 to 128 printable characters.');
  try {
    const body: unknown = raw.length === 0 ? {} : JSON.parse(raw.toString('utf8'));
    const id = endpoint.path.exec(url.pathname)?.[1] ?? '';
    return {
      status: 200,
      body: await endpoint.answer({ id, query: url.searchParams, idempotencyKey: key ?? null, body }),
    };
  } catch (error) {
    if (error instanceof ApiError)
      return {
        status: error.status,
        body: { error: { code: error.code, message: error.message }, payment_intent: error.intent },
      };
    if (error instanceof SyntaxError) return failure(400, 'json_invalid', 'The body is not JSON.');
    if (error instanceof z.ZodError)
      return failure(
        400,
        'parameter_invalid',
        error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
      );
    if (!isUnavailable(error)) throw error;
    log.debug({ err: (error as Error).message }, 'the database is away');
    return failure(503, 'unavailable', 'Try again in a moment.');
  }
}

/** Compares hashes, so that neither length nor content shows in the time it takes. */
function isMerchant(authorization: string | undefined, apiKey: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${apiKey}`));
}

if (import.meta.main) {
  await runProcess(async () => {
    const { env } = process;
    await checkFirst([
      () => readSimulatedSecrets(env),
      () => readDatabaseConfig(env),
      () => readProviderConfig(env),
      () => readOperationsConfig(env, 0),
    ]);
    const { port, logLevel } = readProviderConfig(env);
    const log = createLogger('simulated-provider', logLevel);
    const provider = await startSimulatedProvider(env, { log });
    const ready = () => provider.ready();
    const operations = await openOperationsPort({ env, ownPort: port, ready, metrics: createMetrics(), log });
    await collectGarbage();
    return {
      async stop() {
        await provider.close();
        await operations.close();
      },
    };
  });
}
