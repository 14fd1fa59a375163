import { randomBytes } from 'node:crypto';
import { createConnection } from 'mysql2/promise';
import type { ExecutionResult } from 'graphql';
import type { UserViewer, Viewer } from '../../../../subgraphs/shared/auth/viewer.ts';
import { callerHeaders } from '../../../../subgraphs/shared/auth/caller-headers.ts';
import { identitySigner } from '../../../../subgraphs/shared/auth/identity.ts';
import type { Env } from '../../../../subgraphs/shared/process/env.ts';
import { idToBytes, newId } from '../../../../subgraphs/shared/values/ids.ts';
import { type Runtime, openRuntime } from '../../../../subgraphs/shared/process/runtime.ts';
import { serveSubgraph } from '../../../../subgraphs/shared/engine/serve-subgraph.ts';
import type { Subgraph } from '../../../../subgraphs/shared/engine/subgraph.ts';
import { createLogger } from '../../../../subgraphs/shared/process/telemetry.ts';
import { startSimulatedProvider } from '../../../../subgraphs/payment/simulated-provider/server.ts';
import { works } from '../../../../subgraphs/payment/deps.ts';
import { createPaymentSubgraph, wakeChannel } from '../../../../subgraphs/payment/subgraph.ts';
import { type TcpProxy, startTcpProxy } from '../../../faults/tcp-proxy.ts';
import { createMigratedSchema } from '../../../support/schemas.ts';
import { startTestServers } from '../../../support/test-servers.ts';
import { type OrderService, createOrderService } from './order-service.ts';
import { until } from '../../../support/until.ts';

/** What GraphQL or the provider answered: the tests look at it field by field. */
// eslint-disable-next-line typescript/no-explicit-any
export type Loose = any;
export type Answer = { readonly data: Loose; readonly errors: readonly { message: string; code: string }[] };
export type ProviderAnswer = { readonly status: number; readonly body: Loose };

export const user = (userId = newId()): UserViewer => ({
  kind: 'user',
  userId,
  roles: ['CUSTOMER'],
  sessionId: newId(),
});
export const staff: UserViewer = { kind: 'user', userId: newId(), roles: ['OPERATOR'], sessionId: newId() };
export const cards = {
  pays: '4242424242424242',
  declines: '4000000000000002',
  lacksFunds: '4000000000009995',
  asksAgain: '4000002760003184',
} as const;

const log = createLogger('test', process.env['TEST_LOG_LEVEL'] ?? 'silent');
const apiKey = 'sk_simulated_development';

/**
 * The payment service with its own schema, the simulated provider with its own over HTTP, a Redis of their own, and the
 * stand-in of the order service. Network and database can be cut by the proxies.
 */
