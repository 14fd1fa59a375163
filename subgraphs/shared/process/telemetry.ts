import { createRequire } from 'node:module';
import { type DestinationStream, type Logger, pino } from 'pino';
import type PinoPretty from 'pino-pretty';
import { Counter, Gauge, Histogram, type HistogramConfiguration, Registry, collectDefaultMetrics } from 'prom-client';
import { type Backlog, openBacklog, showEventLoop } from './backlog.ts';
import type { Tracing } from '../tracing/tracing.ts';

export type { Logger };
export { newTraceId, traceIdFrom, traceparentOf } from '../tracing/trace-ids.ts';

export const logFormats = ['json', 'pretty'] as const;

/** `LOG_FORMAT`; without it lines for people on a terminal, and JSON in a pipe or a file. */
const wantsPretty = (): boolean =>
  process.env['LOG_FORMAT'] ? process.env['LOG_FORMAT'] === 'pretty' : process.stdout.isTTY;

/** Lines for people, on stdout. Its package is loaded here only. */
function prettyLines(): DestinationStream {
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  return pretty({
    // The processes of `npm start -- --split` write into a pipe, whose other end knows whether it is a terminal.
    colorize: process.stdout.isTTY || process.env['FORCE_COLOR'] === '1',
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname',
    singleLine: true,
    sync: true,
  });
}

/** Lines on stdout, JSON or for people. Secrets never get here: tokens, passwords and cookies are redacted wherever they stand. */
export function createLogger(service: string, level: string): Logger {
  const options = {
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
  };
  return level !== 'silent' && wantsPretty() ? pino(options, prettyLines()) : pino(options);
}

/** Says one line for an operation or a job; undefined where nobody wants them (`LOG_OPERATIONS`). */
export type OperationLog = (fields: object, message: 'operation' | 'job') => void;

export const operationLevels = ['info', 'debug', 'silent'] as const;
export type OperationLevel = (typeof operationLevels)[number];

export function openOperationLog(log: Logger, level: OperationLevel): OperationLog | undefined {
  if (level === 'silent' || !log.isLevelEnabled(level)) return undefined;
  return (fields, message) => log[level](fields, message);
}

/** Metrics of one process; several services in one process share it and differ by label. */
export type Metrics = {
  readonly registry: Registry;
  /** The process's traces; undefined where they are off. */
  readonly tracing?: Tracing | undefined;
  /** What waits in tables, streams, jobs and pools. */
  readonly backlog: Backlog;
  /** Seconds of each GraphQL operation, by service, operation name and result code; `caller`: `api` for clients, `service` for our own. */
  readonly operationDuration: Histogram<'service' | 'operation' | 'code' | 'caller'>;
  /** Seconds of each request of the gateway to a subgraph; `outcome`: the code of its error, or OK. */
  readonly fetchDuration: Histogram<'subgraph' | 'outcome'>;
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

/** @param tracing goes with the metrics to everything that is measured */
export function createMetrics(tracing?: Tracing): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  showEventLoop(registry);
  const registers = [registry];
  // Registered afterwards: prom-client refuses exemplars in a registry of Prometheus's form. metrics-text.ts writes both.
  const withExemplars = <Label extends string>(of: HistogramConfiguration<Label>): Histogram<Label> => {
    const histogram = new Histogram({ ...of, enableExemplars: true, registers: [] });
    registry.registerMetric(histogram);
    return histogram;
  };
  const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  return {
    registry,
    tracing,
    backlog: openBacklog(registry),
    operationDuration: withExemplars({
      name: 'graphql_operation_duration_seconds',
      help: 'Duration of GraphQL operations',
      labelNames: ['service', 'operation', 'code', 'caller'],
      buckets,
    }),
    fetchDuration: withExemplars({
      name: 'gateway_fetch_duration_seconds',
      help: 'Duration of requests of the gateway to subgraphs',
      labelNames: ['subgraph', 'outcome'],
      buckets,
    }),
    jobDuration: withExemplars({
      name: 'job_duration_seconds',
      help: 'Duration of background jobs',
      labelNames: ['job', 'outcome'],
      buckets,
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
    ...liveMetrics(registers),
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

const liveMetrics = (
  registers: Registry[],
): Pick<Metrics, 'sockets' | 'subscriptionStreams' | 'subscriptionEvents'> => ({
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
});
