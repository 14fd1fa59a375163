import { randomBytes } from 'node:crypto';
import { pino, type Logger } from 'pino';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export type { Logger };

/** JSON lines on stdout. Secrets never get here: tokens, passwords and cookies are redacted wherever they stand. */
export const createLogger = (service: string, level: string): Logger =>
  pino({
    name: service,
    level,
    redact: {
      paths: [
        'password',
        'token',
        'authorization',
        '*.password',
        '*.token',
        '*.authorization',
        '*.refreshToken',
        '*.accessToken',
      ],
      censor: '[redacted]',
    },
  });

/** Metrics of one process; several services in one process share it and differ by label. */
export type Metrics = {
  readonly registry: Registry;
  /** Seconds of each GraphQL operation, by service, operation name and result code. */
  readonly operationDuration: Histogram<'service' | 'operation' | 'code'>;
  /** Seconds of each background job, by job and outcome. */
  readonly jobDuration: Histogram<'job' | 'outcome'>;
  /** Domain events published and handled, by service, type and outcome. */
  readonly events: Counter<'service' | 'type' | 'outcome'>;
  /** What happened to orders: placed, paid, expired, cancelled, failed, completed, lapsed; by order type. */
  readonly orders: Counter<'type' | 'outcome'>;
  /** Orders that came into a state, and their totals; seconds in the state that was left. Within a minute of the change. */
  readonly orderStates: Counter<'type' | 'state' | 'reason'>;
  readonly orderAmounts: Counter<'type' | 'state' | 'currency'>;
  readonly orderStateSeconds: Histogram<'type' | 'state'>;
  /** Seconds between an order's deadline and its expiry. */
  readonly expiryLateness: Histogram;
  /** Texts sent to the database, and the statements in them, by service. */
  readonly databaseRoundTrips: Counter<'service'>;
  readonly databaseStatements: Counter<'service'>;
  /** Sockets open at this process. */
  readonly sockets: Gauge;
  /** Streams of subscriptions that this gateway has open at their owners; clients that ask the same share one. */
  readonly subscriptionStreams: Gauge;
  /** Events of subscriptions: executed, delivered to clients, coalesced for slow ones; clients detached, streams reopened. */
  readonly subscriptionEvents: Counter<'outcome'>;
  /** Calls of other services that brought no usable answer, by callee and reason. */
  readonly callFailures: Counter<'service' | 'reason'>;
  /** 1 while a callee is given up for the moment, 0.5 while one call tries whether it is back, else 0. */
  readonly circuits: Gauge<'service'>;
};

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  return {
    registry,
    operationDuration: new Histogram({
      name: 'graphql_operation_duration_seconds',
      help: 'Duration of GraphQL operations',
      labelNames: ['service', 'operation', 'code'],
      buckets,
      registers,
    }),
    jobDuration: new Histogram({
      name: 'job_duration_seconds',
      help: 'Duration of background jobs',
      labelNames: ['job', 'outcome'],
      buckets,
      registers,
    }),
    events: new Counter({
      name: 'domain_events_total',
      help: 'Domain events by outcome',
      labelNames: ['service', 'type', 'outcome'],
      registers,
    }),
    orders: new Counter({
      name: 'orders_total',
      help: 'Orders by what happened to them',
      labelNames: ['type', 'outcome'],
      registers,
    }),
    orderStates: new Counter({
      name: 'order_states_total',
      help: 'Orders that came into a state, with the reason where they were closed',
      labelNames: ['type', 'state', 'reason'],
      registers,
    }),
    orderAmounts: new Counter({
      name: 'order_amount_minor_total',
      help: 'Totals of the orders that came into a state, in minor units',
      labelNames: ['type', 'state', 'currency'],
      registers,
    }),
    orderStateSeconds: new Histogram({
      name: 'order_state_seconds',
      help: 'How long orders were in a state that they left',
      labelNames: ['type', 'state'],
      buckets: [0.1, 1, 10, 60, 300, 900, 3_600, 21_600, 86_400, 259_200, 604_800, 2_592_000],
      registers,
    }),
    expiryLateness: new Histogram({
      name: 'order_expiry_lateness_seconds',
      help: 'Expiry after the deadline',
      buckets: [0.1, 0.25, 0.5, 1, 1.5, 2, 5, 10, 30, 60],
      registers,
    }),
    databaseRoundTrips: new Counter({
      name: 'database_round_trips_total',
      help: 'Texts sent to the database, each with one or more statements',
      labelNames: ['service'],
      registers,
    }),
    databaseStatements: new Counter({
      name: 'database_statements_total',
      help: 'Statements sent to the database, transaction control included',
      labelNames: ['service'],
      registers,
    }),
    sockets: new Gauge({ name: 'websocket_connections', help: 'Open WebSocket connections', registers }),
    subscriptionStreams: new Gauge({
      name: 'subscription_streams',
      help: 'Streams that subscriptions share, open at the subgraphs',
      registers,
    }),
    subscriptionEvents: new Counter({
      name: 'subscription_events_total',
      help: 'Events of subscriptions by what became of them',
      labelNames: ['outcome'],
      registers,
    }),
    callFailures: new Counter({
      name: 'service_call_failures_total',
      help: 'Calls of other services without a usable answer',
      labelNames: ['service', 'reason'],
      registers,
    }),
    circuits: new Gauge({
      name: 'service_circuit_open',
      help: 'Circuit to a service: 0 closed, 0.5 on trial, 1 open',
      labelNames: ['service'],
      registers,
    }),
  };
}

const traceBytes = 16;
const spanBytes = 8;
let pool = Buffer.alloc(8 * 1024);
let taken = pool.length;

/** Random hex digits, two for each byte, from a pool: a system call for each id was 4 % of a small request. */
function randomHex(bytes: number): string {
  if (taken + bytes > pool.length) {
    pool = randomBytes(pool.length);
    taken = 0;
  }
  taken += bytes;
  return pool.toString('hex', taken - bytes, taken);
}

/** The trace id of a W3C `traceparent` header, or a new one (32 hex digits). */
export function traceIdFrom(traceparent: string | undefined): string {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent ?? '');
  return match?.[1] !== undefined && !/^0+$/.test(match[1]) ? match[1] : randomHex(traceBytes);
}

/** A trace id for work that no request began. */
export const newTraceId = (): string => traceIdFrom(undefined);

/** A `traceparent` header that carries this trace on, with a new span id. */
export const traceparentOf = (traceId: string): string => `00-${traceId}-${randomHex(spanBytes)}-01`;
