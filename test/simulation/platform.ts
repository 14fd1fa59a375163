import { isUnavailable } from '../../subgraphs/shared/errors/errors.ts';
import { startEventConsumer } from '../../subgraphs/shared/events/event-consumer.ts';
import type { EventHandler } from '../../subgraphs/shared/events/handle-events.ts';
import type { DomainEvent } from '../../subgraphs/shared/tables/outbox.ts';
import { type Loop, startLoop } from '../../subgraphs/shared/process/loop.ts';
import { startOutboxRelay } from '../../subgraphs/shared/events/outbox-relay.ts';
import type { Route } from '../../subgraphs/shared/engine/subgraph.ts';
import type { Logger, Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import { advanceOrders } from '../../subgraphs/order/commands/advance-order.ts';
import { expireOrders } from '../../subgraphs/order/commands/expire-orders.ts';
import { paymentHandlers } from '../../subgraphs/order/consumers.ts';
import type { OrderDeps } from '../../subgraphs/order/deps.ts';
import { recoverSagas } from '../../subgraphs/order/saga.ts';
import { creditTopUp } from '../../subgraphs/order/top-up-credit.ts';
import { openPriceBook, tableTaxes } from '../../subgraphs/order/price-book.ts';
import { orderTypes } from '../../subgraphs/order/types/registry.ts';
import type { PaymentDeps, Work } from '../../subgraphs/payment/deps.ts';
import { checkAttempts, closeOverdue, executeRefunds, reapplyWebhooks } from '../../subgraphs/payment/jobs.ts';
import { orderEvents } from '../../subgraphs/payment/order-events.ts';
import { webhookRoute } from '../../subgraphs/payment/webhooks.ts';
import { reserveAlone } from '../../subgraphs/product/commands/reserve-stock.ts';
import { openReservationLanes } from '../../subgraphs/product/commands/reserve-together.ts';
import type { ProductDeps } from '../../subgraphs/product/deps.ts';
import { eventHandlers, sources as productSources } from '../../subgraphs/product/events.ts';
import { Bank } from './bank.ts';
import { DatabaseServer } from './database/connect.ts';
import type { Guards } from './mutations.ts';
import { Network, serviceCalls } from './network.ts';
import { operations } from './operations.ts';
import { RedisServer } from './redis.ts';
import { type Process, type Scheduler, noFaults } from './schedule.ts';

export const services = ['order', 'product', 'payment'] as const;
export type ServiceName = (typeof services)[number];

/** One process of the platform, with all three services and their background work, as `npm start` has them. */
export type Running = {
  readonly process: Process;
  readonly order: OrderDeps;
  readonly product: ProductDeps;
  readonly payment: PaymentDeps;
  readonly webhooks: Route;
};

/** How long an order waits for its money here. */
export const paymentWindowSeconds = 6;
/** As they are by default; the shop's buyers stay below. */
const openOrders = { ordersPerCustomer: 20, unitsPerCustomer: 200, ordersPerAddress: 1_600, unitsPerAddress: 16_000 };
const sweepMs = 5_000;
const sagaSweepMs = 2_000;
/** What failures say that faults of the simulation explain. */
const explained = ['connection', 'Deadlock', 'no answer'];
const nothing = { inc: () => undefined, observe: () => undefined, set: () => undefined, watch: () => () => undefined };
const silent = new Proxy({}, { get: (_, name) => (name === 'tracing' ? undefined : nothing) });
const live = { publish: () => undefined, listen: () => () => undefined, close: () => Promise.resolve() };

/** The platform on simulated servers: the product's own commands, sagas, relays and consumers, each process with its own. */
export class Platform {
  readonly scheduler: Scheduler;
  readonly guards: Guards;
  readonly databases: Readonly<Record<ServiceName, DatabaseServer>>;
  readonly redis: RedisServer;
  readonly bank: Bank;
  readonly outside: Process = processOf('outside', 1, false);
  readonly network: Network<Running>;
  readonly running: Running[] = [];
  /** How often each service applied each event, by `service type id`. */
  readonly applied = new Map<string, number>();
  /** What a process said as an error, which none of the faults explains. */
  readonly complaints: string[] = [];
  readonly #callsOf: ReturnType<typeof serviceCalls<Running>>;
  #ids = 0;
  #processes = 0;

  constructor(scheduler: Scheduler, guards: Guards) {
    this.scheduler = scheduler;
    this.guards = guards;
    const options = { buffers: new Map<string, Buffer>(), apart: guards.apart };
    const server = (name: ServiceName) => new DatabaseServer(scheduler, guards.prepared[name], options);
    this.databases = { order: server('order'), product: server('product'), payment: server('payment') };
    this.redis = new RedisServer(scheduler, this.outside);
    this.bank = new Bank(scheduler);
    this.network = new Network(scheduler, this.outside, () => this.running);
    this.#callsOf = serviceCalls(this.network, operations, (error, operation) => this.#complain(`${operation} fails`, error)); // prettier-ignore
  }

  /** Ids in the order in which they were made, the same for the same seed. */
  readonly newId = (): string => `00000000-0000-7000-8000-${(this.#ids += 1).toString(16).padStart(12, '0')}`;

  /** Starts another process; where others do, it need not consume events. */
  start(consumes = true): Running {
    const { scheduler } = this;
    const { random } = scheduler;
    const process = processOf(`process ${(this.#processes += 1)}`, random.pick([2, 4, 8]), true);
    // The platform's clocks agree to within a second.
    const skewMs = random.chance(0.7) ? 0 : random.integer(-900, 900);
    const now = (): Date => new Date(scheduler.nowMs + skewMs);
    const log = this.#logOf(process);
    const time = scheduler.timeOf(process);
    const call = this.#callsOf(process);
    const redis = this.redis.connect(process);
    const metrics = silent as Metrics;
    const loops: Partial<Record<Work | 'relay' | 'advance' | 'expiry', Loop>> = {};
    const common = { log, now, newId: this.newId, live, call, time, metrics };
    const database = (name: ServiceName) => this.databases[name].connect(process, log);
    const orderDatabase = database('order');
    const priceBook = openPriceBook({ db: orderDatabase, live, time, now });
    const order: OrderDeps = {
      ...common,
      db: orderDatabase,
      priceBook,
      taxProvider: tableTaxes(priceBook),
      // Nobody guesses here: every code exists.
      couponGuesses: { count: () => Promise.resolve(null) },
      feed: {} as OrderDeps['feed'],
      types: orderTypes({ creditTopUp: creditTopUp(call) }),
      config: {
        paymentWindowSeconds, placingWaitMs: 1_500, placingDeadlineMs: 2_500, shopTimeZone: 'UTC', staffApprovalAboveMinor: 1_000_000n, lapseGraceHours: 48, returnWindowDays: 30, openOrders, couponGuesses: { perCustomer: 30, perAddress: 300 }, pricesIncludeTax: true, shopCountry: 'DE',
      },
      processId: this.newId(),
      wakeExpiry: (at) => void time.after(Math.max(0, at.getTime() - scheduler.nowMs), () => loops.expiry?.kick()),
      kickRelay: () => loops.relay?.kick(),
      forget: () => Promise.resolve(true),
      kickAdvance: () => loops.advance?.kick(),
    }; // prettier-ignore
    const stock = { ...common, db: database('product') };
    const product: ProductDeps = {
      ...stock,
      reservations: openReservationLanes(stock, (input) => reserveAlone(stock, input)),
      cacheVersions: {} as ProductDeps['cacheVersions'],
      kickRelay: () => undefined,
    };
    const payment: PaymentDeps = {
      ...common,
      env: {},
      metrics: silent as PaymentDeps['metrics'],
      db: database('payment'),
      providers: new Map([['SIMULATED_CARD', this.bank.connect(process)]]),
      capture: 'automatic',
      staffApprovalAboveMinor: 1_000_000n,
      webhookRetentionDays: 90,
      forget: () => Promise.resolve(true),
      wake: (work) => loops[work]?.kick(),
    };
    const loop = (name: string, everyMs: number, turn: () => Promise<unknown>): Loop =>
      startLoop({ name, everyMs, log, time, turn: async () => void (await turn()) });
    const relay = (service: 'order' | 'payment', db: OrderDeps['db']): Loop =>
      startOutboxRelay({ service, db, redis, log, metrics, time });
    const consume = (service: ServiceName, sources: readonly string[], given: Handlers, db: OrderDeps['db']): void => {
      const handlers = this.#counted(service, given.handlers);
      startEventConsumer({ service, sources, handlers, onHandled: given.onHandled, db, redis, log, metrics, time });
    };
    Object.assign(loops, {
      relay: relay('order', order.db),
      outbox: relay('payment', payment.db),
      advance: loop('advance', sweepMs, () => advanceOrders(order)),
      refunds: loop('refunds', sweepMs, () => executeRefunds(payment)),
      attempts: loop('attempts', sweepMs, async () => {
        await closeOverdue(payment);
        await checkAttempts(payment);
        await reapplyWebhooks(payment);
      }),
      expiry: loop('expire', sweepMs, () => expireOrders(order)),
    });
    loop('sagas', sagaSweepMs, () => recoverSagas(order));
    if (consumes) {
      consume('order', ['payment'], paymentHandlers(order), order.db);
      consume('product', productSources, eventHandlers(product), product.db);
      consume('payment', ['order'], orderEvents(payment), payment.db);
    }
    const running = { process, order, product, payment, webhooks: webhookRoute(payment) };
    this.running.push(running);
    return running;
  }

  /** Ends all faults: every process goes on, those that died have been replaced. */
  heal(): void {
    this.scheduler.faults = noFaults;
    for (const { process } of this.running) process.pausedUntilMs = 0;
  }

  #counted(service: ServiceName, handlers: Handlers['handlers']): Handlers['handlers'] {
    const database = this.databases[service];
    const { alterEvent } = this.guards;
    return Object.fromEntries(
      Object.entries(handlers).map(([type, handler]): [string, EventHandler] => [
        type,
        (tx, event) => {
          database.whenCommitted(tx, () => {
            const key = `${service} ${event.type} ${event.id}`;
            this.applied.set(key, (this.applied.get(key) ?? 0) + 1);
          });
          return handler(tx, alterEvent ? alterEvent(event) : event);
        },
      ]),
    );
  }

  #logOf(process: Process): Logger {
    const note = ({ err }: { err?: unknown }, message: string) =>
      this.scheduler.note(
        process,
        `${message} ${err instanceof Error ? err.message : typeof err === 'string' ? err : ''}`,
      );
    const error = (fields: { err?: Error }, message: string) => {
      note(fields, message);
      if (!fields.err || !isUnavailable(fields.err)) this.#complain(message, fields.err);
    };
    const warn = (fields: { err?: unknown }, message: string) => {
      note(fields, message);
      // A loop says as text why its turn failed.
      if (
        typeof fields.err === 'string' &&
        message.includes('loop failed') &&
        !explained.some((one) => String(fields.err).includes(one))
      )
        this.complaints.push(`${message}: ${fields.err}`);
    };
    return { debug: () => undefined, info: note, warn, error } as unknown as Logger;
  }

  #complain(message: string, error: Error | undefined): void {
    this.complaints.push(`${message}: ${error?.message ?? ''}`);
  }
}

type Handlers = {
  readonly handlers: Readonly<Record<string, EventHandler>>;
  readonly onHandled: (event: DomainEvent) => void;
};

const processOf = (name: string, slowness: number, mayFail: boolean): Process => ({
  name, isAlive: true, pausedUntilMs: 0, slowness, mayFail, whenDead: new Set(),
}); // prettier-ignore
