import { sql as expression } from 'kysely';
import type { Sql } from '../../shared/database/statements.ts';
import { change, find, prepare } from '../../shared/database/tables.ts';
import { readerOf } from '../../shared/database/reader.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';
import type { AccountKind, Transfer } from '../domain/ledger.ts';
import { bytesOrNull, insert, tables } from '../tables.ts';
import { LedgerEntryRecord, type LedgerEntryRow } from './records.ts';

const entryOf = readerOf(LedgerEntryRecord);

/** An account that a transfer moves, and by how much. */
export type AccountMove = {
  readonly id: string;
  readonly kind: AccountKind;
  readonly ownerId: string;
  readonly currency: string;
  readonly amountMinor: bigint;
};

const moved = (amount: bigint) => ({
  balance_minor: expression<bigint>`balance_minor + ${amount}`,
  seq: expression<bigint>`seq + 1`,
});
const cover = prepare<{ id: Buffer; amount: bigint }>()((param) =>
  tables
    .updateTable('ledger_account')
    .set(moved(param.amount))
    .where('id', '=', param.id)
    .where(expression<boolean>`balance_minor + ${param.amount} >= 0`),
);

/** Takes from an account what it has; false where that is too little. */
export const takeCovered = async (sql: Sql, { id, amountMinor }: AccountMove): Promise<boolean> =>
  (await change(sql, cover, { id: idToBytes(id), amount: amountMinor })) === 1;

const post = prepare<{ id: Buffer; kind: AccountKind; owner: Buffer; currency: string; amount: bigint; at: Date }>()(
  (param) =>
    tables
      .insertInto('ledger_account')
      .values({
        id: param.id,
        kind: param.kind,
        owner_id: param.owner,
        currency: param.currency,
        balance_minor: param.amount,
        seq: 1,
        created_at: param.at,
      })
      .onDuplicateKeyUpdate(moved(param.amount)),
);

/** Adds to an account. The first move opens it: there is no moment at which a wallet has to be made. */
export const addToAccount = async (sql: Sql, move: AccountMove, at: Date): Promise<void> => {
  const { kind, currency, amountMinor: amount } = move;
  await change(
    sql,
    post,
    { id: idToBytes(move.id), kind, owner: idToBytes(move.ownerId), currency, amount, at },
    'any',
  );
};

/** Fails with a duplicate for a reference that was posted before. */
export const insertTransfer = (
  sql: Sql,
  id: string,
  { reference, reason, paymentId, orderId }: Transfer,
  at: Date,
): Promise<void> =>
  insert(sql, 'ledger_transfer', [
    { id: idToBytes(id), reference, reason, payment_id: bytesOrNull(paymentId), order_id: bytesOrNull(orderId), at },
  ]);

export const insertEntries = (
  sql: Sql,
  entries: readonly Omit<LedgerEntryRow, 'reference' | 'reason'>[],
): Promise<void> =>
  insert(
    sql,
    'ledger_entry',
    entries.map((entry) => ({
      account_id: idToBytes(entry.accountId),
      seq: entry.seq,
      transfer_id: idToBytes(entry.transferId),
      amount_minor: entry.amountMinor,
      balance_after_minor: entry.balanceAfterMinor,
      at: entry.at,
    })),
  );

export type AccountBalance = { readonly seq: bigint; readonly balanceMinor: bigint };