export type PaymentWorld = {
  readonly runtime: Runtime;
  readonly subgraph: Subgraph;
  readonly orders: OrderService;
  readonly providerProxy: TcpProxy;
  readonly databaseProxy: TcpProxy;
  /** Where the provider delivers. */
  readonly webhookUrl: string;
  run(viewer: Viewer, query: string, variables?: Record<string, unknown>): Promise<Answer>;
  watch(viewer: Viewer, query: string, variables: Record<string, unknown>): AsyncIterableIterator<ExecutionResult>;
  /** Calls the provider's API as its merchant. */
  provider(
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ProviderAnswer>;
  rows(sql: string, values?: unknown[]): Promise<Loose[]>;
  providerRows(sql: string, values?: unknown[]): Promise<Loose[]>;
  close(): Promise<void>;
};

export async function openPaymentWorld(options: { worker?: boolean; env?: Env } = {}): Promise<PaymentWorld> {
  const root = new URL(String(process.env['TEST_MYSQL_URL']));
  const servers = await startTestServers({ mysqlUrl: root.href });
  const databaseProxy = await startTcpProxy({ host: root.hostname, port: Number(root.port) });
  const prefix = `t${randomBytes(6).toString('hex')}`;
  const connection = await createConnection({ uri: root.href });
  const schemaUrl = async (name: 'payment' | 'simulated', port: string) => {
    const url = new URL(await createMigratedSchema(`${prefix}_${name}`, name));
    url.port = port;
    return url.href;
  };
  const paymentUrl = await schemaUrl('payment', String(databaseProxy.port));
  const simulatedUrl = await schemaUrl('simulated', root.port);

  // Each needs to know where the other is: the payment service reaches the provider through a proxy that is there first.
  let providerPort = 0;
  const providerTarget = { host: '127.0.0.1', get port() { return providerPort; } }; // prettier-ignore
  const providerProxy = await startTcpProxy(providerTarget);
  const env: Env = {
    MYSQL_URL: root.href,
    REDIS_URL: servers.redisUrl,
    DATABASE_PREFIX: prefix,
    PAYMENT_DATABASE_URL: paymentUrl,
    SIMULATED_DATABASE_URL: simulatedUrl,
    SIMULATED_PROVIDER_URL: `http://127.0.0.1:${providerProxy.port}`,
    SIMULATED_PROVIDER_PORT: '0',
    ...options.env,
  };
  const orders: OrderService = createOrderService(() => runtime);
  const runtime = await openRuntime(env, { name: 'payment-test', link: () => orders.link(), log });
  await orders.open();
  const subgraph = await createPaymentSubgraph(runtime);
  const serving = await serveSubgraph(subgraph, { port: 0, host: '127.0.0.1', log });
  const webhookUrl = `http://127.0.0.1:${serving.port}/webhooks/simulated`;
  const provider = await startSimulatedProvider({ ...env, SIMULATED_WEBHOOK_URL: webhookUrl }, { log });
  providerPort = Number(new URL(provider.url).port);
  if (options.worker ?? true) await subgraph.startWorker();

  const sign = identitySigner(runtime.config.identitySecret);
  const headers = async (viewer: Viewer): Promise<Record<string, string>> => {
    const app = viewer.kind === 'service' ? viewer.app : 'gateway';
    const shown = { [callerHeaders.app]: app, [callerHeaders.token]: runtime.config.serviceTokens.get(app) ?? '' };
    return viewer.kind === 'user' ? { ...shown, [callerHeaders.identity]: await sign(viewer) } : shown;
  };
  const query =
    (schema: string) =>
    async (sql: string, values: unknown[] = []) => {
      await connection.query(`use ${prefix}_${schema}`);
      const [rows] = await connection.query(sql, values);
      return rows as never[];
    };

  return {
    runtime,
    subgraph,
    orders,
    providerProxy,
    databaseProxy,
    webhookUrl,
    async run(viewer, document, variables) {
      const result = await subgraph.execute({ query: document, variables, headers: await headers(viewer) });
      return {
        data: result.data,
        errors: (result.errors ?? []).map(({ message, extensions }) => ({ message, code: String(extensions['code']) })),
      };
    },
    watch(viewer, document, variables) {
      const iterator = headers(viewer).then((shown) =>
        subgraph.subscribe({ query: document, variables, headers: shown }),
      );
      return {
        [Symbol.asyncIterator]() {
          return this;
        },
        next: async () => (await iterator).next(),
        return: async () => (await iterator).return?.() ?? { done: true, value: undefined },
      };
    },
    async provider(method, path, body, extra = {}) {
      const response = await fetch(`${provider.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${apiKey}`, ...extra },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    },
    async rows(sql, values) {
      const rows = await query('payment')(sql, values);
      // What a test makes due is begun at once, as what a command makes due.
      if (/^update .*\b(next_check_at|next_try_at|expires_at) = /s.test(sql))
        for (const work of works) runtime.live.publish(wakeChannel, work);
      return rows;
    },
    async providerRows(sql, values) {
      const rows = await query('simulated')(sql, values);
      if (sql.includes('set capture_before = ')) provider.wake();
      return rows;
    },
    async close() {
      await serving.close();
      await runtime.jobs.stop();
      await subgraph.close();
      await provider.close();
      await runtime.close();
      await providerProxy.close();
      await databaseProxy.close();
      for (const name of ['payment', 'simulated']) await connection.query(`drop database ${prefix}_${name}`);
      await connection.end();
      await servers.stop();
    },
  };
}

export const bytes = (id: string): Buffer => idToBytes(id);

/** All that the tests look at of a payment. */
export const paymentFields = /* GraphQL */ `
  fragment All on Payment {
    id
    number
    state
    version
    method
    instrument
    amount { amount currency }
    authorized { amount }
    captured { amount }
    refunded { amount }
    paidAt
    order { id payUrl: id }
    attempts { id number state provider tradeType providerTransactionId redirectUrl clientParams failureCode failureMessage finishedAt }
    refunds { id number state amount { amount } automatic reason providerRefundId settledAt }
    events(first: 100) { edges { node { seq type fromState toState source amount { amount } } } }
  }
`; // prettier-ignore

const errorFields = /* GraphQL */ `
  userErrors {
    __typename
    ... on UserError { code message path }
    ... on PaymentInProgressError { payment { id } }
    ... on OrderNotPayableError { orderState }
    ... on AmountMismatchError { expected { amount currency } actual { amount currency } }
    ... on ProviderError { provider retryable }
    ... on IdempotencyConflictError { retryable }
    ... on InsufficientBalanceError { balance { amount currency } required { amount currency } }
  }
`; // prettier-ignore

export const documents = {
  creditWallet: `mutation ($userId: ID!, $amount: MoneyInput!, $reason: String!, $key: String!) {
    creditWallet(userId: $userId, amount: $amount, reason: $reason, idempotencyKey: $key) { replayed wallet { id balance { amount currency } held { amount } } ${errorFields} }
  }`,
  wallet: `query ($u: [_Any!]!, $currency: String, $first: Int, $after: String) {
    _entities(representations: $u) { ... on User { wallet(currency: $currency) {
      id balance { amount currency } held { amount currency }
      entries(first: $first, after: $after) { pageInfo { hasNextPage endCursor } edges { cursor node { id seq direction amount { amount } balanceAfter { amount } reference reason } } }
    } } }
  }`,
  create: `mutation ($input: CreatePaymentInput!, $key: String!) { createPayment(input: $input, idempotencyKey: $key) { replayed payment { ...All } ${errorFields} } } ${paymentFields}`,
  mixed: `mutation ($input: CreateMixedPaymentInput!, $key: String!) { createMixedPayment(input: $input, idempotencyKey: $key) { replayed payments { ...All authorized { amount } } ${errorFields} } } ${paymentFields}`,
  methods: 'query ($id: ID!) { availablePaymentMethods(orderId: $id) }',
  retry: `mutation ($id: ID!, $key: String!) { retryPayment(paymentId: $id, idempotencyKey: $key) { replayed payment { ...All } ${errorFields} } } ${paymentFields}`,
  cancel: `mutation ($id: ID!, $key: String!) { cancelPayment(paymentId: $id, idempotencyKey: $key) { replayed payment { ...All } ${errorFields} } } ${paymentFields}`,
  capture: `mutation ($id: ID!, $amount: MoneyInput, $key: String!) { capturePayment(paymentId: $id, amount: $amount, idempotencyKey: $key) { replayed payment { ...All } ${errorFields} } } ${paymentFields}`,
  refund: `mutation ($input: RefundInput!, $key: String!) {
    refundPayment(input: $input, idempotencyKey: $key) {
      replayed refund { id number state automatic amount { amount } payment { id state } }
      userErrors { __typename ... on UserError { code message path } ... on RefundLimitError { refundable { amount currency } } }
    }
  }`,
  replay: `mutation ($id: ID!, $key: String) { replayWebhook(deliveryId: $id, idempotencyKey: $key) { replayed delivery { id outcome attempts payment { id } } ${errorFields} } }`,
  payment: `query ($id: ID!) { payment(id: $id) { ...All } } ${paymentFields}`,
};

/** Creates a payment that must succeed; asked for again, with the same key, where a busy machine says "in a moment". */
export async function create(
  world: PaymentWorld,
  viewer: Viewer,
  orderId: string,
  key: string = newId(),
): Promise<Loose> {
  const variables = { input: { orderId, method: 'SIMULATED_CARD' }, key };
  for (let tries = 1; ; tries += 1) {
    const { data, errors } = await world.run(viewer, documents.create, variables);
    if (data?.createPayment.payment) return data.createPayment.payment;
    const isLater = data?.createPayment.userErrors.some(({ retryable }: Loose) => retryable === true);
    if (!isLater || tries >= 5) throw new Error(JSON.stringify({ errors, data }));
  }
}

/** Starts a mixed payment that must succeed: `[wallet part, external part]`; asked for again as in `create`. */
export async function createMixed(
  world: PaymentWorld,
  viewer: Viewer,
  orderId: string,
  walletMinor: number,
  key: string = newId(),
): Promise<[Loose, Loose]> {
  const parts = [{ method: 'WALLET', amount: { amount: walletMinor, currency: 'EUR' } }, { method: 'SIMULATED_CARD' }];
  for (let tries = 1; ; tries += 1) {
    const { data, errors } = await world.run(viewer, documents.mixed, { input: { orderId, parts }, key });
    if (data?.createMixedPayment.payments.length === 2) return data.createMixedPayment.payments;
    const isLater = data?.createMixedPayment.userErrors.some(({ retryable }: Loose) => retryable === true);
    if (!isLater || tries >= 5) throw new Error(JSON.stringify({ errors, data }));
  }
}

/** Gives a user money to spend. */
export async function credit(
  world: PaymentWorld,
  userId: string,
  amountMinor: number,
  currency = 'EUR',
): Promise<void> {
  const variables = { userId, amount: { amount: amountMinor, currency }, reason: 'for a test', key: newId() };
  const { data, errors } = await world.run(staff, documents.creditWallet, variables);
  if (!data?.creditWallet.wallet) throw new Error(JSON.stringify({ errors, data }));
}

/** A user's wallet in EUR, or in another currency. */
export async function walletOf(world: PaymentWorld, userId: string, currency = 'EUR'): Promise<Loose> {
  const { data, errors } = await world.run(staff, documents.wallet, {
    u: [{ __typename: 'User', id: userId }],
    currency,
    first: 100,
  });
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  return data._entities[0].wallet;
}

/** Gives a card to the newest attempt's page. */
export const confirm = (
  world: PaymentWorld,
  payment: Loose,
  card: string = cards.pays,
  more: object = {},
): Promise<ProviderAnswer> =>
  world.provider(
    'POST',
    new URL(payment.attempts.at(-1).clientParams.confirmUrl).pathname.replace('/simulated', ''),
    { card, ...more },
    { authorization: '' },
  );

/** The payment when it has come to `state`. */
export async function paymentIn(world: PaymentWorld, id: string, state: string, timeoutMs = 10_000): Promise<Loose> {
  try {
    return await until(
      async () => {
        const { data } = await world.run(staff, documents.payment, { id });
        return data?.payment?.state === state && data.payment;
      },
      { timeoutMs },
    );
  } catch {
    const { data } = await world.run(staff, documents.payment, { id });
    throw new Error(`not ${state}: ${JSON.stringify(data.payment)}`);
  }
}
