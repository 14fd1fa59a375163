import { badUserInput, unavailable } from '../../shared/errors/errors.ts';
import { isId } from '../../shared/values/ids.ts';
import { transact } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { between, topUpReference } from '../domain/ledger.ts';
import { refundableMinor } from '../domain/payment.ts';
import { isPosted } from '../ledger/ledger-store.ts';
import { postTransfer } from '../ledger/transfer.ts';
import { lockPaymentsOfOrder } from '../payment-store.ts';

const maxNumberLength = 32;

/**
 * Credits the buyer of a top-up with what came in for it and is not going back, once however often it is asked for. Rejects
 * with SERVICE_UNAVAILABLE while all of it is going back and may not have gone, and with BAD_USER_INPUT for an order without money.
 */
export async function creditTopUp(deps: PaymentDeps, input: { orderId: string; number: string }): Promise<true> {
  const { orderId, number } = input;
  if (!isId(orderId) || number.length > maxNumberLength) throw badUserInput('orderId and number: name an order.');
  await transact(deps, async (unit) => {
    // A refund asks for its payment's lock as well: it comes before the credit, or takes from the wallet.
    const locked = await lockPaymentsOfOrder(unit.sql, orderId);
    if (await isPosted(unit.sql, topUpReference(orderId))) return;
    const payments = locked.filter(({ capturedMinor }) => capturedMinor > 0n);
    const [first] = payments;
    if (!first) throw badUserInput('orderId: nothing was paid for this order.');
    const amountMinor = payments.reduce((sum, payment) => sum + refundableMinor(payment), 0n);
    if (amountMinor === 0n) {
      if (payments.some(({ refundingMinor, refundedMinor }) => refundingMinor !== refundedMinor))
        throw unavailable('The money for this order is on its way back.');
      return;
    }
    const wallet = { ownerId: first.customerId, currency: first.currency };
    const moves = between(wallet, { from: 'TOP_UPS', to: 'AVAILABLE' }, amountMinor);
    await postTransfer(
      unit.sql,
      { reference: topUpReference(orderId), reason: `Top-up ${number}`, paymentId: null, orderId, moves },
      deps.now(),
    );
  });
  return true;
}
