import { sql as expression } from 'kysely';
import { readerOf } from '../shared/database/reader.ts';
import type { Sql } from '../shared/database/statements.ts';
import { change, find, prepare } from '../shared/database/tables.ts';
import { databaseNow } from '../shared/tables/records.ts';
import { idFromBytes, idToBytes, isId } from '../shared/values/ids.ts';
import type { AttemptState } from './domain/payment.ts';
import { AttemptRecord, type AttemptRow, PaymentRecord, type PaymentRow } from './records.ts';
import { firstOf, insert, secondsFromNow, tables } from './tables.ts';

/** The provider of attempts by wallet, which is no other company: it is never asked about them. */
export const walletProvider = 'wallet';

const attemptOf = readerOf(AttemptRecord);
const paymentOf = readerOf(PaymentRecord);

const all = () => tables.selectFrom('attempt').selectAll();
const byId = prepare<{ id: Buffer }>()((param) => all().where('id', '=', param.id));
const byLive = prepare<{ payment: Buffer }>()((param) => all().where('live', '=', param.payment));

export const findAttempt = (sql: Sql, attemptId: string): Promise<AttemptRow | null> =>
  firstOf(find(sql, byId, { id: idToBytes(attemptId) }), attemptOf);

/** The attempt whose intent may still be paid. */
export const findLiveAttempt = (sql: Sql, paymentId: string): Promise<AttemptRow | null> =>
  firstOf(find(sql, byLive, { payment: idToBytes(paymentId) }), attemptOf);

/** The live attempts of these payments that their providers know. */
export async function findLiveAttempts(sql: Sql, paymentIds: readonly string[]): Promise<AttemptRow[]> {
  const query = all().where('live', 'in', paymentIds.map(idToBytes)).where('provider_intent_id', 'is not', null);
  return (await find(sql, query)).map(attemptOf);
}

/** The attempts of these payments, oldest first. */
export const findAttemptsOfPayments = async (sql: Sql, paymentIds: readonly string[]): Promise<AttemptRow[]> =>
  (await find(sql, all().where('payment_id', 'in', paymentIds.map(idToBytes)).orderBy('id'))).map(attemptOf);

/** Attempts about which their provider is to be asked now. */
export const findDueAttempts = async (sql: Sql, limit: number): Promise<AttemptRow[]> =>
  (await find(sql, all().where('next_check_at', '<=', databaseNow).orderBy('next_check_at').limit(limit))).map(
    attemptOf,
  );

/** Of an attempt what a provider's word about it is judged by. */
export type AttemptFacts = Pick<
  AttemptRow,
  'id' | 'paymentId' | 'provider' | 'state' | 'live' | 'providerIntentId' | 'failureCode' | 'failureMessage' | 'finishedAt'
>; // prettier-ignore
/** An attempt with its payment. */
export type AttemptOfPayment = {
  readonly payment: PaymentRow;
  readonly attempt: AttemptFacts;
  /** The payment is a mixed payment's external part, whose wallet part holds money. */
  readonly hasWalletPart: boolean;
};

const withPayment = () =>
  tables
    .selectFrom('attempt')
    .innerJoin('payment', 'payment.id', 'attempt.payment_id')
    .leftJoin('payment as part', (join) =>
      join.onRef('part.live_order_id', '=', 'payment.order_id').on('part.slot', '=', 1),
    )
    .selectAll('payment')
    .select([
      'part.id as part_id',
      'attempt.id as attempt_id',
      'attempt.provider as attempt_provider',
      'attempt.state as attempt_state',
      'attempt.live as attempt_live',
      'attempt.provider_intent_id',
      'attempt.failure_code',
      'attempt.failure_message',
      'attempt.finished_at',
    ]);
