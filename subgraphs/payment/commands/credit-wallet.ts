import { type Viewer, isStaff, requireUser } from '../../shared/auth.ts';
import {
  type Refusal,
  RefusedError,
  forbiddenError,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors.ts';
import { claimKey } from '../../shared/idempotency.ts';
import { isId } from '../../shared/ids.ts';
import { isCurrency } from '../../shared/currencies.ts';
import type { MoneyJson } from '../../shared/money.ts';
import { lengthOf } from '../../shared/text.ts';
import { type PaymentDeps, transact } from '../context.ts';
import { between } from '../domain/ledger.ts';
import { postTransfer } from '../ledger/transfer.ts';
import { type WalletView, readWallet } from '../ledger/wallets.ts';

export type CreditInput = { readonly userId: string; readonly amount: MoneyJson; readonly reason: string };
export type WalletPayload = {
  readonly wallet: WalletView | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

const maxReasonLength = 200;
const refused = (userErrors: readonly Refusal[]): WalletPayload => ({ wallet: null, replayed: false, userErrors });

/** Gives a user money of the house's. Staff only. */
export async function creditWallet(
  deps: PaymentDeps,
  caller: { viewer: Viewer; traceId: string },
  input: CreditInput,
  idempotencyKey: string,
): Promise<WalletPayload> {
  const staff = requireUser(caller.viewer);
  if (!isStaff(caller.viewer)) return refused([forbiddenError('Only staff may credit wallets.')]);
  return orRefusals(async () => {
    checkInput(input);
    const { userId, amount, reason } = input;
    await requireCustomer(deps, userId, caller.traceId);
    const claim = { ownerId: staff.userId, operation: 'creditWallet', key: idempotencyKey, input };
    const replayed = await transact(deps, async (unit) => {
      const claimed = await claimKey(unit.sql, claim, { creditId: deps.newId() });
      if (claimed.replayed) return true;
      const wallet = { ownerId: userId, currency: amount.currency };
      const moves = between(wallet, { from: 'CREDITS', to: 'AVAILABLE' }, BigInt(amount.amount));
      const reference = `credit:${claimed.result.creditId}`;
      await postTransfer(unit.sql, { reference, reason, paymentId: null, orderId: null, moves }, deps.now());
      return false;
    });
    return { wallet: await readWallet(deps.db.em(), userId, amount.currency), replayed, userErrors: [] };
  }, refused);
}

function checkInput({ amount, reason }: CreditInput): void {
  const refusals: Refusal[] = [];
  if (amount.amount <= 0) refusals.push(validationError('A credit is at least 1 minor unit.', ['amount', 'amount']));
  if (!isCurrency(amount.currency))
    refusals.push(
      validationError('currency: is the code of a currency of ISO 4217, e.g. EUR.', ['amount', 'currency']),
    );
  if (!reason.isWellFormed()) refusals.push(validationError('reason: is not valid Unicode.', ['reason']));
  else if (reason.trim().length === 0 || lengthOf(reason) > maxReasonLength)
    refusals.push(validationError(`A reason has 1 to ${maxReasonLength} characters.`, ['reason']));
  if (refusals.length > 0) throw new RefusedError(...refusals);
}

const document = /* GraphQL */ `
  query PaymentUser($representations: [_Any!]!) {
    _entities(representations: $representations) {
      ... on User {
        name
      }
    }
  }
`;

/** Money for somebody who doesn't exist would never be found again. */
async function requireCustomer(deps: PaymentDeps, userId: string, traceId: string): Promise<void> {
  const variables = { representations: [{ __typename: 'User', id: userId }] };
  const known =
    isId(userId) &&
    (await deps.call<{ _entities: (object | null)[] }>('user', { query: document, variables, traceId }))._entities[0];
  if (!known) throw new RefusedError(notFoundError('There is no such user.', userId, ['userId']));
}