/** Balances of accounts by id; one that has never moved is left out. */
export async function findBalances(sql: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, AccountBalance>> {
  const accounts = tables
    .selectFrom('ledger_account')
    .select(['id', 'seq', 'balance_minor'])
    .where('id', 'in', ids.map(idToBytes));
  const rows = await find(sql, accounts);
  return new Map(
    rows.map((row) => [idFromBytes(row.id), { seq: BigInt(row.seq), balanceMinor: BigInt(row.balance_minor) }]),
  );
}

/** What an account has, locked; nothing of one that has never moved. */
export async function lockBalance(sql: Sql, accountId: string): Promise<bigint> {
  const account = tables
    .selectFrom('ledger_account')
    .select('balance_minor')
    .where('id', '=', idToBytes(accountId))
    .forUpdate();
  const [row] = await find(sql, account);
  return row ? BigInt(row.balance_minor) : 0n;
}

/** The currency of the wallet that a user opened first; null where there is none. */
export async function findFirstCurrency(sql: Sql, ownerId: string): Promise<string | null> {
  const first = tables
    .selectFrom('ledger_account')
    .select('currency')
    .where('owner_id', '=', idToBytes(ownerId))
    .where('kind', '=', 'AVAILABLE')
    .orderBy('created_at')
    .orderBy('currency')
    .limit(1);
  return (await find(sql, first))[0]?.currency ?? null;
}

const posted = prepare<{ reference: string }>()((param) =>
  tables.selectFrom('ledger_transfer').select('id').where('reference', '=', param.reference),
);

/** True when the transfer with this reference was posted. */
export const isPosted = async (sql: Sql, reference: string): Promise<boolean> =>
  (await find(sql, posted, { reference })).length > 0;

/** An account's entries with their transfers, newest first: those before `beforeSeq`, at most `limit`. */
export async function listEntries(
  sql: Sql,
  accountId: string,
  page: { beforeSeq: number | null; limit: number },
): Promise<LedgerEntryRow[]> {
  let query = tables
    .selectFrom('ledger_entry')
    .innerJoin('ledger_transfer', 'ledger_transfer.id', 'ledger_entry.transfer_id')
    .selectAll('ledger_entry')
    .select(['ledger_transfer.reference', 'ledger_transfer.reason'])
    .where('ledger_entry.account_id', '=', idToBytes(accountId));
  if (page.beforeSeq !== null) query = query.where('ledger_entry.seq', '<', page.beforeSeq);
  const rows = await find(sql, query.orderBy('ledger_entry.seq', 'desc').limit(page.limit));
  return rows.map((row) => ({ ...entryOf(row), reference: row.reference, reason: row.reason }));
}

/** The house's losses by transfers of a payment whose references begin so, in minor units. */
export async function lossesOf(sql: Sql, paymentId: string, referencePrefix: string): Promise<bigint> {
  const losses = tables
    .selectFrom('ledger_transfer')
    .innerJoin('ledger_entry', 'ledger_entry.transfer_id', 'ledger_transfer.id')
    .innerJoin('ledger_account', 'ledger_account.id', 'ledger_entry.account_id')
    .select(expression<string>`coalesce(sum(ledger_entry.amount_minor), 0)`.as('lost'))
    .where('ledger_transfer.payment_id', '=', idToBytes(paymentId))
    .where('ledger_transfer.reference', 'like', `${referencePrefix}%`)
    .where('ledger_account.kind', '=', 'LOSSES');
  return -BigInt((await find(sql, losses))[0]?.lost ?? 0);
}

/** Sum of an account's entries after `since` whose references begin so, of the newest `limit`; and how many these are. */
export async function sumOfEntries(
  sql: Sql,
  accountId: string,
  { since, referencePrefix, limit }: { since: Date; referencePrefix: string; limit: number },
): Promise<{ readonly sumMinor: bigint; readonly entries: number }> {
  const newest = tables
    .selectFrom('ledger_entry')
    .select(['transfer_id', 'amount_minor'])
    .where('account_id', '=', idToBytes(accountId))
    .where('at', '>', since)
    .orderBy('seq', 'desc')
    .limit(limit)
    .as('entry');
  const sums = tables
    .selectFrom(newest)
    .innerJoin('ledger_transfer', 'ledger_transfer.id', 'entry.transfer_id')
    .select([
      expression<string>`coalesce(sum(if(ledger_transfer.reference like ${`${referencePrefix}%`}, entry.amount_minor, 0)), 0)`.as(
        'sum_minor',
      ),
      expression<string>`count(*)`.as('entries'),
    ]);
  const [row] = await find(sql, sums);
  return { sumMinor: BigInt(row?.sum_minor ?? 0), entries: Number(row?.entries ?? 0) };
}

/** Balances summed by kind and currency, in minor units. */
export async function sumByKind(
  sql: Sql,
): Promise<{ readonly kind: string; readonly currency: string; readonly total: number }[]> {
  const sums = tables
    .selectFrom('ledger_account')
    .select(['kind', 'currency', expression<string>`sum(balance_minor)`.as('total')])
    .groupBy(['kind', 'currency']);
  return (await find(sql, sums)).map(({ kind, currency, total }) => ({ kind, currency, total: Number(total) }));
}
