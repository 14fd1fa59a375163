import { sql as expression } from 'kysely';
import { byId as orderById, findOfEach } from '../shared/database/find-of-each.ts';
import { readerOf } from '../shared/database/reader.ts';
import { type Sql, toJson } from '../shared/database/statements.ts';
import { change, find } from '../shared/database/tables.ts';
import { databaseNow } from '../shared/tables/records.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { RefundState } from './domain/refund.ts';
import { type PaymentRow, type RefundOrigin, RefundRecord, type RefundRow } from './records.ts';
import { bytesOrNull, firstOf, secondsFromNow, tables } from './tables.ts';

const refundOf = readerOf(RefundRecord);

const all = () => tables.selectFrom('refund').selectAll();
const update = (refundId: string) => tables.updateTable('refund').where('id', '=', idToBytes(refundId));

export const findRefund = (sql: Sql, refundId: string): Promise<RefundRow | null> =>
  firstOf(find(sql, all().where('id', '=', idToBytes(refundId))), refundOf);

/** Refunds with one of these values in the column, oldest first. */
export const findRefundsBy = async (
  sql: Sql,
  column: 'id' | 'order_id' | 'payment_id',
  ids: readonly string[],
): Promise<RefundRow[]> => (await find(sql, all().where(column, 'in', ids.map(idToBytes)).orderBy('id'))).map(refundOf);

const newestFirst = orderById(true);
const undone: readonly RefundState[] = ['REQUESTED', 'PENDING', 'FAILED'];

/** Newest first: those before `beforeId`, at most `limit`; `isRefused`: those alone that their provider has refused and not yet made. */
export async function listRefunds(
  sql: Sql,
  page: { beforeId: string | null; limit: number; states: readonly RefundState[]; isRefused: boolean },
): Promise<RefundRow[]> {
  const { states, isRefused, beforeId, limit } = page;
  let query = tables.selectFrom('refund').selectAll('refund').orderBy('id', 'desc').limit(limit);
  if (isRefused) query = query.where('failure', 'is not', null);
  if (beforeId !== null) query = query.where('id', '<', idToBytes(beforeId));
  // What was refused and is not done has one of the other states: few have.
  const wanted = new Set(states.length > 0 ? states : isRefused ? undone : []);
  if (isRefused) wanted.delete('SUCCEEDED');
  const isAny = states.length === 0 && !isRefused;
  const lists = isAny ? [query] : [...wanted].map((state) => query.where('state', '=', state));
  return (await findOfEach(sql, lists, { compare: newestFirst, limit })).map(refundOf);
}

type Source = { readonly paymentId: string; readonly attemptId: string };

/** The refund of this attempt that its provider calls so. Alipay's names are its own within a trade only. */
export const findRefundNamed = (
  sql: Sql,
  { paymentId, attemptId }: Source,
  providerRefundId: string,
): Promise<RefundRow | null> =>
  firstOf(
    find(
      sql,
      all()
        .where('payment_id', '=', idToBytes(paymentId))
        .where('attempt_id', '=', idToBytes(attemptId))
        .where('provider_refund_id', '=', providerRefundId),
    ),
    refundOf,
  );

/**
 * Refunds by this attempt that are ours to make and that the provider refuses, or that a bank has sent back, oldest first and
 * locked. One that is being tried right now is left out: the provider may be making it after all.
 */
export async function lockRefused(
  sql: Sql,
  { paymentId, attemptId, surplus }: Source & { readonly surplus: boolean },
): Promise<RefundRow[]> {
  const refused = all()
    .where('payment_id', '=', idToBytes(paymentId))
    .where('attempt_id', '=', idToBytes(attemptId))
    .where('surplus', '=', surplus)
    .where('state', '=', 'PENDING')
    .where('origin', '<>', 'DISPUTE')
    .where('failure', 'is not', null)
    .where('provider_refund_id', 'is', null)
    .where('tried_at', 'is', null)
    .orderBy('id')
    .forUpdate();
  return (await find(sql, refused)).map(refundOf);
}

