import { type AliasedSelectQueryBuilder, sql as expression } from 'kysely';
import { readerOf } from '../shared/database/reader.ts';
import { type Sql, toDate } from '../shared/database/statements.ts';
import { change, find } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes, isId } from '../shared/values/ids.ts';
import { type Money, moneyToJson } from '../shared/values/money.ts';
import type { DifferenceKind, Period } from './domain/reconciliation.ts';
import type { MovementKind, StatementLine } from './providers/provider.ts';
import { ReconciliationRecord } from './records.ts';
import { bytesOrNull, tables } from './tables.ts';

/** A charge, a refund or a dispute as our ledger has it; a dispute's number is its payment's. */
export type OurMovement = {
  readonly kind: MovementKind;
  readonly id: string;
  readonly number: string;
  readonly paymentId: string;
  readonly state: string;
  readonly providerTransactionId: string | null;
  readonly amount: Money;
  readonly done: boolean;
  readonly at: Date | null;
};

/** A difference as the API shows it. */
export type DifferenceItem = {
  readonly kind: DifferenceKind;
  readonly movement: (typeof movementNames)[MovementKind];
  readonly provider: string;
  readonly providerTransactionId: string | null;
  readonly statement: object | null;
  readonly ours: object | null;
};

/** One provider's day. `items` holds the first differences only; the counts are of all. */
export type ReconciliationRow = {
  readonly day: string;
  readonly provider: string;
  readonly matched: number;
  readonly missingHere: number;
  readonly missingAtProvider: number;
  readonly amountMismatch: number;
  readonly items: readonly DifferenceItem[];
  readonly checkedAt: Date;
};

const movementNames = { charge: 'CHARGE', refund: 'REFUND', dispute: 'DISPUTE', reversal: 'DISPUTE_REVERSED' } as const;

export const itemOf = (
  kind: DifferenceKind,
  provider: string,
  line: StatementLine | null,
  ours: OurMovement | null,
): DifferenceItem => ({
  kind,
  movement: movementNames[(line ?? ours)?.kind ?? 'charge'],
  provider,
  providerTransactionId: (line ?? ours)?.providerTransactionId ?? null,
  statement: line && { amount: moneyToJson(line.amount), reference: line.ourReference, at: line.at.toISOString() },
  ours: ours && { id: ours.id, number: ours.number, paymentId: ours.paymentId, state: ours.state, amount: moneyToJson(ours.amount), at: ours.at?.toISOString() ?? null },
}); // prettier-ignore

/** In which states the money of a movement has moved. A dispute takes it at once. */
const doneStates: Readonly<Record<MovementKind, readonly unknown[]>> = {
  charge: ['SUCCEEDED'],
  refund: ['SUCCEEDED'],
  dispute: ['OPEN', 'WON', 'LOST'],
  reversal: ['WON'],
};

const reportOf = readerOf(ReconciliationRecord);

type MovementColumns = {
  id: Buffer;
  number: string;
  payment_id: Buffer;
  state: string;
  transaction_id: string | null;
  at: string | Date | null;
  currency: string;
  amount_minor: string | number | bigint;
};
const movementFrom =
  (kind: MovementKind) =>
  (row: MovementColumns): OurMovement => ({
    kind,
    id: idFromBytes(row.id),
    number: row.number,
    paymentId: idFromBytes(row.payment_id),
    state: row.state,
    providerTransactionId: row.transaction_id,
    amount: { amount: BigInt(row.amount_minor), currency: row.currency },
    done: doneStates[kind].includes(row.state),
    at: toDate(row.at),
  });

/** Our movements of one kind and provider; `isStated`: those that a statement has to tell. */
type Movements = (provider: string, isStated: boolean) => AliasedSelectQueryBuilder<MovementColumns, 'ours'>;

/** What came in by an attempt is what its payment captured, or was to capture. */
const charges: Movements = (provider, isStated) => {
  const all = tables
    .selectFrom('attempt')
    .innerJoin('payment', 'payment.id', 'attempt.payment_id')
    .select(['attempt.id', 'attempt.number', 'attempt.payment_id', 'attempt.state', 'payment.currency'])
    .select(['attempt.provider_intent_id as transaction_id', 'attempt.finished_at as at'])
    .select(expression<bigint>`if(payment.captured_minor > 0, payment.captured_minor, payment.amount_minor)`.as('amount_minor'))
    .where('attempt.provider', '=', provider); // prettier-ignore
  return (isStated ? all.where('attempt.state', '=', 'SUCCEEDED') : all).as('ours');
};

