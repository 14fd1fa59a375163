import { type Row, type Sql, insertRows, run, select, toDate, toJson, write } from '../shared/database/database.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { Unit } from './unit.ts';
import { type PaymentEvent, evolve, holdsOrder } from './domain/payment.ts';
import { followPayment } from './ledger/follow-payment.ts';
import type { KnownAttempt } from './providers/provider.ts';
import type { AttemptRow, DisputeRow, PaymentRow, RefundRow, Source } from './records.ts';

const id = (value: unknown): string => idFromBytes(value as Buffer);
const idOrNull = (value: unknown): string | null => (value === null ? null : id(value));
const bytesOrNull = (value: string | null | undefined): Buffer | null =>
  value === null || value === undefined ? null : idToBytes(value);

export const paymentFrom = (row: Row): PaymentRow =>
  ({
    id: id(row['id']),
    number: row['number'],
    orderId: id(row['order_id']),
    customerId: id(row['customer_id']),
    method: row['method'],
    state: row['state'],
    currency: row['currency'],
    amountMinor: BigInt(row['amount_minor'] as string),
    capturedMinor: BigInt(row['captured_minor'] as string),
    refundingMinor: BigInt(row['refunding_minor'] as string),
    refundedMinor: BigInt(row['refunded_minor'] as string),
    liveOrderId: idOrNull(row['live_order_id']),
    slot: Number(row['slot']),
    manualCapture: Number(row['manual_capture']) === 1,
    capturingMinor: BigInt(row['capturing_minor'] as string),
    returnUrl: row['return_url'],
    traceId: row['trace_id'],
    expiresAt: toDate(row['expires_at']),
    paidAt: toDate(row['paid_at']),
    createdAt: toDate(row['created_at']),
    updatedAt: toDate(row['updated_at']),
    version: Number(row['version']),
  }) as PaymentRow;

export const attemptFrom = (row: Row): AttemptRow =>
  ({
    id: id(row['id']),
    number: row['number'],
    paymentId: id(row['payment_id']),
    live: idOrNull(row['live']),
    provider: row['provider'],
    state: row['state'],
    tradeType: row['trade_type'],
    providerIntentId: row['provider_intent_id'],
    providerPaymentId: row['provider_payment_id'],
    providerState: row['provider_state'],
    redirectUrl: row['redirect_url'],
    clientParams: row['client_params'] === null ? null : toJson(row['client_params']),
    failureCode: row['failure_code'],
    failureMessage: row['failure_message'],
    createdAt: toDate(row['created_at']),
    finishedAt: toDate(row['finished_at']),
    nextCheckAt: toDate(row['next_check_at']),
    checks: Number(row['checks']),
  }) as AttemptRow;

export const refundFrom = (row: Row): RefundRow =>
  ({
    id: id(row['id']),
    number: row['number'],
    paymentId: id(row['payment_id']),
    attemptId: id(row['attempt_id']),
    orderId: id(row['order_id']),
    customerId: id(row['customer_id']),
    currency: row['currency'],
    amountMinor: BigInt(row['amount_minor'] as string),
    state: row['state'],
    reason: row['reason'],
    automatic: Number(row['automatic']) === 1,
    surplus: Number(row['surplus']) === 1,
    requestedBy: idOrNull(row['requested_by']),
    providerRefundId: row['provider_refund_id'],
    failure: row['failure'],
    createdAt: toDate(row['created_at']),
    settledAt: toDate(row['settled_at']),
    nextTryAt: toDate(row['next_try_at']),
    tries: Number(row['tries']),
    refusals: Number(row['refusals']),
    triedAt: toDate(row['tried_at']),
    confirmedBy: idOrNull(row['confirmed_by']),
    origin: row['origin'],
  }) as RefundRow;

export const disputeFrom = (row: Row): DisputeRow =>
  ({
    id: id(row['id']),
    provider: row['provider'],
    providerDisputeId: row['provider_dispute_id'],
    paymentId: id(row['payment_id']),
    refundId: idOrNull(row['refund_id']),
    currency: row['currency'],
    amountMinor: BigInt(row['amount_minor'] as string),
    state: row['state'],
    reason: row['reason'],
    evidenceDueBy: toDate(row['evidence_due_by']),
    openedAt: toDate(row['opened_at']),
    closedAt: toDate(row['closed_at']),
  }) as DisputeRow;

/** The payment, locked until the transaction ends. All changes of a payment, its attempts and refunds happen under this lock. */
export async function lockPayment(sql: Sql, paymentId: string): Promise<PaymentRow | null> {
  const [row] = await select(sql, 'select * from payment where id = ? for update', [idToBytes(paymentId)]);
  return row ? paymentFrom(row) : null;
}

export async function findPayment(sql: Sql, paymentId: string): Promise<PaymentRow | null> {
  const [row] = await select(sql, 'select * from payment where id = ?', [idToBytes(paymentId)]);
  return row ? paymentFrom(row) : null;
}

