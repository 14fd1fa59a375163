import type { Metrics } from '../shared/process/telemetry.ts';
import { closedStates } from './domain/order-model.ts';
import type { StateChange } from './state-change-store.ts';

/** Counts changes of states: how many orders, of how much, and how long they were in the state before. */
export function countStates(
  metrics: Pick<Metrics, 'orderStates' | 'orderAmounts' | 'orderStateSeconds'>,
  changes: readonly StateChange[],
): void {
  for (const { type, currency, totalMinor, from, to, cancelReason, at, since } of changes) {
    const reason = closedStates.includes(to) ? (cancelReason ?? '') : '';
    metrics.orderStates.inc({ type, state: to, reason });
    metrics.orderAmounts.inc({ type, state: to, currency }, Number(totalMinor));
    if (from !== null && since !== null)
      metrics.orderStateSeconds.observe({ type, state: from }, Math.max(0, at.getTime() - since.getTime()) / 1_000);
  }
}
