import { run, select, write } from '../shared/database/database.ts';
import { noteFailure } from '../shared/process/dependency.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { Jobs } from '../shared/jobs/jobs.ts';
import { type DueIn, type DueWork, startDueWork } from '../shared/process/due-work.ts';
import { purgeShared } from '../shared/tables/retention.ts';
import { applyFact, hurryAttempt } from './commands/apply-fact.ts';
import { readReconciliationHour } from './config.ts';
import { executeCapture } from './commands/capture-payment.ts';
import { awaitedUntil } from './commands/await-payment.ts';
import { changePayment } from './commands/change-payment.ts';
import { reapplyDelivery } from './commands/receive-webhook.ts';
import { reconcileDue } from './commands/reconcile-day.ts';
import { executeRefund } from './commands/refund-payment.ts';
import { endIntent, submitAttempt } from './commands/submit-attempt.ts';
import { transact } from './unit.ts';
import { type PaymentDeps, providerNamed } from './deps.ts';
import { decideClose, isUnpaid } from './domain/payment.ts';
import { announce, paymentFailed } from './events.ts';
import { ProviderUnreachable } from './providers/provider.ts';
import type { AttemptRow, PaymentRow } from './records.ts';
import { attemptFrom, findPayment, knownAttempt, lockPayment } from './store.ts';

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
const unpaidStates = ['OPEN', 'PROCESSING', 'AUTHORIZED', 'FAILED'] as const;
const unknownPaymentHours = 24;
const webhookRetentionDays = 90;
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
  const rows = await select(
    deps.db.em(),
    `select * from attempt where next_check_at <= utc_timestamp(3) order by next_check_at limit ${batchSize}`,
  );
  await inParallel(rows.map(attemptFrom), async (attempt) => {
    const payment = await findPayment(deps.db.em(), attempt.paymentId);
    if (!payment) return;
    const urgent = attempt.state === 'CREATED' || !isUnpaid(payment.state) || payment.capturingMinor > 0n;
    if (
      !(await claim(
        deps,
        'attempt',
        'next_check_at',
        'checks',
        attempt.id,
        backoffSeconds(urgent ? 2 : 15, attempt.checks),
      ))
    )
      return;
    await guarded(deps, { attemptId: attempt.id }, () => checkAttempt(deps, payment, attempt));
  });
  return rows.length;
}

