import { type Sql, insertRows, placeholders, run, select, write } from '../../shared/database/database.ts';
import { type Refusal, RefusedError, validationError } from '../../shared/errors/errors.ts';
import { idFromBytes, idToBytes, newId } from '../../shared/values/ids.ts';
import { maxAmountMinor, money } from '../../shared/values/money.ts';
import { type Move, type Transfer, accountId, checkTransfer, isCustomers } from '../domain/ledger.ts';
import { insufficientBalance } from '../domain/refusals.ts';

type LocatedMove = Move & { readonly id: string };

/**
 * Posts a transfer inside the transaction of what it belongs to. Balances change by guarded UPDATEs in the order of the
 * accounts' ids, so transfers at the same time neither lose each other nor deadlock, and no wallet goes below zero. Throws
 * RefusedError with InsufficientBalanceError where a wallet has too little, and error 1062 for a reference that was posted before.
 */
export async function postTransfer(sql: Sql, transfer: Transfer, at: Date): Promise<void> {
  checkTransfer(transfer);
  const transferId = newId();
  const moves = transfer.moves
    .map((move): LocatedMove => ({ ...move, id: accountId(move.account) }))
    .toSorted((one, other) => (one.id < other.id ? -1 : 1));
  await insertRows(sql, 'ledger_transfer', [
    {
      id: idToBytes(transferId),
      reference: transfer.reference,
      reason: transfer.reason,
      payment_id: transfer.paymentId === null ? null : idToBytes(transfer.paymentId),
      order_id: transfer.orderId === null ? null : idToBytes(transfer.orderId),
      at,
    },
  ]);
  for (const move of moves) await apply(sql, move, at);
  const after = await readAccounts(sql, moves);
  await insertRows(
    sql,
    'ledger_entry',
    moves.map(({ id, amountMinor }) => ({
      account_id: idToBytes(id),
      seq: after.get(id)?.seq ?? null,
      transfer_id: idToBytes(transferId),
      amount_minor: amountMinor,
      balance_after_minor: after.get(id)?.balanceMinor ?? null,
      at,
    })),
  );
}

async function apply(sql: Sql, move: LocatedMove, at: Date): Promise<void> {
  const { account, id, amountMinor } = move;
  if (amountMinor < 0n && isCustomers(account.kind)) {
    const found = await write(
      sql,
      'update ledger_account set balance_minor = balance_minor + ?, seq = seq + 1 where id = ? and balance_minor + ? >= 0',
      [amountMinor, idToBytes(id), amountMinor],
    );
    if (found === 1) return;
    const balanceMinor = (await readAccounts(sql, [move])).get(id)?.balanceMinor ?? 0n;
    if (account.kind === 'HELD') throw new Error(`the wallet of ${account.ownerId} does not hold what was set aside`);
    throw new RefusedError(
      insufficientBalance(money(balanceMinor, account.currency), money(-amountMinor, account.currency)),
    );
  }
  // The first move opens the account: there is no moment at which a wallet has to be made.
  await run(
    sql,
    `insert into ledger_account (id, kind, owner_id, currency, balance_minor, seq, created_at) values (?, ?, ?, ?, ?, 1, ?)
     on duplicate key update balance_minor = balance_minor + ?, seq = seq + 1`,
    [idToBytes(id), account.kind, idToBytes(account.ownerId), account.currency, amountMinor, at, amountMinor],
  );
}

/** Accounts that this transaction has changed: nobody else can change them before it ends. */
async function readAccounts(
  sql: Sql,
  moves: readonly LocatedMove[],
): Promise<Map<string, { seq: bigint; balanceMinor: bigint }>> {
  const rows = await select(
    sql,
    `select id, seq, balance_minor from ledger_account where id in (${placeholders(moves)})`,
    moves.map(({ id }) => idToBytes(id)),
  );
  const found = new Map(
    rows.map((row) => [
      idFromBytes(row['id'] as Buffer),
      { seq: BigInt(row['seq'] as string), balanceMinor: BigInt(row['balance_minor'] as string) },
    ]),
  );
  for (const { id, account } of moves) {
    if (isCustomers(account.kind) && (found.get(id)?.balanceMinor ?? 0n) > maxAmountMinor)
      throw new RefusedError(walletIsFull());
  }
  return found;
}

/** True when the transfer with this reference was posted. */
export async function isPosted(sql: Sql, reference: string): Promise<boolean> {
  const rows = await select(sql, 'select 1 from ledger_transfer where reference = ?', [reference]);
  return rows.length > 0;
}

/** A wallet's balance is told as a number of JSON. */
export const walletIsFull = (): Refusal => validationError('A wallet holds at most 2^53 − 1 minor units.', ['amount']);
