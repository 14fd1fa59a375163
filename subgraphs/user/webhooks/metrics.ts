import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Database } from '../../shared/database/database.ts';
import { noteFailure } from '../../shared/process/dependency.ts';
import type { Logger } from '../../shared/process/telemetry.ts';
import { countOpen } from './delivery-store.ts';

/** What Prometheus is told of outgoing webhooks. */
export type WebhookMetrics = {
  /** Attempts by how they ended. */
  readonly attempts: Counter<'outcome'>;
  /** Seconds from the event until an endpoint took it. */
  readonly lag: Histogram;
  readonly disabled: Counter;
};

const gaugeFreshMs = 60_000;

export function openWebhookMetrics(registry: Registry, db: Database, log: Logger): WebhookMetrics {
  const registers = [registry];
  let freshUntilMs = 0;
  const waiting = new Gauge({
    name: 'webhook_deliveries_waiting',
    help: 'Deliveries that wait for their first try (PENDING) or another one (FAILED)',
    labelNames: ['state'],
    registers,
    async collect() {
      if (performance.now() < freshUntilMs) return;
      try {
        const counts = await countOpen(db.em());
        waiting.reset();
        for (const { state, count } of counts) waiting.set({ state }, count);
        freshUntilMs = performance.now() + gaugeFreshMs;
      } catch (error) {
        noteFailure(log, error, 'a metric can not be read', { metric: 'webhook_deliveries_waiting' });
        waiting.reset();
      }
    },
  });
  return {
    attempts: new Counter({
      name: 'webhook_attempts_total',
      help: 'Attempts to deliver a webhook, by how they ended: SENT, FAILED or DEAD',
      labelNames: ['outcome'],
      registers,
    }),
    lag: new Histogram({
      name: 'webhook_delivery_lag_seconds',
      help: 'From an event until an endpoint took it',
      buckets: [0.1, 0.5, 1, 2, 5, 15, 60, 300, 1_800, 7_200, 86_400, 259_200],
      registers,
    }),
    disabled: new Counter({
      name: 'webhook_endpoints_disabled_total',
      help: 'Endpoints that were disabled because they failed for days, or are gone',
      registers,
    }),
  };
}
