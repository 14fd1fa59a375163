import { type Viewer, requireUser } from '../../shared/auth/viewer.ts';
import { type Refusal, RefusedError, orRefusals, validationError } from '../../shared/errors/errors.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import type { Claim } from '../../shared/tables/idempotency.ts';
import { type Money, type MoneyJson, money, moneyFromJson } from '../../shared/values/money.ts';
import type { PaymentDeps } from '../deps.ts';
import { type OrderFacts, requirePayableOrder, requireWalletTaken } from '../orders.ts';
import { amountMismatch } from '../domain/refusals.ts';
import { type TradeType, requirePayer } from '../payers.ts';
import type { PaymentMethod, PaymentRow } from '../records.ts';
import { findPayment } from '../payment-store.ts';
import { checkReturnUrl, requireMethod, requireTaken, startOnce } from './create-payment.ts';
import type { StartedParts } from './start-parts.ts';
import { findAttempted, submitOrRefuse } from './submit-attempt.ts';

export type MixedPart = { readonly method: PaymentMethod; readonly amount?: MoneyJson | null };
export type CreateMixedPaymentInput = {
  readonly orderId: string;
  readonly parts: readonly MixedPart[];
  readonly returnUrl?: string | null;
  readonly tradeType?: TradeType | null;
};
export type MixedPaymentPayload = {
  readonly payments: readonly PaymentRow[];
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

const refused = (userErrors: readonly Refusal[]): MixedPaymentPayload => ({
  payments: [],
  replayed: false,
  userErrors,
});

/**
 * Starts to pay an order partly by wallet, partly by a provider. The wallet's part is held with the first transaction, taken
 * in that of the provider's success, and let go in that of its end. A repetition of the key goes on where the first one stopped.
 */
export async function createMixedPayment(
  deps: PaymentDeps,
  caller: { viewer: Viewer; traceId: string },
  input: CreateMixedPaymentInput,
  idempotencyKey: string,
): Promise<MixedPaymentPayload> {
  const user = requireUser(caller.viewer);
  return orRefusals(async () => {
    const claim: Claim = { ownerId: user.userId, operation: 'createMixedPayment', key: idempotencyKey, input };
    const started = await startOnce(deps, claim, async () => {
      const { wallet, external } = checkParts(input);
      const provider = requireMethod(deps, external.method);
      checkReturnUrl(input.returnUrl);
      const order = await requirePayableOrder(deps, user, input.orderId, caller.traceId);
      requireWalletTaken(order);
      const amounts = split(wallet, external, order);
      requireTaken(provider, external.method, money(amounts.external, order.balanceDue.currency));
      const asked = {
        method: external.method,
        tradeType: input.tradeType,
        userId: user.userId,
        traceId: caller.traceId,
      };
      const payer = await requirePayer(deps, provider, asked);
      return {
        claim,
        order,
        parts: [
          { method: external.method, provider, amountMinor: amounts.external },
          { method: 'WALLET', provider: null, amountMinor: amounts.wallet },
        ],
        returnUrl: input.returnUrl ?? null,
        payer,
        traceId: caller.traceId,
      };
    });
    failPoint('payment.stored');
    return { payments: await goOn(deps, started), replayed: started.replayed, userErrors: [] };
  }, refused);
}

/** The parts, the wallet's first, after the external one was taken to its provider. */
async function goOn(deps: PaymentDeps, { result, made }: StartedParts): Promise<readonly PaymentRow[]> {
  const { payment: external } = await submitOrRefuse(deps, made[0] ?? (await findAttempted(deps.db.em(), result)));
  const wallet = await findPayment(deps.db.em(), String(result.walletPaymentId));
  if (!wallet) throw new Error('a wallet part that was stored is gone');
  return [wallet, external];
}

function checkParts({ parts }: CreateMixedPaymentInput): { wallet: MixedPart; external: MixedPart } {
  const wallet = parts.find(({ method }) => method === 'WALLET');
  const external = parts.find(({ method }) => method !== 'WALLET');
  if (parts.length !== 2 || !wallet || !external) {
    throw new RefusedError(
      validationError('A mixed payment has two parts: one by WALLET and one by another method.', ['input', 'parts']),
    );
  }
  const given = (part: MixedPart) => part.amount !== null && part.amount !== undefined;
  if (!given(wallet) && !given(external))
    throw new RefusedError(validationError('Give the amount of one part, or of both.', ['input', 'parts']));
  return { wallet, external };
}

/** Both amounts in minor units: each positive, together the balance due; an amount left out is the rest of it. */
function split(wallet: MixedPart, external: MixedPart, order: OrderFacts): { wallet: bigint; external: bigint } {
  const { amount: due, currency } = order.balanceDue;
  const mismatch = (actual: Money) => new RefusedError(amountMismatch(order.balanceDue, actual, ['input', 'parts']));
  const amountOf = (part: MixedPart): bigint | null => {
    if (!part.amount) return null;
    const given = moneyFromJson(part.amount);
    if (given.currency !== currency || given.amount > due) throw mismatch(given);
    return given.amount;
  };
  const [byWallet, byOther] = [amountOf(wallet), amountOf(external)];
  const amounts = { wallet: byWallet ?? due - (byOther ?? 0n), external: byOther ?? due - (byWallet ?? 0n) };
  if (amounts.wallet <= 0n || amounts.external <= 0n) {
    throw new RefusedError(
      validationError('Each part is at least 1 minor unit; to pay the whole by one method, use createPayment.', [
        'input',
        'parts',
      ]),
    );
  }
  if (amounts.wallet + amounts.external !== due) throw mismatch(money(amounts.wallet + amounts.external, currency));
  return amounts;
}
