import type { Unit } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { appendEvent, paymentAwaited } from '../events.ts';
import type { AwaitedState } from '../providers/provider.ts';
import type { PaymentRow } from '../records.ts';
import { updateDeadline } from '../payment-store.ts';

/** What its provider holds for the payment, in minor units. */
export const authorizedMinor = ({ state, amountMinor }: Pick<PaymentRow, 'state' | 'amountMinor'>): bigint =>
  state === 'AUTHORIZED' ? amountMinor : 0n;

const patienceMs = (deps: Pick<PaymentDeps, 'providers'>, { method, state }: PaymentRow): number | undefined =>
  deps.providers.get(method)?.patienceMs?.[state as AwaitedState];

/** Until when the payment's order waits for it; null where it does not, as while the customer has still to pay. */
export const awaitedUntil = (deps: Pick<PaymentDeps, 'providers'>, payment: PaymentRow): Date | null =>
  patienceMs(deps, payment) === undefined ? null : (payment.expiresAt ?? null);

/**
 * Has the order wait for a payment that has come so far, as long as the provider's patience says from now on, in the
 * transaction of the change that brought it there.
 */
export async function awaitPayment(unit: Unit, deps: PaymentDeps, payment: PaymentRow): Promise<void> {
  const patience = patienceMs(deps, payment) ?? (payment.state === 'AUTHORIZED' ? 0 : undefined);
  if (patience === undefined) return;
  const untilMs = Math.max(deps.now().getTime() + patience, payment.expiresAt?.getTime() ?? 0);
  const until = new Date(untilMs);
  await updateDeadline(unit.sql, payment.id, until);
  await appendEvent(unit, deps, payment, paymentAwaited(payment, { until, authorizedMinor: authorizedMinor(payment) }));
}