const withPaymentById = prepare<{ id: Buffer }>()((param) => withPayment().where('attempt.id', '=', param.id));
const withPaymentByIntent = prepare<{ provider: string; intent: string }>()((param) =>
  withPayment().where('attempt.provider', '=', param.provider).where('attempt.provider_intent_id', '=', param.intent),
);

/** An attempt by its own id, which its provider was given, or by the provider's. Nothing is locked. */
export async function findAttemptWithPayment(
  sql: Sql,
  by: { readonly attemptId: string | null; readonly provider: string; readonly intentId: string | null },
): Promise<AttemptOfPayment | null> {
  const [row] = isId(by.attemptId)
    ? await find(sql, withPaymentById, { id: idToBytes(by.attemptId) })
    : await find(sql, withPaymentByIntent, { provider: by.provider, intent: by.intentId ?? '' });
  if (!row) return null;
  const attempt = attemptOf({
    id: row.attempt_id,
    payment_id: row.id,
    provider: row.attempt_provider,
    state: row.attempt_state,
    live: row.attempt_live,
    provider_intent_id: row.provider_intent_id,
    failure_code: row.failure_code,
    failure_message: row.failure_message,
    finished_at: row.finished_at,
  });
  const payment = paymentOf(row);
  return { payment, attempt, hasWalletPart: row.part_id !== null && payment.slot === 0 };
}

/** The attempt that a provider means by one of its ids, or by ours, whose money has come; null where none is known. */
export async function findMeantAttempt(
  sql: Sql,
  { provider, intentId, attemptId }: { provider: string; intentId: string | null; attemptId?: string | null },
): Promise<{ readonly id: string; readonly paymentId: string } | null> {
  let query = tables.selectFrom('attempt').select(['id', 'payment_id']).where('provider', '=', provider);
  query = isId(attemptId)
    ? query.where('id', '=', idToBytes(attemptId))
    : query.where(({ eb, or }) =>
        or([eb('provider_intent_id', '=', intentId ?? ''), eb('provider_payment_id', '=', intentId ?? '')]),
      );
  const [row] = await find(sql, query.limit(1));
  return row ? { id: idFromBytes(row.id), paymentId: idFromBytes(row.payment_id) } : null;
}

/** Stores what an attempt is paid with. */
export const storeInstrument = async (sql: Sql, attemptId: string, instrument: string): Promise<void> => {
  await change(sql, tables.updateTable('attempt').set({ instrument }).where('id', '=', idToBytes(attemptId)), 'any');
};

/** The attempt by which the payment's money came in. */
export async function capturedAttemptId(sql: Sql, paymentId: string): Promise<string> {
  const query = tables
    .selectFrom('attempt')
    .select('id')
    .where('payment_id', '=', idToBytes(paymentId))
    .where('state', '=', 'SUCCEEDED')
    .orderBy('finished_at')
    .orderBy('id')
    .limit(1);
  const [row] = await find(sql, query);
  if (!row) throw new Error('a captured payment has an attempt that succeeded');
  return idFromBytes(row.id);
}

const insertNew = prepare<{
  id: Buffer;
  number: string;
  payment: Buffer;
  provider: string;
  createdAt: Date;
  checkInSeconds: number;
}>()((param) =>
  tables.insertInto('attempt').values({
    id: param.id,
    number: param.number,
    payment_id: param.payment,
    live: param.payment,
    provider: param.provider,
    state: 'CREATED',
    created_at: param.createdAt,
    next_check_at: secondsFromNow(param.checkInSeconds),
    checks: 0,
  }),
);

export type NewAttempt = Pick<AttemptRow, 'id' | 'number' | 'paymentId' | 'createdAt'>;

const none = {
  tradeType: null,
  providerPaymentId: null,
  providerState: null,
  redirectUrl: null,
  instrument: null,
  clientParams: null,
  failureCode: null,
  failureMessage: null,
  nextCheckAt: null,
  checks: 0,
} as const;

/**
 * Stores a new attempt, live and not yet known to the provider; asked about from `checkInSeconds` on. Returns it without
 * `nextCheckAt`, which is the database's clock's.
 */
