import { randomBytes } from 'node:crypto';
import type { ExecutionResult } from 'graphql';
import { SignJWT } from 'jose';
import { createConnection } from 'mysql2/promise';
import pino from 'pino';
import type { Role, UserViewer, Viewer } from '../../../subgraphs/shared/auth/viewer.ts';
import { callerHeaders } from '../../../subgraphs/shared/auth/caller-headers.ts';
import { type Row, select, toDate, toJson, write } from '../../../subgraphs/shared/database/database.ts';
import { handleOnce } from '../../../subgraphs/shared/events/handle-events.ts';
import type { DomainEvent } from '../../../subgraphs/shared/tables/outbox.ts';
import { idFromBytes, idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import type { SubgraphLink, SubgraphRequest } from '../../../subgraphs/shared/calls/link.ts';
import { type Runtime, openRuntime } from '../../../subgraphs/shared/process/runtime.ts';
import { paymentHandlers } from '../../../subgraphs/order/consumers.ts';
import type { OrderDeps } from '../../../subgraphs/order/deps.ts';
import { genesisHash, isIntact } from '../../../subgraphs/order/domain/journal.ts';
import { toJournalEntry } from '../../../subgraphs/order/journal-store.ts';
import type { OrderType } from '../../../subgraphs/order/types/order-type.ts';
import { type OrderSubgraph, createOrderSubgraph } from '../../../subgraphs/order/subgraph.ts';
import { createProduct } from '../../../subgraphs/product/commands/create-product.ts';
import type { CreateProductInput } from '../../../subgraphs/product/commands/create-product.ts';
import { eventHandlers } from '../../../subgraphs/product/events.ts';
import { type ProductSubgraph, createProductSubgraph } from '../../../subgraphs/product/subgraph.ts';
import { createMigratedSchema } from '../../support/schemas.ts';
import { sentDuring, statementsTo } from '../../support/statements.ts';
import { asker } from '../../support/asker.ts';

// Answers are read by path in the tests, so their shape is left open.
// eslint-disable-next-line typescript/no-explicit-any
export type Answer = { readonly data: any; readonly errors: readonly { message: string; code: string }[] };

/** Stands between the order and the product subgraph; `next` is the real call. */
export type Intercept = (request: SubgraphRequest, next: () => Promise<ExecutionResult>) => Promise<ExecutionResult>;

export type Ordered = { readonly id: string; readonly number: string; readonly state: string };

/** The order subgraph beside the real product subgraph, each on a schema of its own; the payment service is played by the test. */
export type OrderWorld = {
  readonly runtime: Runtime;
  readonly order: OrderSubgraph;
  readonly product: ProductSubgraph;
  readonly deps: OrderDeps;
  /** What order's calls to product and user go through; pass-through until set. */
  intercept: Intercept;
  /** The users whom the user service, played by the test, knows: name by id. */
  readonly users: Map<string, string>;
  /** Those of them who are suspended. */
  readonly suspended: Set<string>;
  /** The clock of both subgraphs: real time and this much more. */
  clockOffsetMs: number;
  run(viewer: Viewer, query: string, variables?: Record<string, unknown>, clientAddress?: string): Promise<Answer>;
  subscribe(viewer: Viewer, query: string, variables?: Record<string, unknown>): Promise<AsyncIterableIterator<ExecutionResult>>; // prettier-ignore
  /** A product with so many units, at 12.90 EUR unless told otherwise. */
  make(onHand?: number, input?: Partial<CreateProductInput>): Promise<string>;
  /** Places one piece of a new product, or of the given ones, and expects success. */
  place(viewer: Viewer, input?: Record<string, unknown>): Promise<Ordered>;
  stock(productId: string): Promise<{ onHand: number; allocated: number }>;
  /** Rows of the order schema, ids as text. */
  rows(text: string, parameters?: unknown[]): Promise<Row[]>;
  productRows(text: string, parameters?: unknown[]): Promise<Row[]>;
  /** An event of the payment service, handled as its consumer would; false when it was handled before. */
  paymentEvent(event: DomainEvent): Promise<boolean>;
  succeeded(orderId: string, change?: Record<string, unknown>): DomainEvent;
  refunded(orderId: string, change?: Record<string, unknown>): DomainEvent;
  /** Brings what is in the order's outbox to the product subgraph, and returns it. */
  deliver(): Promise<DomainEvent[]>;
  /** Statements sent to either schema meanwhile, without transaction control. */
  statements(work: () => Promise<unknown>): Promise<{ order: string[]; product: string[] }>;
  /** What goes to order's schema meanwhile: the first words of the statements of each round trip. */
  roundTrips(work: () => Promise<unknown>): Promise<string[][]>;
  /** Gives what is wrong with the journals at the end, row by row: gaps, hashes, heads. */
  close(): Promise<string[]>;
};

export const userViewer = (...roles: Role[]): UserViewer => ({
  kind: 'user',
  userId: newId(),
  roles: roles.length === 0 ? ['CUSTOMER'] : roles,
  sessionId: newId(),
});
export const service = (app: string): Viewer => ({ kind: 'service', app });

/** Streams and grants have fixed names in Redis: a database for each of Jest's workers, emptied by each test file. */
const redisDatabase = 8 + (Number(process.env['JEST_WORKER_ID'] ?? 0) % 8);

export async function openOrderWorld(
  options: { env?: Record<string, string>; types?: readonly OrderType[] } = {},
): Promise<OrderWorld> {
  const prefix = `o${randomBytes(6).toString('hex')}`;
  const redisUrl = new URL(String(process.env['TEST_REDIS_URL']));
  redisUrl.pathname = `/${redisDatabase}`;
  const env = {
    MYSQL_URL: process.env['TEST_MYSQL_URL'],
    REDIS_URL: redisUrl.href,
    DATABASE_PREFIX: prefix,
    ORDER_DATABASE_URL: await createMigratedSchema(`${prefix}_order`, 'order'),
    PRODUCT_DATABASE_URL: await createMigratedSchema(`${prefix}_product`, 'product'),
    // Tests of races let one customer place many; open-orders.int.test.ts sets limits of its own.
    OPEN_ORDERS_PER_CUSTOMER: '10000',
    OPEN_UNITS_PER_CUSTOMER: '1000000',
    ...options.env,
  };
  const opened = await openRuntime(env, { name: 'order-test', link: (name) => linkTo(name), log: pino({ level: 'silent' }) }); // prettier-ignore
  await opened.redis.flushDb();
  let opening = true;
  const runtime: Runtime = { ...opened, now: () => new Date(Date.now() + (opening ? 0 : world.clockOffsetMs)) };
  const product = await createProductSubgraph(runtime);
  const order = await createOrderSubgraph(runtime, ...(options.types ?? []));
  const linkTo = (name: string): SubgraphLink =>
    name === 'order'
      ? order
      : name === 'user'
        ? {
            ...product,
            name,
            execute: (request) => world.intercept(request, async () => playUser(world, request)),
          }
        : { ...product, execute: (request) => world.intercept(request, () => product.execute(request)) };
  // As identitySigner does, by the world's clock.
  const sign = (viewer: UserViewer): Promise<string> =>
    new SignJWT({ roles: viewer.roles, sid: viewer.sessionId })
      .setProtectedHeader({ alg: 'HS256', typ: 'identity+jwt' })
      .setSubject(viewer.userId)
      .setIssuer('order-platform-gateway')
      .setAudience('order-platform-subgraph')
      .setIssuedAt(runtime.now())
      .setExpirationTime(new Date(runtime.now().getTime() + 60_000))
      .sign(new TextEncoder().encode(runtime.config.identitySecret));
  const payments = paymentHandlers(order.deps);
  const stocks = eventHandlers(product.deps);

  const headers = async (viewer: Viewer): Promise<Record<string, string>> => {
    const app = viewer.kind === 'service' ? viewer.app : 'gateway';
    const shown = { [callerHeaders.app]: app, [callerHeaders.token]: runtime.config.serviceTokens.get(app) ?? '' };
    return viewer.kind === 'user' ? { ...shown, [callerHeaders.identity]: await sign(viewer) } : shown;
  };
  const paymentOf = (type: string, orderId: string, data: Record<string, unknown>): DomainEvent => ({
    id: newId(),
    type,
    aggregateId: orderId,
    traceId: randomBytes(16).toString('hex'),
    at: runtime.now().toISOString(),
    data: { orderId, paymentId: newId(), amountMinor: 1_290, currency: 'EUR', ...data },
  });

  const world: OrderWorld = {
    runtime,
    order,
    product,
    deps: order.deps,
    intercept: (_, next) => next(),
    users: new Map(),
    suspended: new Set(),
    clockOffsetMs: 0,
    async run(viewer, query, variables, clientAddress) {
      const from = clientAddress === undefined ? {} : { [callerHeaders.clientAddress]: clientAddress };
      return answerOf(await order.execute({ query, variables, headers: { ...(await headers(viewer)), ...from } }));
    },
    async subscribe(viewer, query, variables) {
      return order.subscribe({ query, variables, headers: await headers(viewer) });
    },
    async make(onHand = 10, input = {}) {
      const given: CreateProductInput = {
        sku: newId(), name: 'Espresso beans', description: 'Dark roast', price: { amount: 1_290, currency: 'EUR' }, initialOnHand: onHand, ...input,
      }; // prettier-ignore
      const { product: made, userErrors } = await createProduct(
        product.deps,
        asker(userViewer('ADMIN')),
        given,
        newId(),
      );
      if (!made) throw new Error(JSON.stringify(userErrors));
      return made.id;
    },
    async place(viewer, input = {}) {
      const lines = input['lines'] ?? [{ productId: await world.make(), quantity: 1 }];
      const { data, errors } = await world.run(viewer, placeMutation, { input: { currency: 'EUR', ...input, lines }, key: newId() }); // prettier-ignore
      if (errors.length > 0 || data.placeOrder.userErrors.length > 0) throw new Error(JSON.stringify({ data, errors }));
      return data.placeOrder.order as Ordered;
    },
    async stock(productId) {
      const [row] = await world.productRows('select on_hand, allocated from stock where product_id = ?', [idToBytes(productId)]); // prettier-ignore
      return { onHand: Number(row?.['on_hand']), allocated: Number(row?.['allocated']) };
    },
    rows: (text, parameters = []) => select(order.deps.db.em(), text, parameters as never),
    productRows: (text, parameters = []) => select(product.deps.db.em(), text, parameters as never),
    async paymentEvent(event) {
      const handler = payments.handlers[event.type];
      if (!handler) throw new Error(`no handler of ${event.type}`);
      const fresh = await handleOnce(order.deps.db, event, handler);
      if (fresh) payments.onHandled(event);
      return fresh;
    },
    succeeded: (orderId, change = {}) =>
      paymentOf('payment.succeeded', orderId, { method: 'SIMULATED_CARD', paidAt: runtime.now().toISOString(), ...change }), // prettier-ignore
    refunded: (orderId, change = {}) => paymentOf('payment.refunded', orderId, { refundId: newId(), ...change }),
    async deliver() {
      const rows = await world.rows('select * from outbox where published_at is null order by id');
      const events = rows.map((row): DomainEvent => ({
        id: idFromBytes(row['id'] as Buffer),
        type: String(row['type']),
        aggregateId: idFromBytes(row['aggregate_id'] as Buffer),
        traceId: String(row['trace_id']),
        at: (toDate(row['created_at']) as Date).toISOString(),
        data: toJson(row['data']),
      })); // prettier-ignore
      for (const event of events) {
        const handler = stocks.handlers[event.type];
        if (handler) await handleOnce(product.deps.db, event, handler);
        await write(order.deps.db.em(), 'update outbox set published_at = utc_timestamp(3) where id = ?', [idToBytes(event.id)]); // prettier-ignore
      }
      return events;
    },
    async statements(work) {
      const sent = await sentDuring(work);
      return { order: statementsTo(`${prefix}_order`, sent), product: statementsTo(`${prefix}_product`, sent) };
    },
    async roundTrips(work) {
      const own = (await sentDuring(work)).filter(({ database }) => database === `${prefix}_order`);
      const words = (text: string) => text.replaceAll('`', '').split(' ').slice(0, 3).join(' ');
      return own.map(({ statements }) => statements.map(words)).filter(([first]) => !first?.startsWith('set '));
    },
    async close() {
      const broken = await brokenJournals(world);
      await order.close();
      await product.close();
      await runtime.close();
      const root = await createConnection({ uri: String(process.env['TEST_MYSQL_URL']) });
      await root.query(`drop database ${prefix}_order`);
      await root.query(`drop database ${prefix}_product`);
      await root.end();
      return broken;
    },
  };
  opening = false;
  return world;
}

/** What the user service answers to the questions that orders have. */
function playUser(
  { users, suspended }: Pick<OrderWorld, 'users' | 'suspended'>,
  { query, variables = {} }: SubgraphRequest,
): ExecutionResult {
  if (query.includes('userIds')) {
    const wanted = String(variables['query']).toLowerCase();
    const found = [...users].filter(([, name]) => name.toLowerCase().startsWith(wanted)).map(([id]) => id);
    return { data: { userIds: found.slice(0, Number(variables['first'])) } };
  }
  if (query.includes('customerAddresses')) return { data: { customerAddresses: { shipping: null, billing: null } } };
  const representations = variables['representations'] as readonly { id: string }[];
  return {
    data: {
      _entities: representations.map(({ id }) =>
        users.has(id) ? { id, status: suspended.has(id) ? 'SUSPENDED' : 'ACTIVE' } : null,
      ),
    },
  };
}

const answerOf = (result: ExecutionResult): Answer => ({
  data: JSON.parse(JSON.stringify(result.data ?? null)),
  errors: (result.errors ?? []).map((error) => ({ message: error.message, code: String(error.extensions['code']) })),
});

async function brokenJournals(world: OrderWorld): Promise<string[]> {
  const broken: string[] = [];
  const heads = await world.rows('select id, number, seq, state, last_hash from orders');
  const entries = (await world.rows('select * from order_event order by order_id, seq')).map(toJournalEntry);
  const byOrder = Map.groupBy(entries, (entry) => entry.orderId);
  for (const head of heads) {
    const own = byOrder.get(idFromBytes(head['id'] as Buffer)) ?? [];
    const number = String(head['number']);
    let previous: Buffer = genesisHash;
    let state: string | null = null;
    for (const [index, entry] of own.entries()) {
      if (entry.seq !== index + 1) broken.push(`${number}: ${entry.seq} at ${index + 1}`);
      if (!isIntact(previous, entry)) broken.push(`${number}: hash of ${entry.seq}`);
      if (entry.fromState !== state) broken.push(`${number}: ${entry.seq} is not from ${String(state)}`);
      state = entry.toState ?? state;
      previous = entry.hash;
    }
    if (!previous.equals(head['last_hash'] as Buffer)) broken.push(`${number}: last hash`);
    if (state !== head['state'] || own.length !== Number(head['seq'])) broken.push(`${number}: head`);
  }
  return broken;
}

export const errorFields = `__typename ... on UserError { code message path }
  ... on InsufficientStockError { shortages { product { id } requested available night } } ... on IdempotencyConflictError { retryable }`;

export const placeMutation = `mutation Place($input: PlaceOrderInput!, $key: String!) {
  placeOrder(input: $input, idempotencyKey: $key) {
    replayed
    order { id number state version paymentStatus fulfilmentStatus cancelReason total { amount currency } expiresAt }
    saga { id state attempts steps { branchId actionState compensationState } }
    userErrors { ${errorFields} ... on BusinessRejectedError { cause } ... on PriceChangedError { expected { amount } actual { amount } } }
  }
}`;

export const orderQuery = `query Order($id: ID!) {
  order(id: $id) {
    id state version paymentStatus fulfilmentStatus cancelReason remark archivedActions: allowedActions
    paidTotal { amount } refundedTotal { amount } balanceDue { amount } paidAt completedAt closedAt
    history { edges { node { seq type fromState toState actorType actorId reason data } } }
    fulfilments { lines { quantity line { id } } trackingNumber } lines { id quantity fulfilledQuantity }
    saga { id state attempts lastError steps { actionState compensationState } }
  }
}`;

/** A mutation that answers with an OrderPayload. */
export const orderMutation = (name: string, declared: string, passed: string): string =>
  `mutation Change(${declared}) { ${name}(${passed}) { replayed order { id state version remark fulfilmentStatus } userErrors { __typename ... on UserError { code message path } ... on OrderStateError { state allowed } ... on IdempotencyConflictError { retryable } ... on ConflictError { expectedVersion actualVersion } } } }`;

export const cancelMutation = orderMutation('cancelOrder', '$id: ID!, $reason: String, $key: String!', 'id: $id, reason: $reason, idempotencyKey: $key'); // prettier-ignore
