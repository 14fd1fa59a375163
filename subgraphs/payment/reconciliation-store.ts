import { type Row, type Sql, placeholders, run, select, toDate, toJson } from '../shared/database/database.ts';
import { idFromBytes, idToBytes, isId } from '../shared/values/ids.ts';
import { type Money, moneyToJson } from '../shared/values/money.ts';
import type { DifferenceKind, Period } from './domain/reconciliation.ts';
import type { MovementKind, StatementLine } from './providers/provider.ts';

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

const movementFrom =
  (kind: MovementKind) =>
  (row: Row): OurMovement => ({
    kind,
    id: idFromBytes(row['id'] as Buffer),
    number: String(row['number']),
    paymentId: idFromBytes(row['payment_id'] as Buffer),
    state: String(row['state']),
    providerTransactionId: row['transaction_id'] as string | null,
    amount: { amount: BigInt(row['amount_minor'] as string), currency: String(row['currency']) },
    done: doneStates[kind].includes(row['state']),
    at: toDate(row['at']),
  });

const ofDispute = (at: string): string =>
  `select m.id, p.number, m.payment_id, m.state, m.provider_dispute_id transaction_id, m.${at} at, m.currency, m.amount_minor
    from dispute m join payment p on p.id = m.payment_id`;

/** What came in by an attempt is what its payment captured, or was to capture. */
const movements: Readonly<Record<MovementKind, string>> = {
  charge: `select m.id, m.number, m.payment_id, m.state, m.provider_intent_id transaction_id, m.finished_at at, p.currency,
      if(p.captured_minor > 0, p.captured_minor, p.amount_minor) amount_minor
    from attempt m join payment p on p.id = m.payment_id`,
  refund: `select m.id, m.number, m.payment_id, m.state, m.provider_refund_id transaction_id, m.settled_at at, m.currency, m.amount_minor
    from refund m join attempt a on a.id = m.attempt_id and m.origin <> 'DISPUTE'`,
  dispute: ofDispute('opened_at'),
  reversal: ofDispute('closed_at'),
};
const ofProvider: Readonly<Record<MovementKind, string>> = { charge: 'm.provider = ?', refund: 'a.provider = ?', dispute: 'm.provider = ?', reversal: 'm.provider = ?' }; // prettier-ignore
const transactionId: Readonly<Record<MovementKind, string>> = { charge: 'm.provider_intent_id', refund: 'm.provider_refund_id', dispute: 'm.provider_dispute_id', reversal: 'm.provider_dispute_id' }; // prettier-ignore
const movedAt: Readonly<Record<MovementKind, string>> = { charge: 'm.finished_at', refund: 'm.settled_at', dispute: 'm.opened_at', reversal: 'm.closed_at' }; // prettier-ignore
/** What a statement has to tell: nothing that was settled by hand, and nothing given back of what was never taken. */
const isStated: Readonly<Record<MovementKind, string>> = {
  charge: "m.state = 'SUCCEEDED'",
  refund: "m.state = 'SUCCEEDED' and m.confirmed_by is null",
  dispute: "m.state in ('OPEN', 'LOST')",
  reversal: "m.state = 'WON' and exists (select 1 from statement_line t where t.our_id = m.id and t.kind = 'dispute')",
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
  const found = await select(sql, `${movements[kind]} where ${ofProvider[kind]} and ${transactionId[kind]} in (${placeholders(names)})`, [provider, ...names]); // prettier-ignore
  if (ids.length > 0)
    found.push(...(await select(sql, `${movements[kind]} where ${ofProvider[kind]} and m.id in (${placeholders(ids)})`, [provider, ...ids]))); // prettier-ignore
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
  await run(
    sql,
    `insert into statement_line (provider, kind, provider_transaction_id, our_id, at, seen_at) values ${lines.map(() => '(?, ?, ?, ?, ?, ?)').join(', ')}
     on duplicate key update our_id = values(our_id), at = values(at), seen_at = greatest(seen_at, values(seen_at))`,
    lines.flatMap((line) => [provider, line.kind, line.providerTransactionId, line.ours ? idToBytes(line.ours.id) : null, line.at, seenAt]), // prettier-ignore
  );
}

/** Forgets lines of the period that the statement no longer has. */
export async function forgetLines(sql: Sql, provider: string, period: Period, seenBefore: Date): Promise<void> {
  await run(sql, 'delete from statement_line where provider = ? and at >= ? and at < ? and seen_at < ?', [
    provider,
    period.from,
    period.to,
    seenBefore,
  ]);
}

/** Movements that we booked in the period and that no statement has told of, oldest first. */
export async function findUntold(
  sql: Sql,
  provider: string,
  kind: MovementKind,
  period: Period,
  limit: number,
): Promise<OurMovement[]> {
  const rows = await select(
    sql,
    `${movements[kind]} where ${ofProvider[kind]} and ${isStated[kind]} and ${movedAt[kind]} >= ? and ${movedAt[kind]} < ?
       and not exists (select 1 from statement_line s where s.our_id = m.id and s.kind = ?)
       and not exists (select 1 from statement_line s where s.provider = ? and s.kind = ? and s.provider_transaction_id = ${transactionId[kind]})
     order by ${movedAt[kind]}, m.id limit ${limit}`,
    [provider, period.from, period.to, kind, provider, kind],
  );
  return rows.map(movementFrom(kind));
}

export async function saveReconciliation(sql: Sql, report: ReconciliationRow): Promise<void> {
  await run(
    sql,
    `insert into reconciliation (day, provider, matched, missing_here, missing_at_provider, amount_mismatch, items, checked_at) values (?, ?, ?, ?, ?, ?, ?, ?)
     on duplicate key update matched = values(matched), missing_here = values(missing_here), missing_at_provider = values(missing_at_provider),
       amount_mismatch = values(amount_mismatch), items = values(items), checked_at = values(checked_at)`,
    [
      report.day, report.provider, report.matched, report.missingHere, report.missingAtProvider, report.amountMismatch,
      JSON.stringify(report.items), report.checkedAt,
    ],
  ); // prettier-ignore
}

/** The stored reports of a day, by provider. */
export async function findReconciliations(sql: Sql, day: string): Promise<ReconciliationRow[]> {
  const rows = await select(sql, 'select * from reconciliation where day = ? order by provider', [day]);
  return rows.map((row) => ({
    day: String(row['day']),
    provider: String(row['provider']),
    matched: Number(row['matched']),
    missingHere: Number(row['missing_here']),
    missingAtProvider: Number(row['missing_at_provider']),
    amountMismatch: Number(row['amount_mismatch']),
    items: toJson<DifferenceItem[]>(row['items']),
    checkedAt: toDate(row['checked_at']) as Date,
  }));
}
