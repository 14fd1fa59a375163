import type { Sql } from '../shared/database/statements.ts';
import { sinceLimit } from '../shared/tables/second-person.ts';
import { type Money, maxAmountMinor, money } from '../shared/values/money.ts';
import { walletId } from './domain/ledger.ts';
import { sumOfEntries } from './ledger/ledger-store.ts';
import { findAmountsByStaff } from './refund-store.ts';

/** So many refunds, or entries of a wallet, are looked at; where there are more within a day, the sum counts as above every limit. */
const maxEntries = 1_000;

/** What staff gave back of this payment lately, those that had failed and were made again among it, so that one large refund can't be many small ones. Exact under the payment's lock. */
export async function refundedLately(sql: Sql, payment: { id: string; currency: string }, at: Date): Promise<Money> {
  const amounts = await findAmountsByStaff(sql, payment.id, { since: sinceLimit(at), limit: maxEntries });
  const refunded = amounts.reduce((sum, amountMinor) => sum + amountMinor, 0n);
  return money(amounts.length < maxEntries ? refunded : maxAmountMinor, payment.currency);
}

/** What staff gave this wallet lately, so that one large credit can't be many small ones. Exact once the wallet's row is locked. */
export async function creditedLately(
  sql: Sql,
  wallet: { ownerId: string; currency: string },
  at: Date,
): Promise<Money> {
  const wanted = { since: sinceLimit(at), referencePrefix: 'credit:', limit: maxEntries };
  const { sumMinor, entries } = await sumOfEntries(sql, walletId(wallet.ownerId, wallet.currency), wanted);
  return money(entries < maxEntries ? sumMinor : maxAmountMinor, wallet.currency);
}