/** What has gone back by this attempt in minor units, and whether a refund is under way of which that is not known. */
export async function refundedBy(
  sql: Sql,
  { paymentId, attemptId }: Source,
): Promise<{ readonly doneMinor: bigint; readonly isUnderWay: boolean }> {
  const sums = tables
    .selectFrom('refund')
    .select([
      expression<string>`coalesce(sum(if(settled_at is not null and state <> 'FAILED', amount_minor, 0)), 0)`.as(
        'done',
      ),
      expression<string>`coalesce(sum(state in ('REQUESTED', 'PENDING') and (failure is null or provider_refund_id is not null or tried_at is not null)), 0)`.as(
        'under_way',
      ),
    ])
    .where('payment_id', '=', idToBytes(paymentId))
    .where('attempt_id', '=', idToBytes(attemptId));
  const [row] = await find(sql, sums);
  return { doneMinor: BigInt(row?.done ?? 0), isUnderWay: Number(row?.under_way) > 0 };
}

/**
 * Amounts that staff gave back of a payment after `since`, in minor units, at most `limit` of them: by a refund, or by having one
 * that had failed made after all.
 */
export async function findAmountsByStaff(
  sql: Sql,
  paymentId: string,
  { since, limit }: { since: Date; limit: number },
): Promise<bigint[]> {
  const payment = idToBytes(paymentId);
  const retried = tables
    .selectFrom('payment_event')
    .select('data')
    .where('payment_id', '=', payment)
    .where('at', '>', since)
    .where('type', '=', 'RefundRequested')
    .limit(limit);
  const again = (await find(sql, retried)).flatMap(({ data }) => {
    const { refundId, retriedBy } = toJson<{ refundId?: string; retriedBy?: string } | null>(data) ?? {};
    return refundId !== undefined && retriedBy !== undefined ? [idToBytes(refundId)] : [];
  });
  const amounts = tables
    .selectFrom('refund')
    .select('amount_minor')
    .where('payment_id', '=', payment)
    .where((eb) => {
      const asked = eb.and([eb('created_at', '>', since), eb('requested_by', 'is not', null)]);
      return again.length === 0 ? asked : eb.or([asked, eb('id', 'in', again)]);
    })
    .where('state', '<>', 'FAILED')
    .limit(limit);
  return (await find(sql, amounts)).map(({ amount_minor: amountMinor }) => BigInt(amountMinor));
}

/** True, and locked, when the provider has refused the refund and no later try is one that it has accepted or not yet answered. */
export async function lockIfIdle(sql: Sql, refundId: string, unheardHours: number): Promise<boolean> {
  const idle = tables
    .selectFrom('refund')
    .select('id')
    .where('id', '=', idToBytes(refundId))
    .where('failure', 'is not', null)
    .where(({ eb, or }) => or([eb('state', '=', 'FAILED'), eb('provider_refund_id', 'is', null)]))
    .where(({ eb, or }) =>
      or([
        eb('tried_at', 'is', null),
        eb('tried_at', '<', expression<Date>`utc_timestamp(3) - interval ${unheardHours} hour`),
      ]),
    )
    .forUpdate();
  return (await find(sql, idle)).length > 0;
}

/** Refunds that are to be done at their provider now. */
export async function findDueRefunds(
  sql: Sql,
  limit: number,
): Promise<{ readonly id: string; readonly tries: number }[]> {
  const due = tables
    .selectFrom('refund')
    .select(['id', 'tries'])
    .where('next_try_at', '<=', databaseNow)
    .orderBy('next_try_at')
    .limit(limit);
  return (await find(sql, due)).map(({ id, tries }) => ({ id: idFromBytes(id), tries }));
}

/** Takes a due refund for this process by moving its next try, on the database's clock; false when another was faster. */
export async function claimRefund(sql: Sql, refundId: string, nextInSeconds: number): Promise<boolean> {
  const claimed = update(refundId)
    .set((eb) => ({ next_try_at: secondsFromNow(nextInSeconds), tries: eb('tries', '+', 1) }))
    .where('next_try_at', '<=', databaseNow);
  return (await change(sql, claimed)) === 1;
}

export type NewRefund = Pick<
  RefundRow,
  'id' | 'number' | 'attemptId' | 'amountMinor' | 'reason' | 'automatic' | 'surplus' | 'requestedBy' | 'createdAt'
> & { readonly requestId?: string | null };

