import { sql as expression } from 'kysely';
import { type Sql, toDate, toJson } from '../../shared/database/statements.ts';
import { find } from '../../shared/database/tables.ts';
import { tables } from './tables.ts';

/** Money that moved, as the API shows it. */
export type Movement = {
  readonly id: string;
  readonly type: 'charge' | 'refund' | 'dispute' | 'reversal';
  readonly payment_intent: string;
  readonly amount: number;
  readonly currency: string;
  readonly metadata: unknown;
  readonly created_at: string;
};

type Period = { readonly from: Date; readonly to: Date };
const anyTime: Period = { from: new Date(0), to: new Date('9999-01-01T00:00:00.000Z') };

const typed = (type: Movement['type']) => expression<Movement['type']>`${expression.lit(type)}`.as('type');
const aboutDispute = expression<string>`json_object('dispute', id)`.as('metadata');

const charges = ({ from, to }: Period) =>
  tables
    .selectFrom('charge')
    .select([typed('charge'), 'id', 'intent_id', 'amount', 'currency', expression`metadata`.as('metadata')])
    .select('created_at')
    .where('created_at', '>=', from)
    .where('created_at', '<', to);
const refunds = ({ from, to }: Period) =>
  tables
    .selectFrom('refund')
    .select([typed('refund'), 'id', 'intent_id', 'amount', 'currency', expression`metadata`.as('metadata')])
    .select('created_at')
    .where('created_at', '>=', from)
    .where('created_at', '<', to)
    .where('status', '=', 'succeeded');
/** What a dispute took. */
const disputes = ({ from, to }: Period) =>
  tables
    .selectFrom('dispute')
    .select([typed('dispute'), 'id', 'intent_id', 'amount', 'currency', aboutDispute])
    .select('created_at')
    .where('created_at', '>=', from)
    .where('created_at', '<', to);
/** What it gave back when it was won. */
const reversals = ({ from, to }: Period) =>
  tables
    .selectFrom('dispute')
    .select([typed('reversal'), expression<string>`concat('rv_', id)`.as('id'), 'intent_id', 'amount', 'currency'])
    .select([aboutDispute, expression<string>`won_at`.as('created_at')])
    .where('won_at', '>=', from)
    .where('won_at', '<', to);

const books = (period: Period) => charges(period).unionAll(refunds(period)).as('line');
const statement = (period: Period) =>
  charges(period).unionAll(refunds(period)).unionAll(disputes(period)).unionAll(reversals(period)).as('line');

/**
 * Movements oldest first, by pages: those after the one with the id `after`, at most `limit`. `journal`: all charges and
 * refunds; else all kinds within `[from, to)` of each one's time.
 */
export async function findMovements(
  sql: Sql,
  wanted: { readonly of: 'journal' | Period; readonly after: string | null; readonly limit: number },
): Promise<Movement[]> {
  const lines = wanted.of === 'journal' ? books(anyTime) : statement(wanted.of);
  const earlier = wanted.of === 'journal' ? books(anyTime) : statement(anyTime);
  let query = tables.selectFrom(lines).selectAll();
  if (wanted.after !== null) {
    const last = tables.selectFrom(earlier).select(['created_at', 'id']).where('id', '=', wanted.after);
    query = query.where(expression<boolean>`(created_at, id) > ${last}`);
  }
  const rows = await find(sql, query.orderBy('created_at').orderBy('id').limit(wanted.limit));
  return rows.map((row) => ({
    id: row.id,
    type: row.type,
    payment_intent: row.intent_id,
    amount: Number(row.amount),
    currency: row.currency,
    metadata: toJson(row.metadata),
    created_at: (toDate(row.created_at) as Date).toISOString(),
  }));
}
