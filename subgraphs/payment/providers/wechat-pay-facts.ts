import { z } from 'zod';
import type { ProviderFact } from '../domain/payment.ts';
import { attemptIdOf, chinaCurrency } from './china.ts';
import type { AmountLimits, ProviderEvent, ProviderRefund } from './provider.ts';

/** Its amounts are integers of fen, i.e. minor units. WeChat names no largest amount; this is what its integers hold. What it refuses itself is a refusal all the same. */
export const wechatPayLimits: AmountLimits = { minMinor: 1n, maxMinor: 2_147_483_647n, stepMinor: 1n };

/** Our name of a refund there, which takes no colon. */
export const refundNumberOf = (key: string): string => key.replaceAll(':', '_');

/** The key of a refund there; null for one that was not made here. */
export const refundKeyOf = (refundNumber: string): string | null =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_\d+)?$/.test(refundNumber) ? refundNumber.replace('_', ':') : null;

const fen = z.int().positive().transform(BigInt);
const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** An order there, as an answer or a notification shows it. */
export const transactionShape = z.object({
  appid: z.string(),
  mchid: z.string(),
  out_trade_no: z.string().min(1).max(32),
  trade_state: z.string().min(1).max(32),
  success_time: time.optional(),
  amount: z.object({ total: fen, currency: z.string().length(3).default(chinaCurrency) }).optional(),
});
export type Transaction = z.infer<typeof transactionShape>;

/** What an order's state says about its attempt; null while the customer has not paid. Undefined where that makes no sense. */
export function transactionFact({ trade_state: state, amount, success_time: at }: Transaction): ProviderFact | null | undefined {
  switch (state) {
    case 'SUCCESS':
    // Paid, and some of it has gone back since.
    case 'REFUND':
      return amount && { type: 'succeeded', amountMinor: amount.total, currency: amount.currency, at };
    case 'CLOSED':
      return { type: 'canceled' };
    case 'NOTPAY':
      return null;
    default:
      return undefined;
  }
} // prettier-ignore

/** A refund, as an answer shows it. */
export const refundShape = z.object({ out_refund_no: z.string(), status: z.string() });

/** What a refund's state says; null where that makes no sense. */
export function refundResult(id: string, status: string): ProviderRefund | null {
  switch (status) {
    case 'SUCCESS':
      return { id, result: 'succeeded' };
    case 'CLOSED':
      return { id, result: 'failed', code: status, failure: 'WeChat Pay has closed the refund.' };
    case 'PROCESSING':
    // The customer's bank does not take it: WeChat keeps the money until it is sent elsewhere in the merchant's pages.
    case 'ABNORMAL':
      return { id, result: 'pending' };
    default:
      return null;
  }
}

const notificationShape = z.object({
  id: z.string().min(1).max(128),
  create_time: time,
  event_type: z.string().min(1).max(64),
  resource: z.object({
    algorithm: z.literal('AEAD_AES_256_GCM'),
    ciphertext: z.string().max(64 * 1024),
    nonce: z.string().min(1).max(64),
    associated_data: z.string().max(256).optional(),
  }),
});
const refundToldShape = z.object({
  mchid: z.string(),
  out_trade_no: z.string().min(1).max(32),
  out_refund_no: z.string().min(1).max(64),
  refund_status: z.string(),
  amount: z.object({ refund: fen }),
});
type Encrypted = z.infer<typeof notificationShape>['resource'];
type Merchant = { readonly merchantId: string; readonly appId: string };

/**
 * Reads a notification whose signature was checked; null when it is none, was encrypted with another key, or is about
 * another merchant's money.
 *
 * @see https://pay.weixin.qq.com/doc/v3/merchant/4012791861
 */
export function readWechatPayEvent(
  body: Buffer,
  { decrypt, ...merchant }: Merchant & { readonly decrypt: (resource: Encrypted) => string | null },
): ProviderEvent | null {
  const { success, data } = notificationShape.safeParse(jsonOf(body.toString('utf8')));
  const text = success ? decrypt(data.resource) : null;
  if (!success || text === null) return null;
  const event = { id: data.id, type: data.event_type, createdAt: data.create_time };
  if (data.event_type.startsWith('TRANSACTION.')) return withAbout(event, transactionTold(jsonOf(text), merchant));
  if (data.event_type.startsWith('REFUND.')) return withAbout(event, refundTold(jsonOf(text), merchant));
  return { ...event, about: null };
}

const withAbout = (
  event: Omit<ProviderEvent, 'about'>,
  about: ProviderEvent['about'] | undefined,
): ProviderEvent | null => (about === undefined ? null : { ...event, about });

function transactionTold(given: unknown, { merchantId, appId }: Merchant): ProviderEvent['about'] | undefined {
  const { success, data } = transactionShape.safeParse(given);
  if (!success || data.mchid !== merchantId || data.appid !== appId) return undefined;
  const fact = transactionFact(data);
  const { out_trade_no: intentId } = data;
  return fact && { kind: 'attempt', intentId, attemptId: attemptIdOf(intentId), fact };
}

function refundTold(given: unknown, { merchantId }: Merchant): ProviderEvent['about'] | undefined {
  const { success, data } = refundToldShape.safeParse(given);
  if (!success || data.mchid !== merchantId) return undefined;
  const refund = refundResult(data.out_refund_no, data.refund_status);
  if (refund === null) return undefined;
  return {
    kind: 'refund',
    refundKey: refundKeyOf(data.out_refund_no),
    refund,
    intentId: data.out_trade_no,
    amountMinor: data.amount.refund,
    currency: chinaCurrency,
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // nothing fits it
  }
}