/** The payment that holds the order, so that no other can be made for it in its slot. */
export async function findHolder(sql: Sql, orderId: string): Promise<PaymentRow | null> {
  const [row] = await select(sql, 'select * from payment where live_order_id = ? order by slot limit 1', [
    idToBytes(orderId),
  ]);
  return row ? paymentFrom(row) : null;
}

/** The live wallet part of the order's mixed payment, locked; null where there is none. */
export async function findWalletPart(sql: Sql, orderId: string): Promise<PaymentRow | null> {
  const [row] = await select(sql, 'select * from payment where live_order_id = ? and slot = 1 for update', [
    idToBytes(orderId),
  ]);
  return row ? paymentFrom(row) : null;
}

/** What the order's mixed payment has set aside in the wallet, in minor units. */
export async function heldForOrder(sql: Sql, orderId: string): Promise<bigint> {
  const [row] = await select(
    sql,
    "select amount_minor from payment where live_order_id = ? and slot = 1 and state = 'AUTHORIZED'",
    [idToBytes(orderId)],
  );
  return row ? BigInt(row['amount_minor'] as string) : 0n;
}

export async function findAttempt(sql: Sql, attemptId: string): Promise<AttemptRow | null> {
  const [row] = await select(sql, 'select * from attempt where id = ?', [idToBytes(attemptId)]);
  return row ? attemptFrom(row) : null;
}

/** The attempt whose intent may still be paid. */
export async function findLiveAttempt(sql: Sql, paymentId: string): Promise<AttemptRow | null> {
  const [row] = await select(sql, 'select * from attempt where live = ?', [idToBytes(paymentId)]);
  return row ? attemptFrom(row) : null;
}

export async function findRefund(sql: Sql, refundId: string): Promise<RefundRow | null> {
  const [row] = await select(sql, 'select * from refund where id = ?', [idToBytes(refundId)]);
  return row ? refundFrom(row) : null;
}

/** Who or what changed a payment, for its journal. */
export type Cause = {
  readonly source: Source;
  readonly providerEventId?: string | undefined;
  readonly at: Date;
  /** When the customer paid, where it was before `at`. */
  readonly paidAt?: Date | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
};

/** Stores a new payment. A second one that holds the order fails with a duplicate of `payment_live_slot`. */
export async function insertPayment(unit: Unit, payment: PaymentRow, cause: Cause): Promise<void> {
  await insertRows(unit.sql, 'payment', [
    {
      id: idToBytes(payment.id),
      number: payment.number,
      order_id: idToBytes(payment.orderId),
      customer_id: idToBytes(payment.customerId),
      method: payment.method,
      state: payment.state,
      currency: payment.currency,
      amount_minor: payment.amountMinor,
      captured_minor: payment.capturedMinor,
      refunding_minor: payment.refundingMinor,
      refunded_minor: payment.refundedMinor,
      live_order_id: bytesOrNull(payment.liveOrderId),
      slot: payment.slot,
      manual_capture: payment.manualCapture,
      capturing_minor: payment.capturingMinor,
      return_url: payment.returnUrl ?? null,
      trace_id: payment.traceId,
      expires_at: payment.expiresAt ?? null,
      paid_at: payment.paidAt ?? null,
      created_at: payment.createdAt,
      updated_at: payment.updatedAt,
      version: payment.version,
    },
  ]);
  await insertJournal(
    unit,
    { id: payment.id, state: null, version: 0 },
    [{ event: { type: 'PaymentCreated', amountMinor: payment.amountMinor }, state: payment.state }],
    cause,
  );
  unit.journalled({ payment, events: [{ type: 'PaymentCreated', amountMinor: payment.amountMinor }] });
  unit.changed(payment.orderId);
}

/**
 * Stores what `events` make of a payment that is locked in this transaction, with its journal and what they mean
 * for wallets. Returns it as it is then. Throws RefusedError where the wallet has too little.
 */
export async function savePayment(
  unit: Unit,
  before: PaymentRow,
  events: readonly PaymentEvent[],
  cause: Cause,
): Promise<PaymentRow> {
  if (events.length === 0) return before;
  let after = before;
  const steps = events.map((event) => {
    after = { ...after, ...evolve(after, event), updatedAt: cause.at };
    if (event.type === 'PaymentSettled') after = { ...after, paidAt: cause.paidAt ?? cause.at };
    // The rest of an order of which a part was captured is paid by another payment.
    const isPart = after.state === 'SETTLED' && after.capturedMinor < after.amountMinor;
    if (!holdsOrder(after.state) || isPart) after = { ...after, liveOrderId: null };
    return { event, state: after.state };
  });
  const found = await write(
    unit.sql,
    `update payment set state = ?, captured_minor = ?, capturing_minor = ?, refunding_minor = ?, refunded_minor = ?, live_order_id = ?, paid_at = ?, updated_at = ?, version = ?
     where id = ? and version = ?`,
    [
      after.state,
      after.capturedMinor,
      after.capturingMinor,
      after.refundingMinor,
      after.refundedMinor,
      bytesOrNull(after.liveOrderId),
      after.paidAt ?? null,
      after.updatedAt,
      after.version,
      idToBytes(before.id),
      before.version,
    ],
    1,
  );
  if (found !== 1) throw new Error('a payment changed under its lock');
  await insertJournal(unit, before, steps, cause);
  unit.journalled({ payment: before, events });
  await followPayment(unit.sql, before, steps, cause);
  unit.changed(before.orderId);
  return after;
}