export async function insertAttempt(
  sql: Sql,
  given: NewAttempt & Pick<AttemptRow, 'provider'>,
  checkInSeconds: number,
): Promise<AttemptRow> {
  const { id, number, paymentId, provider, createdAt } = given;
  const row = { id: idToBytes(id), number, payment: idToBytes(paymentId), provider, createdAt, checkInSeconds };
  await change(sql, insertNew, row, 'any');
  return { ...none, ...given, live: paymentId, state: 'CREATED', providerIntentId: null, finishedAt: null };
}

/** Stores the attempt of a payment by wallet, in the transaction in which the wallet pays or sets aside. */
export async function insertWalletAttempt(
  sql: Sql,
  given: NewAttempt,
  state: 'AUTHORIZED' | 'SUCCEEDED',
): Promise<AttemptRow> {
  const attempt: AttemptRow = {
    ...none,
    ...given,
    live: null,
    provider: walletProvider,
    state,
    providerIntentId: `${state === 'SUCCEEDED' ? 'charge' : 'hold'}:${given.paymentId}`,
    finishedAt: state === 'SUCCEEDED' ? given.createdAt : null,
  };
  await insert(sql, 'attempt', [
    {
      id: idToBytes(attempt.id),
      number: attempt.number,
      payment_id: idToBytes(attempt.paymentId),
      provider: attempt.provider,
      state: attempt.state,
      provider_intent_id: attempt.providerIntentId ?? null,
      created_at: attempt.createdAt,
      finished_at: attempt.finishedAt ?? null,
      checks: attempt.checks,
    },
  ]);
  return attempt;
}

/** What the provider answered when the attempt's intent was made. */
export type KnownIntent = {
  readonly id: string;
  readonly status: string;
  readonly tradeType: string | null;
  readonly redirectUrl: string | null;
  readonly clientParams: Readonly<Record<string, string | number>>;
};

const whileCreated = <T>(value: T, otherwise: string) =>
  expression<T>`if(state = 'CREATED', ${value}, ${expression.ref(otherwise)})`;
const storeIntent = prepare<{
  id: Buffer;
  intent: string;
  tradeType: string | null;
  redirectUrl: string | null;
  clientParams: string;
  status: string;
  checkInSeconds: number;
}>()((param) =>
  tables
    .updateTable('attempt')
    .set({
      provider_intent_id: param.intent,
      trade_type: param.tradeType,
      redirect_url: param.redirectUrl,
      client_params: param.clientParams,
      provider_state: whileCreated(param.status, 'provider_state'),
      next_check_at: expression`if(live is null, null, ${secondsFromNow(param.checkInSeconds)})`,
      checks: 0,
      // The last, as the others ask for the state before.
      state: expression<AttemptState>`if(state = 'CREATED', 'REQUIRES_ACTION', state)`,
    })
    .where('id', '=', param.id),
);

/** Stores where the customer pays. An attempt that has gone on already keeps its state. */
export async function updateIntent(
  sql: Sql,
  attemptId: string,
  intent: KnownIntent,
  checkInSeconds: number,
): Promise<void> {
  const { id, tradeType, redirectUrl, status } = intent;
  const clientParams = JSON.stringify(intent.clientParams);
  const values = { id: idToBytes(attemptId), intent: id, tradeType, redirectUrl, clientParams, status, checkInSeconds };
  await change(sql, storeIntent, values, 'any');
}

