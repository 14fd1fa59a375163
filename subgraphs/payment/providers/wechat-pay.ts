import { z } from 'zod';
import { firstOf } from '../../shared/values/text.ts';
import type { Logger } from '../../shared/process/telemetry.ts';
import type { WechatPayConfig } from '../config.ts';
import { attemptEnd, chinaCurrency, tradeNumberOf } from './china.ts';
import {
  type Intent, type KnownAttempt, type PaymentProvider, type ProviderRefund, ProviderRefused, ProviderUnreachable, type RefundRequest,
} from './provider.ts'; // prettier-ignore
import {
  readWechatPayEvent, refundNumberOf, refundResult, refundShape, transactionFact, transactionShape, wechatPayLimits,
} from './wechat-pay-facts.ts'; // prettier-ignore
import { type WechatPayGateway, openWechatPayGateway } from './wechat-pay-gateway.ts';
import { wechatPaySigning } from './wechat-pay-signing.ts';
import { wechatPayStatement } from './wechat-pay-statement.ts';

const maxReasonLength = 80;
const orderMissing = 'ORDER_NOT_EXIST';
const refundMissing = 'RESOURCE_NOT_EXISTS';
/** No attempt has this number. */
const noOrder = '000000';

const nativeShape = z.object({ code_url: z.string().min(1).max(512) });
const jsapiShape = z.object({ prepay_id: z.string().min(1).max(64) });

type Options = { readonly publicUrl: string; readonly log: Logger; readonly now?: () => Date };
type Opened = Options & { readonly config: WechatPayConfig; readonly gateway: WechatPayGateway; readonly notifyUrl: string }; // prettier-ignore

/**
 * WeChat Pay through its API v3. An attempt is a native order, whose code the customer scans, or one by JSAPI, which its payer alone pays within the mini program.
 *
 * @see https://pay.weixin.qq.com/doc/v3/merchant/4012791858
 */
export function wechatPayProvider(config: WechatPayConfig, options: Options): PaymentProvider {
  const now = options.now ?? (() => new Date());
  const signing = wechatPaySigning(config, now);
  const gateway = openWechatPayGateway(config, signing);
  const opened: Opened = { ...options, config, gateway, notifyUrl: `${options.publicUrl}/webhooks/wechat_pay` };
  const getIntent = ({ intentId, id }: Pick<KnownAttempt, 'id' | 'intentId'>) => findOrder(opened, intentId, attemptEnd(id) <= now()); // prettier-ignore
  return {
    name: 'wechat_pay',
    payerIssuer: config.appId,
    limits: (currency) => (currency === chinaCurrency ? wechatPayLimits : null),
    async createIntent(attempt) {
      const intentId = tradeNumberOf(attempt.id);
      const order = {
        appid: config.appId,
        mchid: config.merchantId,
        description: `Order ${attempt.orderId}`,
        out_trade_no: intentId,
        time_expire: `${attemptEnd(attempt.id).toISOString().slice(0, 19)}+00:00`,
        notify_url: opened.notifyUrl,
        amount: { total: Number(attempt.amount.amount), currency: chinaCurrency },
      };
      const isNative = attempt.payer === null;
      const prepare = async (): Promise<Intent['clientParams']> => {
        if (isNative)
          return { codeUrl: understood(nativeShape, await gateway.ask('POST', '/v3/pay/transactions/native', order)).code_url }; // prettier-ignore
        const wanted = { ...order, payer: { openid: attempt.payer } };
        return signing.paymentRequest(understood(jsapiShape, await gateway.ask('POST', '/v3/pay/transactions/jsapi', wanted)).prepay_id); // prettier-ignore
      };
      const tradeType = isNative ? 'native' : 'jsapi';
      try {
        return { ...intentOf(intentId, 'NOTPAY', null), tradeType, clientParams: await prepare() };
      } catch (error) {
        if (!(error instanceof ProviderRefused)) throw error;
        // An order that was paid or closed meanwhile is not prepared again.
        return { ...(await endedIntent(error, () => getIntent({ id: attempt.id, intentId }))), tradeType };
      }
    },
    getIntent,
    async cancelIntent(attempt) {
      const path = `/v3/pay/transactions/out-trade-no/${attempt.intentId}/close`;
      try {
        await gateway.ask('POST', path, { mchid: config.merchantId });
        return intentOf(attempt.intentId, 'CLOSED', { type: 'canceled' });
      } catch (error) {
        if (!(error instanceof ProviderRefused)) throw error;
        if (error.code === orderMissing) return intentOf(attempt.intentId, orderMissing, { type: 'canceled' });
        return endedIntent(error, () => getIntent(attempt));
      }
    },
    refund: (request) => refund(opened, request),
    checkSignature: (headers, body) => signing.check(headers, body),
    readEvent: (body) => readWechatPayEvent(body, { ...config, decrypt: signing.decrypt }),
    probe: () => gateway.ask('GET', orderPath(config, noOrder)),
    statement: wechatPayStatement(gateway, { appId: config.appId, now }),
    close: async () => undefined,
  };
}

