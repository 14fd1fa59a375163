import { type Page, foreignCursor, pageArguments, toPage } from '../../shared/values/paging.ts';
import type { Sql } from '../../shared/database/statements.ts';
import { badUserInput } from '../../shared/errors/errors.ts';
import { isCurrency } from '../../shared/values/currencies.ts';
import { accountId, walletId } from '../domain/ledger.ts';
import * as ledger from './ledger-store.ts';
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
  const balances = await ledger.findBalances(sql, [id, held]);
  const minorOf = (account: string): bigint => balances.get(account)?.balanceMinor ?? 0n;
  return { id, ownerId, currency, balanceMinor: minorOf(id), heldMinor: minorOf(held) };
}

/** The wallet in `currency`, or the one that was opened first; null where none was. Throws BAD_USER_INPUT for no currency code. */
export async function findWallet(sql: Sql, ownerId: string, currency: string | null): Promise<WalletView | null> {
  if (currency !== null) {
    if (!isCurrency(currency)) throw badUserInput('currency: is the code of a currency of ISO 4217, e.g. EUR.');
    return readWallet(sql, ownerId, currency);
  }
  const first = await ledger.findFirstCurrency(sql, ownerId);
  return first === null ? null : readWallet(sql, ownerId, first);
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
  const entries = await ledger.listEntries(sql, wallet, {
    beforeSeq: before === undefined ? null : Number(before),
    limit: page.first + 1,
  });
  return toPage(entries, page, (entry) => [Number(entry.seq)]);
}
