import type { AttemptRow, PaymentMethod } from '../records.ts';

const names: Readonly<Partial<Record<PaymentMethod, string>>> = {
  WALLET: 'Wallet',
  ALIPAY: 'Alipay',
  BANK_TRANSFER: 'Bank transfer',
};

/** What a payment is paid with, as people know it: what its provider says of the attempt that brought or holds the money. */
export function instrumentOf(
  method: PaymentMethod,
  attempts: readonly Pick<AttemptRow, 'state' | 'instrument'>[],
): string | null {
  const paying = attempts.find(({ state }) => state === 'SUCCEEDED' || state === 'AUTHORIZED');
  return paying?.instrument ?? attempts.findLast(({ instrument }) => instrument)?.instrument ?? names[method] ?? null;
}
