import { noteFailure } from '../../shared/process/dependency.ts';
import { badUserInput } from '../../shared/errors/errors.ts';
import { isId } from '../../shared/values/ids.ts';
import { inTime } from '../../shared/time/in-time.ts';
import { transact } from '../unit.ts';
import { type PaymentDeps, providerNamed } from '../deps.ts';
import { isUnpaid, refundableMinor } from '../domain/payment.ts';
import { ProviderUnreachable } from '../providers/provider.ts';
import type { AttemptRow, PaymentRow } from '../records.ts';
import { findLiveAttempts } from '../attempt-store.ts';
import { findPaymentsBy } from '../payment-store.ts';
import { applyFact } from './apply-fact.ts';
import { awaitedUntil, authorizedMinor } from './await-payment.ts';
import { knownAttempt } from './submit-attempt.ts';

/** What is known of an order's money when the order is about to close; an order without any is not told of. */
export type ClosingOutlook = {
  readonly orderId: string;
  /** What has come in and is not going back, in minor units. */
  readonly settledMinor: number;
  /** When the last of it was paid. */
  readonly paidAt: Date | null;
  /** The payment that is waited for, and until when. */
  readonly paymentId: string | null;
  readonly until: Date | null;
  readonly authorizedMinor: number;
};

const maxOrders = 200;
/** The order service waits for the answer, and for all orders of its batch at once. */
const askWithinMs = 1_000;
const concurrency = 32;

/**
 * Asks the providers once about the live attempts of these orders, which are about to close, and applies what they say: a
 * webhook that is late by seconds costs no sale. A provider that does not answer within a second has said nothing.
 */
export async function settleBeforeClosing(
  deps: PaymentDeps,
  { orderIds }: { orderIds: readonly string[] },
): Promise<readonly ClosingOutlook[]> {
  if (orderIds.length > maxOrders || !orderIds.every(isId))
    throw badUserInput(`orderIds: takes up to ${maxOrders} ids.`);
  if (orderIds.length === 0) return [];
  const before = await findPaymentsBy(deps.db.em(), 'order_id', orderIds);
  const unpaid = before.filter(({ state }) => isUnpaid(state));
  if (unpaid.length > 0) await askProviders(deps, unpaid);
  const payments = unpaid.length > 0 ? await findPaymentsBy(deps.db.em(), 'order_id', orderIds) : before;
  return [...Map.groupBy(payments, ({ orderId }) => orderId)].map(([orderId, own]) => outlookOf(deps, orderId, own));
}

async function askProviders(deps: PaymentDeps, payments: readonly PaymentRow[]): Promise<void> {
  const byId = new Map(payments.map((payment) => [payment.id, payment]));
  const queue = await findLiveAttempts(deps.db.em(), [...byId.keys()]);
  const workers = Array.from({ length: Math.min(concurrency, queue.length) }, async () => {
    for (let attempt = queue.shift(); attempt !== undefined; attempt = queue.shift()) {
      const payment = byId.get(attempt.paymentId);
      if (payment) await askOnce(deps, payment, attempt);
    }
  });
  // What is not answered by then is not waited for; it is applied all the same when it comes.
  await inTime(Promise.all(workers), askWithinMs, deps.time).catch((error: Error) => {
    noteFailure(deps.log, error, 'not every provider has answered before its order closes');
  });
}

/** Never rejects: the order is closed by its deadline whatever the provider is doing. */
async function askOnce(deps: PaymentDeps, payment: PaymentRow, attempt: AttemptRow): Promise<void> {
  try {
    const provider = providerNamed(deps, attempt.provider);
    if (provider.offline) return;
    const intent = await provider.getIntent(knownAttempt(payment, attempt, String(attempt.providerIntentId)));
    const { fact } = intent;
    if (fact === null) return;
    const about = { provider: attempt.provider, attemptId: attempt.id, intentId: intent.id, fact };
    await transact(deps, (unit) => applyFact(unit, deps, about, { source: 'poll', at: deps.now() }));
  } catch (error) {
    if (error instanceof ProviderUnreachable) return; // said by `watched`
    noteFailure(deps.log, error, 'an order closes without its provider’s word', { attemptId: attempt.id });
  }
}

function outlookOf(deps: PaymentDeps, orderId: string, payments: readonly PaymentRow[]): ClosingOutlook {
  const settled = payments.filter(({ paidAt }) => paidAt !== null && paidAt !== undefined);
  const paidAtMs = Math.max(0, ...settled.map(({ paidAt }) => (paidAt as Date).getTime()));
  const awaited = payments.find((payment) => isUnpaid(payment.state) && awaitedUntil(deps, payment) !== null);
  return {
    orderId,
    settledMinor: Number(settled.reduce((sum, payment) => sum + refundableMinor(payment), 0n)),
    paidAt: settled.length > 0 ? new Date(paidAtMs) : null,
    paymentId: awaited?.id ?? null,
    until: awaited ? awaitedUntil(deps, awaited) : null,
    authorizedMinor: awaited ? Number(authorizedMinor(awaited)) : 0,
  };
}