async function checkAttempt(deps: PaymentDeps, payment: PaymentRow, attempt: AttemptRow): Promise<void> {
  if (attempt.live === null) {
    await run(deps.db.em(), 'update attempt set next_check_at = null where id = ? and live is null', [
      idToBytes(attempt.id),
    ]);
    return;
  }
  const about = { provider: attempt.provider, attemptId: attempt.id };
  const cause = { source: 'poll', at: deps.now() } as const;
  if (!isUnpaid(payment.state)) {
    const ended = await endIntent(deps, payment, attempt);
    await transact(deps, (unit) => applyFact(unit, deps, { ...about, ...ended }, cause));
  } else if (!attempt.providerIntentId) {
    await submitAttempt(deps, { paymentId: payment.id, attemptId: attempt.id }, 'job');
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
  const rows = await select(
    deps.db.em(),
    `select id, tries from refund where next_try_at <= utc_timestamp(3) order by next_try_at limit ${batchSize}`,
  );
  await inParallel(rows, async (row) => {
    const refundId = idFromBytes(row['id'] as Buffer);
    const nextSeconds = backoffSeconds(2, Number(row['tries']), maxRefundBackoffSeconds);
    if (!(await claim(deps, 'refund', 'next_try_at', 'tries', refundId, nextSeconds))) return;
    await guarded(deps, { refundId }, () => executeRefund(deps, refundId, 'job'));
  });
  return rows.length;
}

/** Applies webhooks of payments that were not known when they came. Given up after a day. */
export async function reapplyWebhooks(deps: PaymentDeps): Promise<void> {
  const rows = await select(
    deps.db.em(),
    `select id, provider, tries from webhook_inbox where next_try_at <= utc_timestamp(3) order by next_try_at limit ${batchSize}`,
  );
  for (const { id, provider, tries } of rows as { id: Buffer; provider: string; tries: number }[]) {
    const deliveryId = idFromBytes(id);
    if (!(await claim(deps, 'webhook_inbox', 'next_try_at', 'tries', deliveryId, backoffSeconds(5, tries)))) continue;
    await guarded(deps, { deliveryId }, () =>
      transact(deps, async (unit) => {
        const [row] = await select(unit.sql, 'select * from webhook_inbox where id = ? for update', [id]);
        if (row?.['outcome'] !== 'UNKNOWN_PAYMENT') return;
        await reapplyDelivery(unit, deps, providerNamed(deps, provider), row);
        await run(
          unit.sql,
          `update webhook_inbox set next_try_at = if(outcome = 'UNKNOWN_PAYMENT' and received_at > utc_timestamp(3) - interval ${unknownPaymentHours} hour, utc_timestamp(3) + interval ? second, null) where id = ?`,
          [backoffSeconds(5, tries + 1), id],
        );
      }),
    );
  }
}

/** Ends unpaid payments whose order's deadline passed and of whose closing no event came, e.g. made while it was closed. A wallet part ends with its external part. */
export async function closeOverdue(deps: PaymentDeps): Promise<void> {
  const rows = await select(
    deps.db.em(),
    `select id from payment where state in (${unpaidStates.map((state) => `'${state}'`).join(', ')}) and slot = 0 and expires_at < utc_timestamp(3) - interval ${closeGraceSeconds} second limit ${batchSize}`,
  );
  for (const row of rows) {
    const paymentId = idFromBytes(row['id'] as Buffer);
    await guarded(deps, { paymentId }, () => closeOne(deps, paymentId));
  }
}

const closeOne = (deps: PaymentDeps, paymentId: string): Promise<void> =>
  transact(deps, async (unit) => {
    const payment = await lockPayment(unit.sql, paymentId);
    const events = payment && decideClose(payment, 'EXPIRED');
    if (!payment || !events?.length) return;
    const closed = await changePayment(unit, deps, payment, events, { source: 'job', at: deps.now() });
    if (awaitedUntil(deps, payment) !== null) await announce(unit, deps, closed, paymentFailed('expired'));
    await hurryAttempt(unit, payment.id);
  });

/** Deletes what is past its retention. Journal, payments and refunds stay. */
export async function purge(deps: PaymentDeps): Promise<void> {
  const sql = deps.db.em();
  await purgeShared(sql, { outbox: true, inbox: true, barrier: true, idempotency: true });
  const older = (column: string, days: number) =>
    `${column} < utc_timestamp(3) - interval ${days} day limit ${purgeBatch}`;
  for (const old of [
    `webhook_inbox where ${older('received_at', webhookRetentionDays)}`,
    `webhook_inbox where outcome in ('REJECTED_SIGNATURE', 'DUPLICATE') and ${older('received_at', unusedRetentionDays)}`,
    `statement_line where ${older('at', statementRetentionDays)}`,
  ]) {
    // More may come in an hour than one batch holds.
    for (let batch = 0; batch < maxPurgeBatches; batch += 1)
      if ((await write(sql, `delete from ${old}`)) < purgeBatch) break;
  }
}

/** In how many milliseconds the first row of each kind is due, by the database's clock. One statement. */
async function readDueTimes({ db }: PaymentDeps): Promise<DueIn<'attempts' | 'refunds'>> {
  const overdue = unpaidStates.map(
    (state) =>
      `(select expires_at + interval ${closeGraceSeconds} second as at from payment where state = '${state}' and slot = 0 order by expires_at limit 1)`,
  );
  const [row] = await select(
    db.em(),
    `select timestampdiff(microsecond, utc_timestamp(3), min(at)) as attempts,
       timestampdiff(microsecond, utc_timestamp(3), (select min(next_try_at) from refund where next_try_at is not null)) as refunds
     from (select min(next_check_at) as at from attempt where next_check_at is not null
       union all select min(next_try_at) from webhook_inbox where next_try_at is not null union all ${overdue.join(' union all ')}) as due`,
  );
  const dueIn = (microseconds: unknown): number | null => (microseconds === null ? null : Number(microseconds) / 1_000);
  return { attempts: dueIn(row?.['attempts']), refunds: dueIn(row?.['refunds']) };
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
    look: () => readDueTimes(deps),
    works: { attempts: attemptsTurn, refunds: refundsTurn },
  });
}

/** Takes a due row for this process by moving its next turn, on the database's clock; false when another was faster. */
async function claim(
  deps: PaymentDeps,
  table: 'attempt' | 'refund' | 'webhook_inbox',
  due: 'next_check_at' | 'next_try_at',
  count: 'checks' | 'tries',
  id: string,
  nextInSeconds: number,
): Promise<boolean> {
  const found = await write(
    deps.db.em(),
    `update ${table} set ${due} = utc_timestamp(3) + interval ? second, ${count} = ${count} + 1 where id = ? and ${due} <= utc_timestamp(3)`,
    [nextInSeconds, idToBytes(id)],
  );
  return found === 1;
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