/** A statement tells nothing that was settled by hand. */
const refunds: Movements = (provider, isStated) => {
  const all = tables
    .selectFrom('refund')
    .innerJoin('attempt', 'attempt.id', 'refund.attempt_id')
    .select(['refund.id', 'refund.number', 'refund.payment_id', 'refund.state', 'refund.currency'])
    .select(['refund.provider_refund_id as transaction_id', 'refund.settled_at as at', 'refund.amount_minor'])
    .where('refund.origin', '<>', 'DISPUTE')
    .where('attempt.provider', '=', provider);
  return (isStated ? all.where('refund.state', '=', 'SUCCEEDED').where('refund.confirmed_by', 'is', null) : all).as(
    'ours',
  );
};

const ofDisputes = (provider: string, at: 'dispute.opened_at' | 'dispute.closed_at') =>
  tables
    .selectFrom('dispute')
    .innerJoin('payment', 'payment.id', 'dispute.payment_id')
    .select(['dispute.id', 'payment.number', 'dispute.payment_id', 'dispute.state', 'dispute.currency'])
    .select(['dispute.provider_dispute_id as transaction_id', `${at} as at`, 'dispute.amount_minor'])
    .where('dispute.provider', '=', provider);

const disputes: Movements = (provider, isStated) => {
  const all = ofDisputes(provider, 'dispute.opened_at');
  return (isStated ? all.where('dispute.state', 'in', ['OPEN', 'LOST']) : all).as('ours');
};

/** A statement tells nothing given back of what was never taken. */
const reversals: Movements = (provider, isStated) => {
  const all = ofDisputes(provider, 'dispute.closed_at');
  if (!isStated) return all.as('ours');
  return all
    .where('dispute.state', '=', 'WON')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('statement_line')
          .select('statement_line.kind')
          .whereRef('statement_line.our_id', '=', 'dispute.id')
          .where('statement_line.kind', '=', 'dispute'),
      ),
    )
    .as('ours');
};

const movements: Readonly<Record<MovementKind, Movements>> = {
  charge: charges,
  refund: refunds,
  dispute: disputes,
  reversal: reversals,
};

/** Our id in what the provider was given: a refund's key is its id and, after a refusal, the number of the try. */
const referredId = ({ ourReference }: StatementLine): string | null => {
  const id = ourReference?.split(':')[0];
  return isId(id) ? id : null;
};

/** Our movements that these lines, all of one kind, tell of: by the provider's id, else by ours. */
export async function findOurs(
  sql: Sql,
  provider: string,
  kind: MovementKind,
  lines: readonly StatementLine[],
): Promise<ReadonlyMap<StatementLine, OurMovement>> {
  if (lines.length === 0) return new Map();
  const names = lines.map((line) => line.providerTransactionId);
  const ids = lines.flatMap((line) => referredId(line) ?? []).map(idToBytes);
  const ours = () => tables.selectFrom(movements[kind](provider, false)).selectAll();
  const found = await find(sql, ours().where('ours.transaction_id', 'in', names));
  if (ids.length > 0) found.push(...(await find(sql, ours().where('ours.id', 'in', ids))));
  const all = found.map(movementFrom(kind));
  const byName = new Map(all.map((ours) => [ours.providerTransactionId, ours]));
  const byId = new Map(all.map((ours) => [ours.id, ours]));
  return new Map(
    lines.flatMap((line) => {
      const ours = byName.get(line.providerTransactionId) ?? byId.get(referredId(line) ?? '');
      return ours ? [[line, ours] as const] : [];
    }),
  );
}