async function insertJournal(
  unit: Unit,
  before: { id: string; state: string | null; version: number },
  steps: readonly { event: PaymentEvent; state: string }[],
  cause: Cause,
): Promise<void> {
  const rows = steps.map(({ event, state }, index) => {
    const data = 'code' in event ? { code: event.code, ...cause.data } : cause.data;
    return {
      payment_id: idToBytes(before.id),
      seq: before.version + index + 1,
      type: event.type,
      from_state: index === 0 ? before.state : (steps[index - 1]?.state ?? null),
      to_state: state,
      amount_minor: 'amountMinor' in event ? event.amountMinor : null,
      source: cause.source,
      provider_event_id: cause.providerEventId ?? null,
      data: data === undefined ? null : JSON.stringify(data),
      at: cause.at,
    };
  });
  await insertRows(unit.sql, 'payment_event', rows);
}

/** An attempt as its provider is asked about it. */
export const knownAttempt = (payment: PaymentRow, attempt: AttemptRow, intentId: string): KnownAttempt => ({
  id: attempt.id,
  intentId,
  orderId: payment.orderId,
  amount: { amount: payment.amountMinor, currency: payment.currency },
});

/** Stores a new attempt, live and not yet known to the provider; asked about from `checkInSeconds` on. */
export async function insertAttempt(
  unit: Unit,
  attempt: { id: string; number: string; paymentId: string; provider: string; createdAt: Date },
  checkInSeconds: number,
): Promise<void> {
  await run(
    unit.sql,
    `insert into attempt (id, number, payment_id, live, provider, state, created_at, next_check_at, checks)
     values (?, ?, ?, ?, ?, 'CREATED', ?, utc_timestamp(3) + interval ? second, 0)`,
    [
      idToBytes(attempt.id),
      attempt.number,
      idToBytes(attempt.paymentId),
      idToBytes(attempt.paymentId),
      attempt.provider,
      attempt.createdAt,
      checkInSeconds,
    ],
  );
}

/** The provider of attempts by wallet, which is no other company: nobody is ever asked about them. */
export const walletProvider = 'wallet';

/** Stores the attempt of a payment by wallet, in the transaction in which the wallet pays or sets aside. */
export async function insertWalletAttempt(
  unit: Unit,
  attempt: { id: string; number: string; paymentId: string; createdAt: Date },
  state: 'AUTHORIZED' | 'SUCCEEDED',
): Promise<void> {
  await run(
    unit.sql,
    `insert into attempt (id, number, payment_id, live, provider, state, provider_intent_id, created_at, finished_at, next_check_at, checks)
     values (?, ?, ?, null, '${walletProvider}', ?, ?, ?, ?, null, 0)`,
    [
      idToBytes(attempt.id),
      attempt.number,
      idToBytes(attempt.paymentId),
      state,
      `${state === 'SUCCEEDED' ? 'charge' : 'hold'}:${attempt.paymentId}`,
      attempt.createdAt,
      state === 'SUCCEEDED' ? attempt.createdAt : null,
    ],
  );
}

/** Stores a refund to be done; due at the provider in `tryInSeconds`. */
export async function insertRefund(
  unit: Unit,
  refund: Pick<
    RefundRow,
    'id' | 'number' | 'attemptId' | 'amountMinor' | 'reason' | 'automatic' | 'surplus' | 'requestedBy' | 'createdAt'
  >,
  payment: PaymentRow,
  tryInSeconds: number,
): Promise<void> {
  await run(
    unit.sql,
    `insert into refund (id, number, payment_id, attempt_id, order_id, customer_id, currency, amount_minor, state, reason, automatic, surplus, requested_by, created_at, next_try_at, tries)
     values (?, ?, ?, ?, ?, ?, ?, ?, 'REQUESTED', ?, ?, ?, ?, ?, utc_timestamp(3) + interval ? second, 0)`,
    [
      idToBytes(refund.id), refund.number, idToBytes(payment.id), idToBytes(refund.attemptId), idToBytes(payment.orderId), idToBytes(payment.customerId),
      payment.currency, refund.amountMinor, refund.reason, refund.automatic, refund.surplus, bytesOrNull(refund.requestedBy), refund.createdAt, tryInSeconds,
    ],
  ); // prettier-ignore
}
