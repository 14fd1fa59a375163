import { noteFailure } from '../shared/process/dependency.ts';
import type { Jobs } from '../shared/jobs/jobs.ts';
import { type DueWork, startDueWork } from '../shared/process/due-work.ts';
import { purgeShared } from '../shared/tables/retention.ts';
import { applyFact, hurryAttempt } from './commands/apply-fact.ts';
import { readReconciliationHour } from './config.ts';
import { executeCapture } from './commands/capture-payment.ts';
import { awaitedUntil } from './commands/await-payment.ts';
import { changePayment } from './commands/change-payment.ts';
import { reapplyDelivery } from './commands/receive-webhook.ts';
import { reconcileDue } from './commands/reconcile-day.ts';
import { executeRefund } from './commands/refund-payment.ts';
import { endIntent, findAttempted, knownAttempt, submitAttempt } from './commands/submit-attempt.ts';
import { transact } from './unit.ts';
import { type PaymentDeps, providerNamed } from './deps.ts';
import { decideClose, isUnpaid } from './domain/payment.ts';
import { appendEvent, paymentFailed } from './events.ts';
import { ProviderUnreachable } from './providers/provider.ts';
import type { AttemptRow, PaymentRow } from './records.ts';
import { claimAttempt, findDueAttempts, stopChecking } from './attempt-store.ts';
import { findDueTimes } from './due-store.ts';
import { findOverdue, findPayment, lockPayment } from './payment-store.ts';
import { forgetLinesBefore } from './reconciliation-store.ts';
import { claimRefund, findDueRefunds } from './refund-store.ts';
import { claimDelivery, deleteDeliveries, findDueDeliveries, lockDelivery, scheduleRetry } from './webhook-store.ts';

const batchSize = 50;
/** At the same time at the provider, per turn. */
const concurrency = 8;
const lookEveryMs = 10_000;
const purgeEveryMs = 3_600_000;
/** How soon a day that has become due is reconciled. */
const reconcileEveryMs = 600_000;
const maxBackoffSeconds = 300;
/** Some refunds take the provider days. */
const maxRefundBackoffSeconds = 3_600;
/** The order service closes an expired order well within this; afterwards an unpaid payment ends without it. */
const closeGraceSeconds = 60;
const unknownPaymentHours = 24;
/** Of forged ones and repetitions. */
const unusedRetentionDays = 7;
const statementRetentionDays = 90;
const purgeBatch = 5_000;
const maxPurgeBatches = 20;

/** Seconds to the next look at something that was looked at `tries` times before, from `baseSeconds` up to `maxSeconds`. */
const backoffSeconds = (baseSeconds: number, tries: number, maxSeconds = maxBackoffSeconds): number =>
  Math.min(maxSeconds, baseSeconds * 2 ** Math.min(tries, 11));

/** Asks the provider about attempts that are due: without an answer yet, without a webhook, or to be called off. Returns how many. */
export async function checkAttempts(deps: PaymentDeps): Promise<number> {
  const due = await findDueAttempts(deps.db.em(), batchSize);
  await inParallel(due, async (attempt) => {
    const payment = await findPayment(deps.db.em(), attempt.paymentId);
    if (!payment) return;
    const urgent = attempt.state === 'CREATED' || !isUnpaid(payment.state) || payment.capturingMinor > 0n;
    const nextSeconds = backoffSeconds(urgent ? 2 : 15, attempt.checks);
    if (!(await claimAttempt(deps.db.em(), attempt.id, nextSeconds))) return;
    await guarded(deps, { attemptId: attempt.id }, () => checkAttempt(deps, payment, attempt));
  });
  return due.length;
}

async function checkAttempt(deps: PaymentDeps, payment: PaymentRow, attempt: AttemptRow): Promise<void> {
  if (attempt.live === null) {
    await stopChecking(deps.db.em(), attempt.id);
    return;
  }
  const about = { provider: attempt.provider, attemptId: attempt.id };
  const cause = { source: 'poll', at: deps.now() } as const;
  if (!isUnpaid(payment.state)) {
    const ended = await endIntent(deps, payment, attempt);
    await transact(deps, (unit) => applyFact(unit, deps, { ...about, ...ended }, cause));
  } else if (!attempt.providerIntentId) {
    const ids = { paymentId: payment.id, attemptId: attempt.id };
    await submitAttempt(deps, await findAttempted(deps.db.em(), ids), 'job');
  } else if (payment.capturingMinor > 0n) {
    await executeCapture(deps, payment.id, 'job');
  } else {
    const intent = await providerNamed(deps, attempt.provider).getIntent(
      knownAttempt(payment, attempt, attempt.providerIntentId),
    );
    const { fact } = intent;
    if (fact) await transact(deps, (unit) => applyFact(unit, deps, { ...about, intentId: intent.id, fact }, cause));
  }
}

