import { maxAmountMinor } from '../../shared/values/money.ts';
import type { BankTransferConfig } from '../config.ts';
import type { AmountLimits, Intent, KnownAttempt, PaymentProvider } from './provider.ts';

const dayMs = 86_400_000;
const anyAmount: AmountLimits = { minMinor: 1n, maxMinor: maxAmountMinor, stepMinor: 1n };

/**
 * A transfer to the shop's bank account: nobody is asked over the network. The customer is told where to send how much with
 * which reference; staff say when it has arrived (`capturePayment`), and when they have sent something back (`confirmRefund`).
 */
export function bankTransferProvider(config: BankTransferConfig): PaymentProvider {
  const intentOf = ({ intentId, amount }: Pick<KnownAttempt, 'intentId' | 'amount'>): Intent => ({
    id: intentId,
    status: 'waiting',
    fact: null,
    tradeType: 'transfer',
    redirectUrl: null,
    clientParams: {
      account: config.account,
      holder: config.holder,
      ...(config.bic === undefined ? {} : { bic: config.bic }),
      reference: intentId,
      amountMinor: Number(amount.amount),
      currency: amount.currency,
    },
  });
  return {
    name: 'bank_transfer',
    offline: true,
    patienceMs: { OPEN: config.waitDays * dayMs },
    limits: (currency) => (config.currencies?.has(currency) === false ? null : anyAmount),
    createIntent: async ({ number, amount }) => intentOf({ intentId: number, amount }),
    getIntent: async (attempt) => intentOf(attempt),
    // Money that is sent all the same is not confirmed by staff: they send it back.
    cancelIntent: async (attempt) => ({ ...intentOf(attempt), status: 'canceled', fact: { type: 'canceled' } }),
    capture: async (attempt, { amount: amountMinor, currency }) => ({
      ...intentOf(attempt),
      status: 'received',
      fact: { type: 'succeeded', amountMinor, currency },
    }),
    refund: async () => ({ id: '', result: 'pending' }),
    checkSignature: () => 'SIGNATURE_MISSING',
    readEvent: () => null,
    close: async () => undefined,
  };
}
