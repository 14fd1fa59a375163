import { createSign, createVerify, generateKeyPairSync } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type KeyPair = { readonly publicKey: string; readonly privateKey: string };

export const rsaKeyPair = (): KeyPair =>
  generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

/** How the next matching requests go wrong. `lost`: done, but the answer never arrives; `forged`: signed by a stranger. */
export type AlipayFault =
  | 'reset' | 'lost' | 'hang' | 'forged' | 'unsigned'
  | { readonly status: number }
  | { readonly code: string; readonly sub_code: string }; // prettier-ignore

export type Trade = {
  readonly out_trade_no: string;
  readonly total_amount: string;
  readonly subject: string;
  readonly notify_url: string;
  trade_status: 'WAIT_BUYER_PAY' | 'TRADE_SUCCESS' | 'TRADE_CLOSED';
  readonly refunds: Map<string, string>;
  paidAt?: string;
};

type Fields = Record<string, string>;
type Answer = Record<string, string>;

export type AlipayServer = {
  readonly gatewayUrl: string;
  readonly trades: ReadonlyMap<string, Trade>;
  /** Every request that came, by Alipay's `method`. */
  readonly requests: string[];
  readonly notifications: { dropped: boolean };
  refunds: 'succeed' | 'refuse';
  /** The buyer confirms on the page that was opened; false when it can't be paid any more. */
  pay(tradeNumber: string): boolean;
  /** Somebody gives yuan back in the merchant's pages, under a name of Alipay's own; returns the body that it notifies. */
  refundInDashboard(tradeNumber: string, yuan: string): string;
  /** The next requests of this method fail so. Of queries, those about trades that were not asked about before: a platform asks about its old ones at any time. */
  fail(method: string, how: AlipayFault, times?: number): void;
  /** The body of a notification about a trade, as Alipay would send it but for what is given. */
  notification(trade: Trade, change?: Fields, key?: string): string;
  close(): Promise<void>;
};

const contentOf = (fields: Fields, without: readonly string[]): string =>
  Object.keys(fields)
    .filter((name) => !without.includes(name))
    .toSorted()
    .map((name) => `${name}=${fields[name]}`)
    .join('&');
const signed = (content: string, key: string): string => createSign('RSA-SHA256').update(content).sign(key, 'base64');
export const chinaTime = (at: Date): string =>
  new Date(at.getTime() + 28_800_000).toISOString().slice(0, 19).replace('T', ' ');
const fen = (yuan: string): number => Math.round(Number(yuan) * 100);
const yuanForm = /^\d+\.\d\d$/;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const success = { code: '10000', msg: 'Success' };
const refusal = (sub_code: string): Answer => ({ code: '40004', msg: 'Business Failed', sub_code, sub_msg: `refused: ${sub_code}` }); // prettier-ignore

/**
 * Speaks the part of Alipay's gateway that we use, over real HTTP with Alipay's own rules: requests signed by the app (RSA2),
 * answers and notifications signed by Alipay, times of China, a trade that begins when its page is opened, one refund for
 * each `out_request_no`, and notifications until somebody says `success`.
 *
 * @see https://opendocs.alipay.com/open/028r8t
 */