const intentOf = (id: string, status: string, fact: Intent['fact']): Intent => ({
  id,
  status,
  fact,
  tradeType: 'native',
  redirectUrl: null,
  clientParams: {},
});

const orderPath = ({ merchantId }: WechatPayConfig, number: string): string =>
  `/v3/pay/transactions/out-trade-no/${number}?mchid=${merchantId}`;

/** Throws ProviderUnreachable where an answer is not of this shape. */
function understood<T>(shape: z.ZodType<T>, answer: unknown): T {
  const { success, data } = shape.safeParse(answer);
  if (success) return data;
  throw new ProviderUnreachable('wechat_pay: an answer that makes no sense');
}

/** `over`: nobody can pay it any more, though WeChat has not closed it. */
async function findOrder({ gateway, config }: Opened, number: string, over: boolean): Promise<Intent> {
  const order = understood(transactionShape, await gateway.ask('GET', orderPath(config, number)));
  const isAsked = order.out_trade_no === number && order.mchid === config.merchantId && order.appid === config.appId;
  const fact = isAsked ? transactionFact(order) : undefined;
  if (fact === undefined) throw new ProviderUnreachable('wechat_pay: an answer that does not fit the order asked for');
  return intentOf(number, order.trade_state, fact === null && over ? { type: 'canceled' } : fact);
}

/** How an order ended that can't be prepared or closed; rejects with the refusal when it has not ended. */
async function endedIntent(refusal: ProviderRefused, ask: () => Promise<Intent>): Promise<Intent> {
  try {
    const intent = await ask();
    if (intent.fact?.type === 'succeeded' || intent.fact?.type === 'canceled') return intent;
  } catch (error) {
    if (!(error instanceof ProviderRefused)) throw error;
  }
  throw refusal;
}

/** Makes this try, or finds it: WeChat makes one of each `out_refund_no`. */
async function refund(opened: Opened, request: RefundRequest): Promise<ProviderRefund> {
  const { key, providerRefundId, attempt, amount, reason } = request;
  if (providerRefundId !== null) return findRefund(opened, providerRefundId);
  const id = refundNumberOf(key);
  const wanted = {
    out_trade_no: attempt.intentId,
    out_refund_no: id,
    reason: firstOf(reason, maxReasonLength),
    notify_url: opened.notifyUrl,
    amount: { refund: Number(amount.amount), total: Number(attempt.amount.amount), currency: chinaCurrency },
  };
  try {
    return told(opened, id, await opened.gateway.ask('POST', '/v3/refund/domestic/refunds', wanted));
  } catch (error) {
    if (!(error instanceof ProviderRefused)) throw error;
    // It may have been made before, and be refused now because nothing is left of the order.
    return findRefund(opened, id).catch((other: unknown) => {
      throw other instanceof ProviderRefused && other.code === refundMissing ? error : other;
    });
  }
}

const findRefund = async (opened: Opened, id: string): Promise<ProviderRefund> =>
  told(opened, id, await opened.gateway.ask('GET', `/v3/refund/domestic/refunds/${id}`));

function told({ log }: Opened, id: string, answer: unknown): ProviderRefund {
  const { out_refund_no: number, status } = understood(refundShape, answer);
  const result = number === id ? refundResult(id, status) : null;
  if (result === null) throw new ProviderUnreachable('wechat_pay: an answer that does not fit the refund asked for');
  if (status === 'ABNORMAL')
    log.error({ provider: 'wechat_pay', refund: id }, 'a refund that the customer’s bank does not take: send it elsewhere in the merchant’s pages of WeChat Pay'); // prettier-ignore
  return result;
}
