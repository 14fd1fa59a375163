import { z } from 'zod';
import type { ProviderFact } from '../domain/payment.ts';
import { attemptIdOf, chinaCurrency, fromChinaTime, fromYuan } from './china.ts';
import type { AmountLimits, PaymentProvider, ProviderEvent } from './provider.ts';

/** From 0.01 to 100,000,000.00 yuan. @see https://opendocs.alipay.com/open/028r8t `total_amount` */
export const alipayLimits: AmountLimits = { minMinor: 1n, maxMinor: 10_000_000_000n, stepMinor: 1n };

/** What a trade's state says about its attempt; null while the customer has not paid. Undefined where that makes no sense. */
export function tradeFact(status: string, totalAmount: string, paidAt?: string): ProviderFact | null | undefined {
  switch (status) {
    case 'TRADE_SUCCESS':
    case 'TRADE_FINISHED': {
      const amountMinor = fromYuan(totalAmount);
      const at = fromChinaTime(paidAt ?? '') ?? undefined;
      return amountMinor === null ? undefined : { type: 'succeeded', amountMinor, currency: chinaCurrency, at };
    }
    case 'TRADE_CLOSED':
      return { type: 'canceled' };
    case 'WAIT_BUYER_PAY':
      return null;
    default:
      return undefined;
  }
}

/** The fields of a notification, as they were signed. */
export const formOf = (body: Buffer): Readonly<Record<string, string>> =>
  Object.fromEntries(new URLSearchParams(body.toString('utf8')));

const notificationShape = z.object({
  notify_id: z.string().min(1).max(128),
  notify_type: z.string().min(1).max(40),
  out_trade_no: z.string().min(1).max(64),
  trade_status: z.string().min(1).max(20),
  total_amount: z.string(),
  gmt_payment: z.string().optional(),
  gmt_refund: z.string().optional(),
  refund_fee: z.string().optional(),
  out_biz_no: z.string().max(64).optional(),
});

/**
 * A refund of ours is named as we asked for it, and its own answer says what became of it. Any other was made at Alipay; what
 * is told is all that has gone back of the trade.
 */
function refundTold(data: z.infer<typeof notificationShape>): ProviderEvent['about'] {
  const totalMinor = fromYuan(data.refund_fee ?? '');
  const ours = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_\d+)?$/.test(data.out_biz_no ?? '');
  if (ours || totalMinor === null) return null;
  const refund = { id: data.out_biz_no || data.notify_id, result: 'succeeded' } as const;
  const { out_trade_no: intentId } = data;
  return { kind: 'refund', refundKey: null, refund, intentId, totalMinor, currency: chinaCurrency };
}

/**
 * Reads a notification whose signature was checked; null when it is none.
 *
 * @see https://opendocs.alipay.com/open/270/105902
 */
export function readAlipayEvent(body: Buffer): ReturnType<PaymentProvider['readEvent']> {
  const { success, data } = notificationShape.safeParse(formOf(body));
  if (!success) return null;
  const event = { id: data.notify_id, type: `${data.notify_type}.${data.trade_status}` };
  const fact = tradeFact(data.trade_status, data.total_amount, data.gmt_payment);
  if (fact === undefined) return null;
  if (data.gmt_refund) return { ...event, about: refundTold(data) };
  if (fact === null) return { ...event, about: null };
  const createdAt = (fact.type === 'succeeded' && fromChinaTime(data.gmt_payment ?? '')) || undefined;
  const { out_trade_no: intentId } = data;
  return { ...event, createdAt, about: { kind: 'attempt', intentId, attemptId: attemptIdOf(intentId), fact } };
}
