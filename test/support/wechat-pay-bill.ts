import { chinaTime } from './alipay-server.ts';

export type WechatRefund = { readonly out_refund_no: string; readonly refund: number; status: 'PROCESSING' | 'SUCCESS' | 'ABNORMAL' | 'CLOSED'; at: Date }; // prettier-ignore
export type WechatOrder = {
  readonly out_trade_no: string;
  readonly description: string;
  readonly total: number;
  readonly notify_url: string;
  readonly time_expire: string;
  /** The openid of who alone can pay it, by JSAPI; null for a native order. */
  readonly payer: string | null;
  /** What it was ordered by: another request of its number is refused. */
  readonly wanted: string;
  trade_state: 'NOTPAY' | 'SUCCESS' | 'REFUND' | 'CLOSED';
  paidAt: Date | null;
  readonly refunds: Map<string, WechatRefund>;
};

const titles = '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注'; // prettier-ignore
const sumTitles = '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额';
const yuan = (fen: number): string => (fen / 100).toFixed(2);

/**
 * WeChat Pay's trade bill of a day (China's, `YYYY-MM-DD`), of all that was paid and given back; null when nothing was.
 *
 * @see https://pay.weixin.qq.com/docs/merchant/products/bill-download/format-trade.html
 */
export function wechatPayBill(
  day: string,
  { appId, merchantId, orders }: { appId: string; merchantId: string; orders: Iterable<WechatOrder> },
): string | null {
  const row = (order: WechatOrder, at: Date, values: readonly string[]): string =>
    [chinaTime(at), appId, merchantId, '0', '', `4200${order.out_trade_no.slice(0, 24)}`, order.out_trade_no, order.payer ?? 'o-payer', order.payer === null ? 'NATIVE' : 'JSAPI', ...values]
      .map((value) => `\`${value}`)
      .join(','); // prettier-ignore
  const paid = (order: WechatOrder, at: Date): string =>
    row(order, at, ['SUCCESS', 'OTHERS', 'CNY', yuan(order.total), '0.00', '0', '0', '0.00', '0.00', '', '', 'Mugs, two', '', '0.05000', '0.60%', yuan(order.total), '0.00', '']); // prettier-ignore
  const refunded = (order: WechatOrder, { at, out_refund_no, refund, status }: WechatRefund): string =>
    row(order, at, ['REFUND', 'OTHERS', 'CNY', '0.00', '0.00', `5030${out_refund_no.slice(0, 24)}`, out_refund_no, yuan(refund), '0.00', 'ORIGINAL', status, 'Mugs, two', '', '-0.01000', '0.60%', '0.00', yuan(refund), '']); // prettier-ignore
  const rows = [...orders].flatMap((order) => [
    ...(order.paidAt ? [paid(order, order.paidAt)] : []),
    ...[...order.refunds.values()].map((refund) => refunded(order, refund)),
  ]);
  const ofDay = rows.filter((one) => one.startsWith(`\`${day} `));
  if (ofDay.length === 0) return null;
  const sums = `\`${ofDay.length},\`0.00,\`0.00,\`0.00,\`0.00,\`0.00,\`0.00`;
  return [titles, ...ofDay, sumTitles, sums, ''].join('\r\n');
}
