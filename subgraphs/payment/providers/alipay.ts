import type { AlipayConfig } from '../config.ts';
import { type SignatureCode, toleranceSeconds } from '../domain/signature.ts';
import { alipayLimits, formOf, readAlipayEvent, tradeFact } from './alipay-facts.ts';
import { type AlipayGateway, openAlipayGateway } from './alipay-gateway.ts';
import { attemptEnd, chinaCurrency, fromChinaTime, toChinaTime, toYuan, tradeNumberOf } from './china.ts';
import {
  type Intent, type KnownAttempt, type PaymentProvider, type ProviderRefund, ProviderRefused, ProviderUnreachable, type RefundRequest,
} from './provider.ts'; // prettier-ignore
import { firstOf } from '../../shared/values/text.ts';

const maxReasonLength = 128;
const tradeMissing = 'ACQ.TRADE_NOT_EXIST';
/** No attempt has this number. */
const noTrade = '0';

/**
 * Alipay for web pages, through its SDK. The trade of a page begins when the customer opens it, so there is none before.
 *
 * @see https://opendocs.alipay.com/open/028r8t
 */
export function alipayProvider(
  config: AlipayConfig,
  { publicUrl, now = () => new Date() }: { publicUrl: string; now?: () => Date },
): PaymentProvider {
  const gateway = openAlipayGateway(config, now);
  const notifyUrl = `${publicUrl}/webhooks/alipay`;
  const getIntent = (attempt: Pick<KnownAttempt, 'id' | 'intentId'>) => findTrade(gateway, attempt, now());
  return {
    name: 'alipay',
    limits: (currency) => (currency === chinaCurrency ? alipayLimits : null),
    async createIntent(attempt) {
      const intentId = tradeNumberOf(attempt.id);
      // A page is made here alone: asking first shows before the customer does that Alipay answers to our keys.
      const known = await getIntent({ id: attempt.id, intentId });
      const bizContent = {
        out_trade_no: intentId,
        total_amount: toYuan(attempt.amount.amount),
        subject: `Order ${attempt.orderId}`,
        product_code: 'FAST_INSTANT_TRADE_PAY',
        time_expire: toChinaTime(attemptEnd(attempt.id)),
      };
      const back = attempt.returnUrl === null ? {} : { returnUrl: attempt.returnUrl };
      const redirectUrl = gateway.page('alipay.trade.page.pay', { bizContent, notifyUrl, ...back });
      return { ...known, redirectUrl };
    },
    getIntent,
    async cancelIntent(attempt) {
      try {
        await gateway.ask('alipay.trade.close', { out_trade_no: attempt.intentId });
        return intentOf(attempt.intentId, 'TRADE_CLOSED', { type: 'canceled' });
      } catch (error) {
        if (!(error instanceof ProviderRefused)) throw error;
        // Nobody has opened its page. Who does so after this pays money that goes back by itself.
        if (error.code === tradeMissing) return intentOf(attempt.intentId, 'never opened', { type: 'canceled' });
        const intent = await getIntent(attempt);
        if (intent.fact?.type !== 'succeeded' && intent.fact?.type !== 'canceled') throw error;
        return intent;
      }
    },
    refund: (request) => refund(gateway, request),
    checkSignature: (_, body, at) => checkNotification(gateway, config, body, at),
    readEvent: readAlipayEvent,
    probe: () => gateway.ask('alipay.trade.query', { out_trade_no: noTrade }),
    webhookAnswer: (status) => ({
      status,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: status === 200 ? 'success' : 'fail',
    }),
    close: async () => undefined,
  };
}

const intentOf = (id: string, status: string, fact: Intent['fact']): Intent => ({
  id,
  status,
  fact,
  tradeType: 'page',
  redirectUrl: null,
  clientParams: {},
});

async function findTrade(
  gateway: AlipayGateway,
  { id, intentId }: Pick<KnownAttempt, 'id' | 'intentId'>,
  at: Date,
): Promise<Intent> {
  try {
    const trade = await gateway.ask('alipay.trade.query', { out_trade_no: intentId });
    const { outTradeNo, tradeStatus, totalAmount, sendPayDate } = trade;
    const fact =
      outTradeNo === intentId
        ? tradeFact(String(tradeStatus), String(totalAmount), String(sendPayDate ?? ''))
        : undefined;
    if (fact === undefined) throw new ProviderUnreachable('alipay: an answer that does not fit the trade asked for');
    return intentOf(intentId, String(tradeStatus), fact);
  } catch (error) {
    if (!(error instanceof ProviderRefused) || error.code !== tradeMissing) throw error;
    const over = attemptEnd(id) <= at;
    return intentOf(intentId, 'not opened', over ? { type: 'canceled' } : null);
  }
}

/** Asks whether this try was made, else makes it; Alipay makes one of each `out_request_no`. */
async function refund(gateway: AlipayGateway, request: RefundRequest): Promise<ProviderRefund> {
  const { key, providerRefundId, attempt, amount, reason } = request;
  const id = providerRefundId ?? key.replaceAll(':', '_');
  const names = { out_trade_no: attempt.intentId, out_request_no: id };
  const find = async (): Promise<ProviderRefund> => {
    const found = await gateway.ask('alipay.trade.fastpay.refund.query', names);
    return { id, result: found['refundStatus'] === 'REFUND_SUCCESS' ? 'succeeded' : 'pending' };
  };
  const earlier = await find();
  if (earlier.result === 'succeeded') return earlier;
  const made = await gateway.ask('alipay.trade.refund', {
    ...names,
    refund_amount: toYuan(amount.amount),
    refund_reason: firstOf(reason, maxReasonLength),
  });
  return made['fundChange'] === 'Y' ? { id, result: 'succeeded' } : find();
}

/** Signed by Alipay (RSA2), for our app and our account, and sent about now. */
function checkNotification(
  gateway: AlipayGateway,
  config: AlipayConfig,
  body: Buffer,
  now: Date,
): SignatureCode | null {
  const notification = formOf(body);
  if (!notification['sign']) return 'SIGNATURE_MISSING';
  const sentAt = fromChinaTime(notification['notify_time'] ?? '');
  if (notification['sign_type'] !== 'RSA2' || sentAt === null) return 'SIGNATURE_MALFORMED';
  const ours = notification['app_id'] === config.appId && notification['seller_id'] === config.sellerId;
  if (!ours || !gateway.isSigned(notification)) return 'SIGNATURE_MISMATCH';
  return Math.abs(now.getTime() - sentAt.getTime()) > toleranceSeconds * 1000 ? 'TIMESTAMP_OUTSIDE_WINDOW' : null;
}
