import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Database } from '../shared/database/database.ts';
import { noteFailure } from '../shared/process/dependency.ts';
import type { Logger } from '../shared/process/telemetry.ts';
import type { PaymentEvent } from './domain/payment.ts';
import { openDays } from './domain/reconciliation.ts';
import { sumByKind } from './ledger/ledger-store.ts';
import { type PaymentMethod, webhookOutcomes } from './records.ts';
import { sumDifferences } from './reconciliation-store.ts';

/** What Prometheus is told of payments. Amounts are in minor units of their currency. */
export type PaymentMetrics = {
  /** Attempts by what became of them. */
  readonly attempts: Counter<'provider' | 'method' | 'outcome'>;
  readonly refunds: Counter<'provider' | 'method' | 'outcome'>;
  /** Money that came in and went back. */
  readonly amounts: Counter<'currency' | 'method' | 'movement'>;
  /** Deliveries by outcome; `UNAVAILABLE` for those that could not be stored. */
  readonly webhooks: Counter<'provider' | 'outcome'>;
  /** Deliveries that were answered and counted, and not kept: too many a minute. */
  readonly webhooksNotKept: Counter<'provider' | 'kind'>;
  /** Seconds from when the provider made an event until what follows from it was committed. */
  readonly webhookLag: Histogram<'provider'>;
};

/** How long what is read from the database for the gauges is good for. */
const gaugesFreshMs = 60_000;

const attemptOutcomes: Partial<Record<PaymentEvent['type'], string>> = {
  PaymentCreated: 'started',
  PaymentRetried: 'started',
  PaymentSettled: 'succeeded',
  CapturedLate: 'late',
  CapturedTwice: 'twice',
  PaymentFailed: 'failed',
  AttemptFailed: 'failed',
  PaymentCancelled: 'cancelled',
  PaymentExpired: 'expired',
};
const refundOutcomes: Partial<Record<PaymentEvent['type'], string>> = {
  RefundRequested: 'requested',
  CapturedTwice: 'requested',
  RefundSucceeded: 'succeeded',
  SurplusRefunded: 'succeeded',
  RefundRepeated: 'succeeded',
  RefundFailed: 'failed',
  RefundRefused: 'refused',
  RefundReturned: 'returned',
};
const moneyMovements: Partial<Record<PaymentEvent['type'], string>> = {
  PaymentSettled: 'captured',
  CapturedLate: 'captured',
  CapturedTwice: 'captured',
  RefundSucceeded: 'refunded',
  SurplusRefunded: 'refunded',
};

/** What was written into a payment's journal. */
export type Journalled = {
  readonly payment: { readonly method: PaymentMethod; readonly currency: string };
  readonly events: readonly PaymentEvent[];
};

/** Counts what a transaction that has committed wrote. `provider` is who serves the method. */
export function countJournalled(metrics: PaymentMetrics, provider: string, { payment, events }: Journalled): void {
  const { method, currency } = payment;
  for (const event of events) {
    const [attempt, refund, movement] = [attemptOutcomes[event.type], refundOutcomes[event.type], moneyMovements[event.type]]; // prettier-ignore
    if (attempt) metrics.attempts.inc({ provider, method, outcome: attempt });
    if (refund) metrics.refunds.inc({ provider, method, outcome: refund });
    if (movement && 'amountMinor' in event) metrics.amounts.inc({ currency, method, movement }, Number(event.amountMinor)); // prettier-ignore
  }
}

/** Who serves a method of payment. */
type Served = ReadonlyMap<PaymentMethod, { readonly name: string }>;

/** Counts nothing yet: of a series that begins with its first event Prometheus sees no increase, and an alert misses that event. */
function beginAtZero({ attempts, refunds, webhooks }: PaymentMetrics, served: Served): void {
  for (const [method, { name: provider }] of served) {
    for (const outcome of Object.values(attemptOutcomes)) attempts.inc({ provider, method, outcome }, 0);
    for (const outcome of Object.values(refundOutcomes)) refunds.inc({ provider, method, outcome }, 0);
    for (const outcome of [...webhookOutcomes, 'UNAVAILABLE']) webhooks.inc({ provider, outcome }, 0);
  }
}

/** Registers the payment service's metrics, once a registry. */
export function openPaymentMetrics(
  registry: Registry,
  { db, log, served }: { db: Database; log: Logger; served: Served },
): PaymentMetrics {
  openGauges(registry, db, log);
  const metrics = createMetrics(registry);
  beginAtZero(metrics, served);
  return metrics;
}

function createMetrics(registry: Registry): PaymentMetrics {
  const registers = [registry];
  return {
    attempts: new Counter({
      name: 'payment_attempts_total',
      help: 'Attempts to pay, by what became of them',
      labelNames: ['provider', 'method', 'outcome'],
      registers,
    }),
    refunds: new Counter({
      name: 'payment_refunds_total',
      help: 'Refunds, by what became of them',
      labelNames: ['provider', 'method', 'outcome'],
      registers,
    }),
    amounts: new Counter({
      name: 'payment_amount_minor_total',
      help: 'Money captured and refunded, in minor units',
      labelNames: ['currency', 'method', 'movement'],
      registers,
    }),
    webhooks: new Counter({
      name: 'payment_webhooks_total',
      help: 'Webhook deliveries by outcome',
      labelNames: ['provider', 'outcome'],
      registers,
    }),
    webhooksNotKept: new Counter({
      name: 'payment_webhooks_not_kept_total',
      help: 'Forged and repeated webhook deliveries beyond what is kept a minute',
      labelNames: ['provider', 'kind'],
      registers,
    }),
    webhookLag: new Histogram({
      name: 'payment_webhook_lag_seconds',
      help: "From the provider's time of an event to its commit here",
      labelNames: ['provider'],
      buckets: [0.1, 0.5, 1, 2, 5, 15, 60, 300, 1_800, 7_200, 86_400],
      registers,
    }),
  };
}

/** Gauges that are read from the database when somebody looks, at most once a minute. */
function openGauges(registry: Registry, db: Database, log: Logger): void {
  const gauge = <Label extends string>(
    description: { name: string; help: string; labelNames: Label[] },
    read: () => Promise<{ labels: Record<Label, string>; value: number }[]>,
  ): void => {
    let freshUntilMs = 0;
    const made: Gauge<Label> = new Gauge<Label>({
      ...description,
      registers: [registry],
      async collect() {
        if (performance.now() < freshUntilMs) return;
        try {
          const values = await read();
          made.reset();
          for (const { labels, value } of values) made.set(labels, value);
          freshUntilMs = performance.now() + gaugesFreshMs;
        } catch (error) {
          // The other metrics are wanted most when the database is away.
          noteFailure(log, error, 'a metric can not be read', { metric: description.name });
          made.reset();
        }
      },
    });
  };
  gauge(
    {
      name: 'wallet_balance_minor',
      help: "Sum of the ledger's accounts by kind, in minor units; those of a currency sum to zero",
      labelNames: ['kind', 'currency'],
    },
    async () =>
      (await sumByKind(db.em())).map(({ kind, currency, total }) => ({ labels: { kind, currency }, value: total })),
  );
  gauge(
    {
      name: 'payment_reconciliation_differences',
      help: "Differences between providers' statements and the ledger in the reports of the last week",
      labelNames: ['provider', 'kind'],
    },
    async () =>
      (await sumDifferences(db.em(), openDays)).map(({ provider, kind, count }) => ({
        labels: { provider, kind },
        value: count,
      })),
  );
}
