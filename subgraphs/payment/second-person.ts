import { type UserViewer, isAdmin } from '../shared/auth.ts';
import { type Sql, select } from '../shared/database.ts';
import { type Refusal, forbiddenError } from '../shared/errors.ts';
import { type Claim, claimKey, findKey } from '../shared/idempotency.ts';
import { idToBytes } from '../shared/ids.ts';
import { type Money, money, moneyToJson } from '../shared/money.ts';
import { walletId } from './domain/ledger.ts';

/** Staff give nothing away to themselves, and settle nothing of their own. */
export const ownRefusal = (viewer: UserViewer, customerId: string): Refusal | null =>
  viewer.userId === customerId ? forbiddenError('Another member of staff has to do this: it is your own.') : null;

/** Above `STAFF_APPROVAL_ABOVE` one person is not enough. */
const approvalRequired = (limit: Money, message: string) =>
  ({
    __typename: 'ApprovalRequiredError',
    code: 'APPROVAL_REQUIRED',
    message,
    path: ['amount', 'amount'],
    limit: moneyToJson(limit),
  }) satisfies Refusal;

/** Owns the keys of what two people do: no person's, so that both mean the same. */
const twoPeople = '00000000-0000-0000-0000-000000000000';

/**
 * The claim under which something above the limit is done once two people want it: the first asks and is refused, an
 * administrator who is not the first sends the same request with the same key. What is refused here is to be committed: the
 * asking is noted by it.
 */
export async function claimOfTwo(
  tx: Sql,
  viewer: UserViewer,
  wanted: Omit<Claim, 'ownerId'> & { readonly limit: Money },
): Promise<{ readonly claim: Claim } | { readonly refusal: Refusal }> {
  const { limit, ...given } = wanted;
  const claim: Claim = { ...given, ownerId: twoPeople };
  if ((await findKey(tx, claim)) !== null) return { claim };
  const asking = { ...claim, operation: `${given.operation} asked` };
  const { replayed, result } = await claimKey(tx, asking, { askedBy: viewer.userId });
  if (!replayed || result.askedBy === viewer.userId)
    return { refusal: approvalRequired(limit, 'This is more than one person may give: now an administrator who is not you has to send the same request with the same idempotency key.') }; // prettier-ignore
  if (!isAdmin(viewer))
    return { refusal: approvalRequired(limit, 'This is more than one person may give: the second has to be an administrator.') }; // prettier-ignore
  return { claim };
}

const limitHours = 24;
/** The newest entries of a wallet that are looked at. */
const maxEntries = 1_000;

/** What staff gave this wallet lately, so that one large credit can't be many small ones. Exact once the wallet's row is locked. */
export async function creditedLately(
  sql: Sql,
  wallet: { ownerId: string; currency: string },
  at: Date,
): Promise<Money> {
  const [row] = await select(
    sql,
    `select coalesce(sum(e.amount_minor), 0) credited
     from (select transfer_id, amount_minor from ledger_entry where account_id = ? and at > ? order by seq desc limit ${maxEntries}) e
     join ledger_transfer t on t.id = e.transfer_id where t.reference like 'credit:%'`,
    [idToBytes(walletId(wallet.ownerId, wallet.currency)), new Date(at.getTime() - limitHours * 3_600_000)],
  );
  return money(BigInt((row?.['credited'] ?? 0) as string | number), wallet.currency);
}
