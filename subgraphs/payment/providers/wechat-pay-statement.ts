import { createHash } from 'node:crypto';
import { z } from 'zod';
import { attemptIdOf, chinaCurrency, chinaOffsetMinutes, fromChinaTime, fromYuan } from './china.ts';
import { type ProviderStatement, ProviderRefused, ProviderUnreachable, type StatementLine } from './provider.ts';
import { refundKeyOf } from './wechat-pay-facts.ts';
import type { WechatPayGateway } from './wechat-pay-gateway.ts';

const dayMs = 86_400_000;
/** A day's bill is there from ten in the morning of the next one on, by China's clock. */
const readyAfterMs = 10 * 3_600_000;
const noBill = 'NO_STATEMENT_EXIST';

const billShape = z.object({ hash_type: z.literal('SHA1'), hash_value: z.string(), download_url: z.url() });
/** Titles of the columns that are read; where there are two, the second is that of merchants with an older kind of bill. */
const columns = {
  at: ['交易时间'],
  app: ['公众账号ID'],
  order: ['商户订单号'],
  state: ['交易状态'],
  refund: ['商户退款单号'],
  paidYuan: ['订单金额', '总金额'],
  refundedYuan: ['申请退款金额', '退款金额'],
  refundState: ['退款状态'],
} as const;
type Column = keyof typeof columns;
type Row = (column: Column) => string;

/**
 * WeChat Pay's trade bill of each day: what was paid, and which refunds were begun.
 *
 * @see https://pay.weixin.qq.com/doc/v3/merchant/4012085867
 */
export const wechatPayStatement = (
  gateway: WechatPayGateway,
  options: { appId: string; now: () => Date },
): ProviderStatement => ({
  utcOffsetMinutes: chinaOffsetMinutes,
  readyAfterMs,
  async *lines({ from, to }) {
    const lastReadyMs = options.now().getTime() - dayMs - readyAfterMs;
    for (let startMs = midnightBefore(from); startMs < to.getTime(); startMs += dayMs) {
      if (startMs > lastReadyMs) return;
      for (const row of rowsOf(await billOf(gateway, startMs))) {
        const line = row('app') === options.appId ? lineOf(row) : null;
        if (line && line.at >= from && line.at < to) yield line;
      }
    }
  },
});

const midnightBefore = (at: Date): number => {
  const offsetMs = chinaOffsetMinutes * 60_000;
  return Math.floor((at.getTime() + offsetMs) / dayMs) * dayMs - offsetMs;
};

async function billOf(gateway: WechatPayGateway, startMs: number): Promise<string> {
  const day = new Date(startMs + chinaOffsetMinutes * 60_000).toISOString().slice(0, 10);
  let answer: unknown;
  try {
    answer = await gateway.ask('GET', `/v3/bill/tradebill?bill_date=${day}&bill_type=ALL`);
  } catch (error) {
    // A day on which nothing moved has none.
    if (error instanceof ProviderRefused && error.code === noBill) return '';
    throw error;
  }
  const { success, data } = billShape.safeParse(answer);
  if (!success) throw new ProviderUnreachable('wechat_pay: an answer that names no bill');
  const file = await gateway.download(data.download_url);
  const hash = createHash('sha1').update(file).digest('hex');
  if (hash !== data.hash_value.toLowerCase()) throw new ProviderUnreachable('wechat_pay: a bill of another hash');
  return file.toString('utf8');
}

/** The rows between the titles and the sums. Each value of theirs begins with a backtick, so that a comma within is none between. */
function* rowsOf(bill: string): Generator<Row> {
  const [titles = '', ...lines] = bill.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (titles === '') return;
  const names = titles.split(',').map((name) => name.trim());
  const indexes = Object.fromEntries(
    Object.entries(columns).map(([column, given]) => [column, names.findIndex((name) => name === given.find((one) => names.includes(one)))]),
  ) as Record<Column, number>; // prettier-ignore
  if (Object.values(indexes).includes(-1)) throw new ProviderUnreachable('wechat_pay: a bill of unknown columns');
  for (const line of lines) {
    // The titles of the sums.
    if (!line.startsWith('`')) return;
    const values = line.slice(1).split(',`');
    yield (column) => values[indexes[column]]?.trim() ?? '';
  }
}

function lineOf(row: Row): StatementLine | null {
  const kind = { SUCCESS: 'charge', REFUND: 'refund' }[row('state')] as 'charge' | 'refund' | undefined;
  if (kind === undefined || (kind === 'refund' && row('refundState') === 'FAIL')) return null;
  const at = fromChinaTime(row('at'));
  const amount = fromYuan(row(kind === 'charge' ? 'paidYuan' : 'refundedYuan'));
  const id = row(kind === 'charge' ? 'order' : 'refund');
  if (at === null || amount === null || id === '') throw new ProviderUnreachable('wechat_pay: a row that makes no sense'); // prettier-ignore
  const ourReference = kind === 'charge' ? attemptIdOf(id) : refundKeyOf(id);
  return { kind, providerTransactionId: id, ourReference, amount: { amount, currency: chinaCurrency }, at };
}