/** Remembers what a statement said, so that a movement that we book on the next day is not missed there. */
export async function rememberLines(
  sql: Sql,
  provider: string,
  lines: readonly (StatementLine & { readonly ours: OurMovement | undefined })[],
  seenAt: Date,
): Promise<void> {
  if (lines.length === 0) return;
  const rows = lines.map((line) => ({
    provider,
    kind: line.kind,
    provider_transaction_id: line.providerTransactionId,
    our_id: bytesOrNull(line.ours?.id),
    at: line.at,
    seen_at: seenAt,
  }));
  const remembered = tables
    .insertInto('statement_line')
    .values(rows)
    .onDuplicateKeyUpdate({
      our_id: expression`values(our_id)`,
      at: expression`values(at)`,
      seen_at: expression`greatest(seen_at, values(seen_at))`,
    });
  await change(sql, remembered, 'any');
}

/** Forgets lines of the period that the statement no longer has. */
export async function forgetLines(sql: Sql, provider: string, period: Period, seenBefore: Date): Promise<void> {
  const gone = tables
    .deleteFrom('statement_line')
    .where('provider', '=', provider)
    .where('at', '>=', period.from)
    .where('at', '<', period.to)
    .where('seen_at', '<', seenBefore);
  await change(sql, gone, 'any');
}

/** Forgets lines of so many days ago; how many, at most `limit`. */
export const forgetLinesBefore = (sql: Sql, { days, limit }: { days: number; limit: number }): Promise<number> =>
  change(
    sql,
    tables
      .deleteFrom('statement_line')
      .where('at', '<', expression<Date>`utc_timestamp(3) - interval ${days} day`)
      .limit(limit),
  );

/** Movements that we booked in the period and that no statement has told of, oldest first. */
export async function findUntold(
  sql: Sql,
  provider: string,
  kind: MovementKind,
  period: Period,
  limit: number,
): Promise<OurMovement[]> {
  const untold = tables
    .selectFrom(movements[kind](provider, true))
    .selectAll()
    .where('ours.at', '>=', period.from)
    .where('ours.at', '<', period.to)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('statement_line')
            .select('statement_line.kind')
            .whereRef('statement_line.our_id', '=', 'ours.id')
            .where('statement_line.kind', '=', kind),
        ),
      ),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('statement_line')
            .select('statement_line.kind')
            .where('statement_line.provider', '=', provider)
            .where('statement_line.kind', '=', kind)
            .whereRef('statement_line.provider_transaction_id', '=', 'ours.transaction_id'),
        ),
      ),
    )
    .orderBy('ours.at')
    .orderBy('ours.id')
    .limit(limit);
  return (await find(sql, untold)).map(movementFrom(kind));
}

export async function saveReconciliation(sql: Sql, report: ReconciliationRow): Promise<void> {
  const counts = {
    matched: report.matched,
    missing_here: report.missingHere,
    missing_at_provider: report.missingAtProvider,
    amount_mismatch: report.amountMismatch,
    items: JSON.stringify(report.items),
    checked_at: report.checkedAt,
  };
  const saved = tables
    .insertInto('reconciliation')
    .values({ day: report.day, provider: report.provider, ...counts })
    .onDuplicateKeyUpdate(counts);
  await change(sql, saved, 'any');
}

/** The stored reports of a day, by provider. */
export async function findReconciliations(sql: Sql, day: string): Promise<ReconciliationRow[]> {
  const stored = tables.selectFrom('reconciliation').selectAll().where('day', '=', day).orderBy('provider');
  return (await find(sql, stored)).map((row) => {
    const report = reportOf(row);
    return { ...report, items: report.items as readonly DifferenceItem[] };
  });
}

const differenceKinds = ['missing_here', 'missing_at_provider', 'amount_mismatch'] as const;

/** Differences by provider and kind in the reports of the last `days` days. */
export async function sumDifferences(
  sql: Sql,
  days: number,
): Promise<{ readonly provider: string; readonly kind: string; readonly count: number }[]> {
  const sums = tables
    .selectFrom('reconciliation')
    .select(['provider', ...differenceKinds.map((kind) => expression<string>`sum(${expression.ref(kind)})`.as(kind))])
    .where('day', '>=', expression<string>`date_format(utc_timestamp() - interval ${days} day, '%Y-%m-%d')`)
    .groupBy('provider');
  return (await find(sql, sums)).flatMap((row) =>
    differenceKinds.map((kind) => ({ provider: row.provider, kind, count: Number(row[kind]) })),
  );
}
