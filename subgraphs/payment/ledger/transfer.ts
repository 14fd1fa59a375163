import type { Sql } from '../../shared/database/statements.ts';
import { type Refusal, RefusedError, validationError } from '../../shared/errors/errors.ts';
import { newId } from '../../shared/values/ids.ts';
import { maxAmountMinor, money } from '../../shared/values/money.ts';
import { type Transfer, accountId, checkTransfer, isCustomers } from '../domain/ledger.ts';
import { insufficientBalance } from '../domain/refusals.ts';
import {
  type AccountBalance,
  type AccountMove,
  addToAccount,
  findBalances,
  insertEntries,
  insertTransfer,
  takeCovered,
} from './ledger-store.ts';

/**
 * Posts a transfer inside the transaction of what it belongs to. Balances change by guarded UPDATEs in the order of the
 * accounts' ids, so transfers at the same time neither lose each other nor deadlock, and no wallet goes below zero. Throws
 * RefusedError with InsufficientBalanceError where a wallet has too little, and error 1062 for a reference that was posted before.
 */
export async function postTransfer(sql: Sql, transfer: Transfer, at: Date): Promise<void> {
  checkTransfer(transfer);
  const transferId = newId();
  const moves = transfer.moves
    .map(({ account, amountMinor }): AccountMove => ({ ...account, id: accountId(account), amountMinor }))
    .toSorted((one, other) => (one.id < other.id ? -1 : 1));
  await insertTransfer(sql, transferId, transfer, at);
  for (const move of moves) await apply(sql, move, at);
  const after = await readAccounts(sql, moves);
  const entries = moves.map(({ id, amountMinor }) => {
    const account = after.get(id);
    if (!account) throw new Error('an account that was moved is gone');
    const { seq, balanceMinor: balanceAfterMinor } = account;
    return { accountId: id, seq, transferId, amountMinor, balanceAfterMinor, at };
  });
  await insertEntries(sql, entries);
}

async function apply(sql: Sql, move: AccountMove, at: Date): Promise<void> {
  const { kind, ownerId, currency, amountMinor } = move;
  if (amountMinor >= 0n || !isCustomers(kind)) {
    await addToAccount(sql, move, at);
    return;
  }
  if (await takeCovered(sql, move)) return;
  const balanceMinor = (await readAccounts(sql, [move])).get(move.id)?.balanceMinor ?? 0n;
  if (kind === 'HELD') throw new Error(`the wallet of ${ownerId} does not hold what was set aside`);
  throw new RefusedError(insufficientBalance(money(balanceMinor, currency), money(-amountMinor, currency)));
}

/** Accounts that this transaction has changed: nobody else can change them before it ends. */
async function readAccounts(sql: Sql, moves: readonly AccountMove[]): Promise<ReadonlyMap<string, AccountBalance>> {
  const found = await findBalances(
    sql,
    moves.map(({ id }) => id),
  );
  for (const { id, kind } of moves) {
    if (isCustomers(kind) && (found.get(id)?.balanceMinor ?? 0n) > maxAmountMinor)
      throw new RefusedError(walletIsFull());
  }
  return found;
}

/** A wallet's balance is told as a number of JSON. */
export const walletIsFull = (): Refusal => validationError('A wallet holds at most 2^53 − 1 minor units.', ['amount']);