/** Does refunds that are due at the provider. Returns how many. */
export async function executeRefunds(deps: PaymentDeps): Promise<number> {
  const due = await findDueRefunds(deps.db.em(), batchSize);
  await inParallel(due, async ({ id: refundId, tries }) => {
    const nextSeconds = backoffSeconds(2, tries, maxRefundBackoffSeconds);
    if (!(await claimRefund(deps.db.em(), refundId, nextSeconds))) return;
    await guarded(deps, { refundId }, () => executeRefund(deps, refundId, 'job'));
  });
  return due.length;
}

/** Applies webhooks of payments that were not known when they came. Given up after a day. */
export async function reapplyWebhooks(deps: PaymentDeps): Promise<void> {
  for (const { id: deliveryId, provider, tries } of await findDueDeliveries(deps.db.em(), batchSize)) {
    if (!(await claimDelivery(deps.db.em(), deliveryId, backoffSeconds(5, tries)))) continue;
    await guarded(deps, { deliveryId }, () =>
      transact(deps, async (unit) => {
        const delivery = await lockDelivery(unit.sql, deliveryId);
        if (delivery?.outcome !== 'UNKNOWN_PAYMENT') return;
        await reapplyDelivery(unit, deps, providerNamed(deps, provider), delivery);
        const retry = { inSeconds: backoffSeconds(5, tries + 1), forHours: unknownPaymentHours };
        await scheduleRetry(unit.sql, deliveryId, retry);
      }),
    );
  }
}

/** Ends unpaid payments whose order's deadline passed and of whose closing no event came, e.g. made while it was closed. A wallet part ends with its external part. */
export async function closeOverdue(deps: PaymentDeps): Promise<void> {
  const overdue = await findOverdue(deps.db.em(), { bySeconds: closeGraceSeconds, limit: batchSize });
  for (const paymentId of overdue) await guarded(deps, { paymentId }, () => closeOne(deps, paymentId));
}

const closeOne = (deps: PaymentDeps, paymentId: string): Promise<void> =>
  transact(deps, async (unit) => {
    const payment = await lockPayment(unit.sql, paymentId);
    const events = payment && decideClose(payment, 'EXPIRED');
    if (!payment || !events?.length) return;
    const closed = await changePayment(unit, deps, payment, events, { source: 'job', at: deps.now() });
    if (awaitedUntil(deps, payment) !== null) await appendEvent(unit, deps, closed, paymentFailed('expired'));
    await hurryAttempt(unit, payment.id);
  });

/** Deletes what is past its retention. Journal, payments and refunds stay. */
export async function purge(deps: Pick<PaymentDeps, 'db' | 'webhookRetentionDays'>): Promise<void> {
  const sql = deps.db.em();
  await purgeShared(sql, { outbox: true, inbox: true, barrier: true, idempotency: true });
  const limit = purgeBatch;
  const unused = ['REJECTED_SIGNATURE', 'DUPLICATE'] as const;
  for (const deleteOld of [
    () => deleteDeliveries(sql, { days: deps.webhookRetentionDays, limit }),
    () => deleteDeliveries(sql, { days: unusedRetentionDays, limit, outcomes: unused }),
    () => forgetLinesBefore(sql, { days: statementRetentionDays, limit }),
  ]) {
    // More may come in an hour than one batch holds.
    for (let batch = 0; batch < maxPurgeBatches; batch += 1) if ((await deleteOld()) < purgeBatch) break;
  }
}

/** The background work of this process: what runs when it is due or woken, and Agenda's recurring jobs. */
export function startJobs(deps: PaymentDeps, jobs: Jobs): DueWork<'attempts' | 'refunds'> {
  const attemptsTurn = async (): Promise<void> => {
    await closeOverdue(deps);
    while ((await checkAttempts(deps)) === batchSize);
    await reapplyWebhooks(deps);
  };
  const refundsTurn = async (): Promise<void> => {
    while ((await executeRefunds(deps)) === batchSize);
  };
  const reconciliationHour = readReconciliationHour(deps.env);
  jobs.define('payment.purge', () => purge(deps));
  jobs.define('payment.reconcile', () => reconcileDue(deps, reconciliationHour));
  jobs.retire('payment.attempts', 'payment.refunds');
  jobs.recurring('payment.purge', purgeEveryMs);
  jobs.recurring('payment.reconcile', reconcileEveryMs);
  jobs.start();
  return startDueWork({
    name: 'payment',
    everyMs: lookEveryMs,
    log: deps.log,
    look: () => findDueTimes(deps.db.em(), { closeGraceSeconds }),
    works: { attempts: attemptsTurn, refunds: refundsTurn },
  });
}

/** One row's failure doesn't stop the others: it is looked at again at its next turn. */
async function guarded(
  deps: PaymentDeps,
  what: Readonly<Record<string, string>>,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ProviderUnreachable) return; // said by `watched`
    noteFailure(deps.log, error, 'payment work failed; it is tried again', what);
  }
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
}