export async function startAlipayServer(options: {
  appId: string;
  sellerId: string;
  appPublicKey: string;
  /** With which Alipay signs. */
  privateKey: string;
  strangerKey: string;
}): Promise<AlipayServer> {
  const trades = new Map<string, Trade>();
  const requests: string[] = [];
  const faults: { method: string; how: AlipayFault; times: number; spared: ReadonlySet<unknown> }[] = [];
  const asked = new Set<unknown>();
  const deliveries = new Set<Promise<void>>();
  const notifications = { dropped: false };
  const state = { refunds: 'succeed' as 'succeed' | 'refuse' };
  let notified = 0;

  function notification(trade: Trade, change: Fields = {}, key = options.privateKey): string {
    notified += 1;
    const now = chinaTime(new Date());
    const { out_trade_no, total_amount, subject, trade_status } = trade;
    const fields: Fields = {
      notify_id: `${process.pid}_${notified}`, notify_type: 'trade_status_sync', notify_time: now, charset: 'utf-8', version: '1.0',
      app_id: options.appId, seller_id: options.sellerId, trade_no: `t${out_trade_no}`, out_trade_no, total_amount, subject, trade_status,
      gmt_payment: now, buyer_logon_id: 'abc***@example.com', fund_bill_list: `[{"amount":"${total_amount}","fundChannel":"ALIPAYACCOUNT"}]`,
      ...change,
    }; // prettier-ignore
    const sign = signed(contentOf(fields, ['sign', 'sign_type']), key);
    return new URLSearchParams({ sign_type: 'RSA2', ...fields, sign }).toString();
  }

  async function deliver(url: string, body: string): Promise<void> {
    for (let tries = 0; tries < 20; tries += 1) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
      const told = await fetch(url, { method: 'POST', headers, body }).then((answer) => answer.text(), () => ''); // prettier-ignore
      if (told === 'success') return;
      await new Promise((again) => setTimeout(again, 100));
    }
  }
  function notify(trade: Trade, body = notification(trade)): void {
    if (notifications.dropped) return;
    const sent = deliver(trade.notify_url, body);
    deliveries.add(sent);
    void sent.finally(() => deliveries.delete(sent));
  }

  const goneOf = ({ refunds }: Trade): number => [...refunds.values()].reduce((sum, one) => sum + fen(one), 0);
  /** Of each refund Alipay notifies how much has gone back of the trade by now, and the name of this one. */
  function refunded(trade: Trade, request: string, yuan: string): string {
    trade.refunds.set(request, yuan);
    if (goneOf(trade) === fen(trade.total_amount)) trade.trade_status = 'TRADE_CLOSED';
    const body = notification(trade, {
      gmt_refund: `${chinaTime(new Date())}.000`,
      refund_fee: (goneOf(trade) / 100).toFixed(2),
      out_biz_no: request,
    });
    notify(trade, body);
    return body;
  }

  function openPage(fields: Fields, biz: Fields): Trade | null {
    const { out_trade_no = '', total_amount = '', subject = '', product_code, time_expire = '' } = biz;
    const valid =
      /^\w{1,64}$/.test(out_trade_no) &&
      yuanForm.test(total_amount) &&
      fen(total_amount) > 0 &&
      subject !== '' &&
      !/[/=&]/.test(subject);
    if (!valid || product_code !== 'FAST_INSTANT_TRADE_PAY' || time_expire <= chinaTime(new Date())) return null; // prettier-ignore
    const trade = trades.get(out_trade_no) ?? { out_trade_no, total_amount, subject, notify_url: String(fields['notify_url']), trade_status: 'WAIT_BUYER_PAY', refunds: new Map<string, string>() }; // prettier-ignore
    trades.set(out_trade_no, trade);
    return trade.trade_status === 'WAIT_BUYER_PAY' && trade.total_amount === total_amount ? trade : null;
  }

  function answer(method: string, biz: Fields): Answer {
    const trade = trades.get(String(biz['out_trade_no']));
    if (!trade) return refusal('ACQ.TRADE_NOT_EXIST');
    const { out_trade_no, total_amount, trade_status } = trade;
    const request = String(biz['out_request_no']);
    switch (method) {
      case 'alipay.trade.query':
        return { ...success, out_trade_no, trade_no: `t${out_trade_no}`, trade_status, total_amount, ...(trade.paidAt && { send_pay_date: trade.paidAt }) }; // prettier-ignore
      case 'alipay.trade.close':
        if (trade_status !== 'WAIT_BUYER_PAY') return refusal('ACQ.TRADE_STATUS_ERROR');
        trade.trade_status = 'TRADE_CLOSED';
        return { ...success, out_trade_no };
      case 'alipay.trade.fastpay.refund.query': {
        const refund_amount = trade.refunds.get(request);
        return refund_amount === undefined ? success : { ...success, out_trade_no, out_request_no: request, refund_amount, refund_status: 'REFUND_SUCCESS' }; // prettier-ignore
      }
      case 'alipay.trade.refund': {
        const amount = String(biz['refund_amount']);
        const earlier = trade.refunds.get(request);
        if (earlier !== undefined) return earlier === amount ? { ...success, out_trade_no, fund_change: 'N' } : refusal('ACQ.DISCORDANT_REPEAT_REQUEST'); // prettier-ignore
        if (!yuanForm.test(amount) || goneOf(trade) + fen(amount) > fen(total_amount)) return refusal('ACQ.REFUND_AMT_NOT_EQUAL_TOTAL'); // prettier-ignore
        if (state.refunds === 'refuse') return refusal('ACQ.SELLER_BALANCE_NOT_ENOUGH');
        refunded(trade, request, amount);
        return { ...success, out_trade_no, fund_change: 'Y' };
      }
      default:
        return { code: '40002', msg: 'Invalid Arguments', sub_code: 'isv.invalid-method', sub_msg: method };
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://alipay');
    const body = new URLSearchParams(await bodyOf(request));
    const fields: Fields = Object.fromEntries([...url.searchParams, ...body]);
    const method = String(fields['method']);
    requests.push(method);
    const send = (told: Answer, key: string | null = options.privateKey): void => {
      const content = JSON.stringify(told);
      const sign = key === null ? '' : `,"sign":"${signed(content, key)}"`;
      response.writeHead(200, { 'content-type': 'text/html;charset=utf-8', trace_id: 'trace1' });
      response.end(`{"${method.replaceAll('.', '_')}_response":${content}${sign}}`);
    };
    const ours =
      fields['app_id'] === options.appId && fields['sign_type'] === 'RSA2' &&
      // A request whose clock is a quarter of an hour off is none of this app's: times are China's.
      Math.abs(Date.parse(`${String(fields['timestamp']).replace(' ', 'T')}+08:00`) - Date.now()) < 900_000 &&
      createVerify('RSA-SHA256').update(contentOf(fields, ['sign'])).verify(options.appPublicKey, String(fields['sign']), 'base64'); // prettier-ignore
    if (!ours) return send({ code: '40002', msg: 'Invalid Arguments', sub_code: 'isv.invalid-signature', sub_msg: 'the signature is not good' }); // prettier-ignore
    const biz = JSON.parse(String(fields['biz_content'])) as Fields;
    if (method === 'alipay.trade.page.pay') {
      const trade = openPage(fields, biz);
      response.writeHead(trade ? 200 : 400, { 'content-type': 'text/html' }).end(trade ? 'Pay here.' : 'It can not be paid.'); // prettier-ignore
      return;
    }
    const number = biz['out_trade_no'];
    const fault = faults.find((one) => one.times > 0 && one.method === method && !one.spared.has(number));
    if (method === 'alipay.trade.query') asked.add(number);
    if (!fault) return send(answer(method, biz));
    fault.times -= 1;
    const { how } = fault;
    if (how === 'hang') return;
    if (how === 'lost') answer(method, biz);
    if (how === 'lost' || how === 'reset') request.socket.resetAndDestroy();
    else if (how === 'forged' || how === 'unsigned')
      send(answer(method, biz), how === 'forged' ? options.strangerKey : null); // prettier-ignore
    else if ('status' in how) response.writeHead(how.status).end('an error page');
    else send({ msg: 'an error', sub_msg: `refused: ${how.sub_code}`, ...how });
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: Error) => response.writeHead(500).end(error.message));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return Object.assign(state, {
    gatewayUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/gateway.do`,
    trades,
    requests,
    notifications,
    notification,
    pay(tradeNumber: string): boolean {
      const trade = trades.get(tradeNumber);
      if (trade?.trade_status !== 'WAIT_BUYER_PAY') return false;
      Object.assign(trade, { trade_status: 'TRADE_SUCCESS', paidAt: chinaTime(new Date()) });
      notify(trade);
      return true;
    },
    refundInDashboard(tradeNumber: string, yuan: string): string {
      const trade = trades.get(tradeNumber);
      if (!trade || goneOf(trade) + fen(yuan) > fen(trade.total_amount))
        throw new Error('more than is left of the trade');
      return refunded(trade, `dashboard${trade.refunds.size}`, yuan);
    },
    fail(method: string, how: AlipayFault, times = 1): void {
      faults.push({ method, how, times, spared: new Set(method === 'alipay.trade.query' ? asked : []) });
    },
    async close() {
      await Promise.all(deliveries);
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  });
}