const storeFact = prepare<{
  id: Buffer;
  readState: AttemptState;
  state: AttemptState;
  live: Buffer | null;
  intent: string | null;
  providerPayment: string | null;
  providerState: string;
  failureCode: string | null;
  failureMessage: string | null;
  instrument: string | null;
  finishedAt: Date | null;
  isLive: boolean;
  checkInSeconds: number;
}>()((param) =>
  tables
    .updateTable('attempt')
    .set({
      state: param.state,
      live: param.live,
      provider_intent_id: expression`coalesce(provider_intent_id, ${param.intent})`,
      provider_payment_id: expression`coalesce(provider_payment_id, ${param.providerPayment})`,
      provider_state: param.providerState,
      failure_code: param.failureCode,
      failure_message: param.failureMessage,
      instrument: expression`coalesce(${param.instrument}, instrument)`,
      finished_at: param.finishedAt,
      checks: 0,
      next_check_at: expression`if(${param.isLive}, ${secondsFromNow(param.checkInSeconds)}, null)`,
    })
    .where('id', '=', param.id)
    .where('state', '=', param.readState),
);

/** Of an attempt what a provider's word changes. Ids that it has already stay. */
export type AttemptChange = {
  readonly state: AttemptState;
  readonly isLive: boolean;
  readonly intentId: string | null;
  readonly providerPaymentId: string | null;
  readonly providerState: string;
  readonly failureCode: string | null;
  readonly failureMessage: string | null;
  /** Null where this word says nothing of it. */
  readonly instrument: string | null;
  readonly finishedAt: Date | null;
};

/** Stores what a provider said of an attempt. Throws when it is no longer as it was read: its payment's version tells that before. */
export async function updateAttempt(
  sql: Sql,
  read: Pick<AttemptRow, 'id' | 'paymentId' | 'state'>,
  changed: AttemptChange,
  checkInSeconds: number,
): Promise<void> {
  const found = await change(
    sql,
    storeFact,
    {
      id: idToBytes(read.id),
      readState: read.state,
      state: changed.state,
      live: changed.isLive ? idToBytes(read.paymentId) : null,
      intent: changed.intentId,
      providerPayment: changed.providerPaymentId,
      providerState: changed.providerState,
      failureCode: changed.failureCode,
      failureMessage: changed.failureMessage,
      instrument: changed.instrument,
      finishedAt: changed.finishedAt,
      isLive: changed.isLive,
      checkInSeconds,
    },
    1,
  );
  if (found !== 1) throw new Error('an attempt changed without its payment');
}

/** Ends a wallet part's attempt, which holds its money. */
export const endHeldAttempt = async (
  sql: Sql,
  paymentId: string,
  { state, finishedAt }: { state: AttemptState; finishedAt: Date },
): Promise<void> => {
  const ended = tables
    .updateTable('attempt')
    .set({ state, finished_at: finishedAt })
    .where('payment_id', '=', idToBytes(paymentId))
    .where('state', '=', 'AUTHORIZED');
  await change(sql, ended, 'any');
};

/** Has the provider asked at once about the payment's live attempt. */
export const hurryLiveAttempt = async (sql: Sql, paymentId: string): Promise<void> => {
  const due = tables
    .updateTable('attempt')
    .set({ next_check_at: databaseNow, checks: 0 })
    .where('live', '=', idToBytes(paymentId));
  await change(sql, due, 'any');
};

/** An attempt that has ended is not asked about. */
export const stopChecking = async (sql: Sql, attemptId: string): Promise<void> => {
  const stopped = tables
    .updateTable('attempt')
    .set({ next_check_at: null })
    .where('id', '=', idToBytes(attemptId))
    .where('live', 'is', null);
  await change(sql, stopped, 'any');
};

/** Takes a due attempt for this process by moving its next check, on the database's clock; false when another was faster. */
export async function claimAttempt(sql: Sql, attemptId: string, nextInSeconds: number): Promise<boolean> {
  const claimed = tables
    .updateTable('attempt')
    .set((eb) => ({ next_check_at: secondsFromNow(nextInSeconds), checks: eb('checks', '+', 1) }))
    .where('id', '=', idToBytes(attemptId))
    .where('next_check_at', '<=', databaseNow);
  return (await change(sql, claimed)) === 1;
}
