import { type UserViewer, isStaff, requireUser } from '../../shared/auth/viewer.ts';
import {
  type Refusal,
  RefusedError,
  forbiddenError,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors/errors.ts';
import { type Asker, recordAct } from '../../shared/tables/staff-acts.ts';
import { isId } from '../../shared/values/ids.ts';
import { isCurrency } from '../../shared/values/currencies.ts';
import { type MoneyJson, maxAmountMinor, money } from '../../shared/values/money.ts';
import { brokenTextRule } from '../../shared/values/text.ts';
import { transact } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { between } from '../domain/ledger.ts';
import { postTransfer, walletIsFull } from '../ledger/transfer.ts';
import { type WalletView, readWallet } from '../ledger/wallets.ts';
import { byOneOrTwo, claimByOneOrTwo, ownRefusal, requireWithin } from '../../shared/tables/second-person.ts';
import { creditedLately } from '../staff-sums.ts';

export type CreditInput = { readonly userId: string; readonly amount: MoneyJson; readonly reason: string };
export type WalletPayload = {
  readonly wallet: WalletView | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

const maxReasonLength = 200;
const refused = (userErrors: readonly Refusal[]): WalletPayload => ({ wallet: null, replayed: false, userErrors });

/**
 * Gives a user money of the house's. Staff only, and never to themselves. More than `STAFF_APPROVAL_ABOVE`, at once or in a day
 * to one wallet, takes two people.
 */
export async function creditWallet(
  deps: PaymentDeps,
  asker: Asker,
  input: CreditInput,
  idempotencyKey: string,
): Promise<WalletPayload> {
  const staff = requireUser(asker.viewer);
  if (!isStaff(asker.viewer)) return refused([forbiddenError('Only staff may credit wallets.')]);
  return orRefusals(async () => {
    checkInput(input);
    const { userId, amount } = input;
    const own = ownRefusal(staff, userId);
    if (own) throw new RefusedError(own);
    await requireCustomer(deps, userId, asker.traceId);
    const isLarge = BigInt(amount.amount) > deps.staffApprovalAboveMinor;
    const done = await byOneOrTwo(isLarge, (byTwo) =>
      store(deps, { staff, asker }, { input, key: idempotencyKey, byTwo }),
    );
    if ('refusal' in done) return refused([done.refusal]);
    return { wallet: await readWallet(deps.db.em(), userId, amount.currency), replayed: done.replayed, userErrors: [] };
  }, refused);
}

const store = (
  deps: PaymentDeps,
  { staff, asker }: { staff: UserViewer; asker: Asker },
  { input, key, byTwo }: { input: CreditInput; key: string; byTwo: boolean },
): Promise<{ readonly replayed: boolean } | { readonly refusal: Refusal }> =>
  transact(deps, async (unit) => {
    const { userId, amount, reason } = input;
    const { currency } = amount;
    const limit = money(deps.staffApprovalAboveMinor, currency);
    const given = { operation: 'creditWallet', key, input };
    const wanted = { ...given, limit, path: ['amount', 'amount'], byTwo };
    const claimed = await claimByOneOrTwo(unit.sql, staff, wanted, { creditId: deps.newId() });
    if ('refusal' in claimed) {
      // What can't be done is not for a second person to look at.
      const { balanceMinor } = await readWallet(unit.sql, userId, currency);
      if (balanceMinor + BigInt(amount.amount) > maxAmountMinor) throw new RefusedError(walletIsFull());
      return claimed;
    }
    if (claimed.replayed) return { replayed: true };
    const wallet = { ownerId: userId, currency };
    const moves = between(wallet, { from: 'CREDITS', to: 'AVAILABLE' }, BigInt(amount.amount));
    const reference = `credit:${claimed.result.creditId}`;
    await postTransfer(unit.sql, { reference, reason, paymentId: null, orderId: null, moves }, deps.now());
    // Now that the wallet's row is locked nobody else's credit is overlooked.
    if (!byTwo) requireWithin(limit, await creditedLately(unit.sql, wallet, deps.now()));
    await recordAct(unit.sql, deps, asker, {
      action: 'wallet.credited',
      subject: `user:${userId}`,
      after: { amountMinor: amount.amount, currency, reference, askedBy: claimed.askedBy },
    });
    unit.wake('outbox');
    return { replayed: false };
  });

function checkInput({ amount, reason }: CreditInput): void {
  const refusals: Refusal[] = [];
  if (amount.amount <= 0) refusals.push(validationError('A credit is at least 1 minor unit.', ['amount', 'amount']));
  if (!isCurrency(amount.currency))
    refusals.push(
      validationError('currency: is the code of a currency of ISO 4217, e.g. EUR.', ['amount', 'currency']),
    );
  const broken = brokenTextRule(reason, { min: 1, max: maxReasonLength, lines: true });
  if (broken !== null) refusals.push(validationError(`A reason ${broken}.`, ['reason']));
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
