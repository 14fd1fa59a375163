import { Gauge, type Registry } from 'prom-client';
import { noteFailure } from '../../shared/process/dependency.ts';
import type { UserDeps } from '../dependencies.ts';
import { countHanging } from './erasure-store.ts';

/** An erasure that takes longer waits for somebody: an order that goes on, a dead letter, a service that is away. */
const hangingAfterMs = 3_600_000;

/** Tells Prometheus of erasures that don't come to an end. */
export function openErasureMetrics(registry: Registry, { db, log, now }: Pick<UserDeps, 'db' | 'log' | 'now'>): void {
  const hanging = new Gauge({
    name: 'erasures_hanging',
    help: 'Users whose erasure was asked for more than an hour ago and is not done everywhere',
    registers: [registry],
    async collect() {
      try {
        hanging.set(await countHanging(db.em(), new Date(now().getTime() - hangingAfterMs)));
      } catch (error) {
        noteFailure(log, error, 'a metric can not be read', { metric: 'erasures_hanging' });
        hanging.remove();
      }
    },
  });
}
