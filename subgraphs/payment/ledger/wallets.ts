import { type Page, foreignCursor, pageArguments, toPage } from '../../shared/values/paging.ts';
import { type Row, type Sql, placeholders, select, toDate } from '../../shared/database/database.ts';
import { badUserInput } from '../../shared/errors/errors.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';
import { isCurrency } from '../../shared/values/currencies.ts';
import { accountId, walletId } from '../domain/ledger.ts';
import type { LedgerEntryRow } from './records.ts';

/** A customer's money here in one currency, in minor units. */
export type WalletView = {
  readonly id: string;
  readonly ownerId: string;
  readonly currency: string;
  /** What can be spent. */
  readonly balanceMinor: bigint;
  /** What is set aside for orders in flight, on top of the balance. */
  readonly heldMinor: bigint;
};

/** A customer's wallet in a currency; one that has never moved is empty. */
export async function readWallet(sql: Sql, ownerId: string, currency: string): Promise<WalletView> {
  const held = accountId({ kind: 'HELD', ownerId, currency });
  const id = walletId(ownerId, currency);
  const ids = [id, held];
  const rows = await select(
    sql,
    `select id, balance_minor from ledger_account where id in (${placeholders(ids)})`,
    ids.map(idToBytes),
  );
  const balances = new Map(
    rows.map((row) => [idFromBytes(row['id'] as Buffer), BigInt(row['balance_minor'] as string)]),
  );
  return { id, ownerId, currency, balanceMinor: balances.get(id) ?? 0n, heldMinor: balances.get(held) ?? 0n };
}

/** The wallet in `currency`, or the one that was opened first; null where none was. Throws BAD_USER_INPUT for no currency code. */
export async function findWallet(sql: Sql, ownerId: string, currency: string | null): Promise<WalletView | null> {
  if (currency !== null) {
    if (!isCurrency(currency)) throw badUserInput('currency: is the code of a currency of ISO 4217, e.g. EUR.');
    return readWallet(sql, ownerId, currency);
  }
  const [row] = await select(
    sql,
    "select currency from ledger_account where owner_id = ? and kind = 'AVAILABLE' order by created_at, currency limit 1",
    [idToBytes(ownerId)],
  );
  return row ? readWallet(sql, ownerId, String(row['currency'])) : null;
}

/** A wallet's entries, newest first. */
export async function listEntries(
  sql: Sql,
  wallet: string,
  input: { first?: number | null; after?: string | null },
): Promise<Page<LedgerEntryRow>> {
  const page = pageArguments(input, { name: 'wallet entries', keyLength: 1, selection: wallet });
  const before = page.after?.[0];
  if (before !== undefined && !Number.isSafeInteger(before)) throw foreignCursor();
  const rows = await select(
    sql,
    `select e.*, t.reference, t.reason from ledger_entry e join ledger_transfer t on t.id = e.transfer_id
     where e.account_id = ? ${before === undefined ? '' : 'and e.seq < ?'} order by e.seq desc limit ${page.first + 1}`,
    before === undefined ? [idToBytes(wallet)] : [idToBytes(wallet), before],
  );
  return toPage(rows.map(entryFrom), page, (entry) => [Number(entry.seq)]);
}

const entryFrom = (row: Row): LedgerEntryRow => ({
  accountId: idFromBytes(row['account_id'] as Buffer),
  seq: BigInt(row['seq'] as string),
  transferId: idFromBytes(row['transfer_id'] as Buffer),
  amountMinor: BigInt(row['amount_minor'] as string),
  balanceAfterMinor: BigInt(row['balance_after_minor'] as string),
  at: toDate(row['at']) as Date,
  reference: String(row['reference']),
  reason: String(row['reason']),
});
