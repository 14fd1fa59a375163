import type { AttemptState } from './payment.ts';

const names: Readonly<Record<string, string>> = {
  WALLET: 'Wallet',
  ALIPAY: 'Alipay',
  WECHAT_PAY: 'WeChat Pay',
  BANK_TRANSFER: 'Bank transfer',
};

/** What a payment is paid with, as people know it: what its provider says of the attempt that brought or holds the money. */
export function instrumentOf(
  method: string,
  attempts: readonly { readonly state: AttemptState; readonly instrument?: string | null | undefined }[],
): string | null {
  const paying = attempts.find(({ state }) => state === 'SUCCEEDED' || state === 'AUTHORIZED');
  return paying?.instrument ?? attempts.findLast(({ instrument }) => instrument)?.instrument ?? names[method] ?? null;
}