/** Stores a refund to be done; due at the provider in `tryInSeconds`. */
export async function insertRefund(
  sql: Sql,
  refund: NewRefund,
  payment: PaymentRow,
  tryInSeconds: number,
): Promise<void> {
  const insert = tables.insertInto('refund').values({
    id: idToBytes(refund.id),
    number: refund.number,
    payment_id: idToBytes(payment.id),
    attempt_id: idToBytes(refund.attemptId),
    order_id: idToBytes(payment.orderId),
    customer_id: idToBytes(payment.customerId),
    currency: payment.currency,
    amount_minor: refund.amountMinor,
    state: 'REQUESTED',
    reason: refund.reason,
    automatic: refund.automatic,
    surplus: refund.surplus,
    requested_by: bytesOrNull(refund.requestedBy),
    request_id: bytesOrNull(refund.requestId),
    created_at: refund.createdAt,
    next_try_at: secondsFromNow(tryInSeconds),
    tries: 0,
  });
  await change(sql, insert, 'any');
}

/** Stores a refund that is made without us; its provider is asked about it in `askInSeconds`, a bank about a dispute never. */
export async function insertTaken(
  sql: Sql,
  refund: NewRefund,
  payment: PaymentRow,
  { origin, providerId, askInSeconds }: { origin: RefundOrigin; providerId: string; askInSeconds: number },
): Promise<void> {
  await insertRefund(sql, refund, payment, askInSeconds);
  const taken = update(refund.id).set({ state: 'PENDING', origin, provider_refund_id: providerId });
  await change(sql, origin === 'DISPUTE' ? taken.set({ next_try_at: null }) : taken, 'any');
}

/** Notes that the provider is being asked for it; false for one that has ended. */
export async function startTry(sql: Sql, refundId: string): Promise<boolean> {
  const started = update(refundId)
    .set({ state: 'PENDING', tried_at: databaseNow })
    .where('state', 'in', ['REQUESTED', 'PENDING']);
  return (await change(sql, started)) === 1;
}

/** The provider has answered, and it is no further than before. */
export const storeHeard = async (sql: Sql, refundId: string, providerRefundId: string | null): Promise<void> => {
  const heard = update(refundId).set({
    provider_refund_id: expression`coalesce(provider_refund_id, ${providerRefundId})`,
    tried_at: null,
  });
  await change(sql, heard, 'any');
};

/** The provider has refused it: it is tried again. */
export const storeRefused = async (
  sql: Sql,
  refundId: string,
  { failure, againInSeconds }: { failure: string | null; againInSeconds: number },
): Promise<void> => {
  const refused = update(refundId).set((eb) => ({
    state: 'PENDING',
    provider_refund_id: null,
    failure,
    refusals: eb('refusals', '+', 1),
    tries: 0,
    tried_at: null,
    next_try_at: secondsFromNow(againInSeconds),
  }));
  await change(sql, refused, 'any');
};

/** What came of it at the provider. */
export const storeResult = async (
  sql: Sql,
  refundId: string,
  result: { state: RefundState; providerRefundId: string | null; failure: string | null; at: Date },
): Promise<void> => {
  const { state, failure } = result;
  const settled = update(refundId).set({
    state,
    provider_refund_id: expression`coalesce(provider_refund_id, ${result.providerRefundId})`,
    failure,
    settled_at: expression`coalesce(settled_at, ${result.at})`,
    next_try_at: null,
    tried_at: null,
  });
  await change(sql, settled, 'any');
};

/** It is tried again now; one that had FAILED as if it never had, under another key. */
export const reopen = async (sql: Sql, refundId: string, { hadFailed }: { hadFailed: boolean }): Promise<void> => {
  const now = update(refundId).set({ next_try_at: databaseNow, tries: 0 });
  const again = now.set((eb) => ({
    state: 'PENDING' as const,
    settled_at: null,
    provider_refund_id: null,
    refusals: eb('refusals', '+', 1),
  }));
  await change(sql, hadFailed ? again : now, 'any');
};

/** Staff have given it back by hand. */
export const storeConfirmed = async (
  sql: Sql,
  refundId: string,
  { reference, userId, at }: { reference: string; userId: string; at: Date },
): Promise<void> => {
  const confirmed = update(refundId).set((eb) => ({
    // Before the state, which it asks for.
    settled_at: expression`if(state = 'FAILED', ${at}, coalesce(settled_at, ${at}))`,
    state: 'SUCCEEDED' as const,
    provider_refund_id: reference,
    confirmed_by: idToBytes(userId),
    failure: null,
    refusals: eb('refusals', '+', 1),
    next_try_at: null,
  }));
  await change(sql, confirmed, 'any');
};

/** A dispute that was lost has taken what it was to give back. */
export const storeDisputed = async (sql: Sql, refundId: string): Promise<void> => {
  await change(sql, update(refundId).set({ origin: 'DISPUTE' }), 'any');
};
