import { createCipheriv, createHash, createSign, createVerify, randomBytes } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chinaTime } from './alipay-server.ts';
import { type WechatOrder, type WechatRefund, wechatPayBill } from './wechat-pay-bill.ts';

/** How the next matching requests go wrong. `lost`: done, but the answer never arrives; `forged`: signed by a stranger; `stale`: signed ten minutes ago. */
export type WechatPayFault =
  | 'reset' | 'lost' | 'hang' | 'forged' | 'unsigned' | 'stale'
  | { readonly status: number; readonly code?: string }; // prettier-ignore

type Delivery = { readonly headers: Record<string, string>; readonly body: string };
/** Who signs a notification, with which key it is encrypted, and how far its time is off. */
export type Telling = { readonly keyId?: string; readonly signingKey?: string; readonly apiV3Key?: string; readonly secondsOff?: number }; // prettier-ignore

export type WechatPayServer = {
  readonly apiBase: string;
  readonly orders: ReadonlyMap<string, WechatOrder>;
  readonly notifications: { dropped: boolean };
  /** How refunds go from now on; `process`: accepted, and done by `endRefund`. */
  refunds: 'succeed' | 'refuse' | 'process';
  /** What is wrong with the bills that are asked for from now on. */
  bills: 'good' | 'changed' | 'unknown';
  /** The customer confirms in WeChat; false when it can't be paid any more. */
  pay(orderNumber: string): boolean;
  /** The customer with this openid pays by what a mini program gave to `wx.requestPayment`; refuses what is not signed for it, and what is prepared for somebody else. */
  requestPayment(params: Record<string, string>, openid: string): boolean;
  endRefund(orderNumber: string, refundNumber: string, status: 'SUCCESS' | 'ABNORMAL' | 'CLOSED'): void;
  /** Somebody gives fen back in the merchant's pages. */
  refundInDashboard(orderNumber: string, fen: number): void;
  /** The next requests whose method and path contain this fail so. */
  fail(matching: string, how: WechatPayFault, times?: number): void;
  /** An order as it is told of, but for what is given. */
  told(order: WechatOrder, change?: Record<string, unknown>): Record<string, unknown>;
  /** A signed and encrypted notification. */
  notification(eventType: string, resource: unknown, telling?: Telling): Delivery;
  close(): Promise<void>;
};

const lines = (...parts: string[]): string => parts.map((part) => `${part}\n`).join('');
const signed = (key: string, ...parts: string[]): string => createSign('RSA-SHA256').update(lines(...parts)).sign(key, 'base64'); // prettier-ignore
class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string) {
    super(`refused: ${code}`);
    this.status = status;
    this.code = code;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Speaks the part of WeChat Pay's API v3 that we use, over real HTTP with WeChat's own rules: requests signed by the merchant,
 * answers and notifications signed by WeChat with the key that is asked for, resources encrypted, one order of each number,
 * one refund of each number, a bill of each day, and notifications until somebody answers with 200.
 *
 * @see https://pay.weixin.qq.com/doc/v3/merchant/4012365342
 */
export async function startWechatPayServer(options: {
  appId: string;
  merchantId: string;
  serialNumber: string;
  merchantPublicKey: string;
  apiV3Key: string;
  /** WeChat's private keys by the ids of their public ones. */
  keys: Readonly<Record<string, string>>;
  strangerKey: string;
}): Promise<WechatPayServer> {
  const { appId, merchantId, keys } = options;
  const orders = new Map<string, WechatOrder>();
  const faults: { matching: string; how: WechatPayFault; times: number }[] = [];
  const deliveries = new Set<Promise<void>>();
  const notifications = { dropped: false };
  const state = { refunds: 'succeed' as WechatPayServer['refunds'], bills: 'good' as WechatPayServer['bills'] };
  const prepared = new Map<string, WechatOrder>();
  const usedNonces = new Set<string>();
  const bills = new Map<string, string>();
  const [firstKeyId = ''] = Object.keys(keys);

  const signatureHeaders = (body: string, { keyId = firstKeyId, signingKey, secondsOff = 0 }: Telling) => {
    const timestamp = String(Math.floor(Date.now() / 1_000) + secondsOff);
    const nonce = randomBytes(16).toString('hex');
    const signature = signed(signingKey ?? String(keys[keyId]), timestamp, nonce, body);
    return { 'wechatpay-serial': keyId, 'wechatpay-timestamp': timestamp, 'wechatpay-nonce': nonce, 'wechatpay-signature': signature }; // prettier-ignore
  };

  function notification(eventType: string, resource: unknown, telling: Telling = {}): Delivery {
    const nonce = randomBytes(6).toString('hex');
    const associated = eventType.startsWith('REFUND') ? 'refund' : 'transaction';
    const cipher = createCipheriv('aes-256-gcm', telling.apiV3Key ?? options.apiV3Key, nonce);
    cipher.setAAD(Buffer.from(associated));
    const sealed = Buffer.concat([cipher.update(JSON.stringify(resource)), cipher.final(), cipher.getAuthTag()]);
    const body = JSON.stringify({
      id: `EV-${randomBytes(10).toString('hex')}`,
      create_time: `${chinaTime(new Date()).replace(' ', 'T')}+08:00`,
      resource_type: 'encrypt-resource',
      event_type: eventType,
      summary: 'told',
      resource: { original_type: associated, algorithm: 'AEAD_AES_256_GCM', ciphertext: sealed.toString('base64'), nonce, associated_data: associated }, // prettier-ignore
    });
    return { headers: { 'content-type': 'application/json', ...signatureHeaders(body, telling) }, body };
  }

  async function deliver(url: string, { headers, body }: Delivery): Promise<void> {
    for (let tries = 0; tries < 20; tries += 1) {
      const status = await fetch(url, { method: 'POST', headers, body }).then((answer) => answer.status, () => 0); // prettier-ignore
      if (status === 200) return;
      await new Promise((again) => setTimeout(again, 100));
    }
  }
  function notify(order: WechatOrder, eventType: string, resource: unknown): void {
    if (notifications.dropped) return;
    const sent = deliver(order.notify_url, notification(eventType, resource));
    deliveries.add(sent);
    void sent.finally(() => deliveries.delete(sent));
  }

  const at = (time: Date): string => `${chinaTime(time).replace(' ', 'T')}+08:00`;
  const told = (order: WechatOrder, change: Record<string, unknown> = {}): Record<string, unknown> => ({
    appid: appId,
    mchid: merchantId,
    out_trade_no: order.out_trade_no,
    transaction_id: `4200${order.out_trade_no.slice(0, 24)}`,
    trade_type: order.payer === null ? 'NATIVE' : 'JSAPI',
    trade_state: order.trade_state,
    trade_state_desc: 'told',
    ...(order.paidAt && {
      success_time: at(order.paidAt),
      bank_type: 'OTHERS',
      payer: { openid: order.payer ?? 'o-payer' },
    }),
    amount: { total: order.total, currency: 'CNY', ...(order.paidAt && { payer_total: order.total, payer_currency: 'CNY' }) }, // prettier-ignore
    ...change,
  });

  const goneOf = ({ refunds }: WechatOrder): number =>
    [...refunds.values()].reduce((sum, { refund, status }) => sum + (status === 'CLOSED' ? 0 : refund), 0);
  function addRefund(order: WechatOrder, out_refund_no: string, refund: number): WechatRefund {
    const made: WechatRefund = { out_refund_no, refund, status: 'PROCESSING', at: new Date() };
    order.refunds.set(out_refund_no, made);
    order.trade_state = 'REFUND';
    return made;
  }
  function endRefund(order: WechatOrder, refund: WechatRefund, status: WechatRefund['status']): void {
    refund.status = status;
    notify(order, `REFUND.${status}`, {
      mchid: merchantId,
      out_trade_no: order.out_trade_no,
      transaction_id: `4200${order.out_trade_no.slice(0, 24)}`,
      out_refund_no: refund.out_refund_no,
      refund_id: `5030${refund.out_refund_no.slice(0, 24)}`,
      refund_status: status,
      ...(status === 'SUCCESS' && { success_time: at(new Date()) }),
      user_received_account: 'told',
      amount: { total: order.total, refund: refund.refund, payer_total: order.total, payer_refund: refund.refund },
    });
  }
  const shown = (order: WechatOrder, { out_refund_no, refund, status }: WechatRefund) => ({
    refund_id: `5030${out_refund_no.slice(0, 24)}`,
    out_refund_no,
    out_trade_no: order.out_trade_no,
    status,
    amount: { total: order.total, refund, currency: 'CNY' },
  });

  function prepare(wanted: string, tradeType: 'native' | 'jsapi'): unknown {
    const given = JSON.parse(wanted);
    const { out_trade_no, description, notify_url, time_expire, amount } = given;
    if (given.appid !== appId || given.mchid !== merchantId) throw new Refusal(400, 'APPID_MCHID_NOT_MATCH');
    const payer = tradeType === 'jsapi' ? given.payer?.openid : null;
    const valid =
      (tradeType === 'native' ? given.payer === undefined : /^[\w-]{1,128}$/.test(payer)) &&
      /^[\w|*-]{6,32}$/.test(out_trade_no) &&
      description.length > 0 && description.length <= 127 &&
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/.test(time_expire) &&
      URL.canParse(notify_url) && new URL(notify_url).search === '' &&
      Number.isSafeInteger(amount.total) && amount.total > 0 && amount.currency === 'CNY'; // prettier-ignore
    if (!valid) throw new Refusal(400, 'PARAM_ERROR');
    const earlier = orders.get(out_trade_no);
    if (earlier?.trade_state === 'CLOSED') throw new Refusal(400, 'ORDER_CLOSED');
    if (earlier && earlier.trade_state !== 'NOTPAY') throw new Refusal(400, 'ORDERPAID');
    if (earlier && earlier.wanted !== wanted) throw new Refusal(403, 'OUT_TRADE_NO_USED');
    const order: WechatOrder = earlier ?? { out_trade_no, description, notify_url, time_expire, total: amount.total, payer, wanted, trade_state: 'NOTPAY', paidAt: null, refunds: new Map() }; // prettier-ignore
    orders.set(out_trade_no, order);
    if (tradeType === 'jsapi') {
      const prepay_id = `wx${randomBytes(16).toString('hex')}`;
      prepared.set(prepay_id, order);
      return { prepay_id };
    }
    return { code_url: `weixin://wxpay/bizpayurl?pr=${out_trade_no.slice(-12)}` };
  }

  function refund(given: Record<string, never>): unknown {
    const { out_trade_no, out_refund_no, amount } = given as Record<string, unknown> as { out_trade_no: string; out_refund_no: string; amount: { refund: number; total: number; currency: string } }; // prettier-ignore
    const order = orders.get(out_trade_no);
    if (!order?.paidAt) throw new Refusal(404, 'RESOURCE_NOT_EXISTS');
    if (!/^[\w|*@-]{1,64}$/.test(out_refund_no) || amount.total !== order.total || amount.currency !== 'CNY') throw new Refusal(400, 'PARAM_ERROR'); // prettier-ignore
    // What is said of an order of which nothing is left, also to who asks for the same refund again.
    if (goneOf(order) === order.total) throw new Refusal(400, 'INVALID_REQUEST');
    const earlier = order.refunds.get(out_refund_no);
    if (earlier) {
      if (earlier.refund !== amount.refund) throw new Refusal(400, 'PARAM_ERROR');
      return shown(order, earlier);
    }
    if (!Number.isSafeInteger(amount.refund) || amount.refund < 1 || goneOf(order) + amount.refund > order.total) throw new Refusal(400, 'INVALID_REQUEST'); // prettier-ignore
    if (state.refunds === 'refuse') throw new Refusal(403, 'NOT_ENOUGH');
    const made = addRefund(order, out_refund_no, amount.refund);
    if (state.refunds === 'succeed') endRefund(order, made, 'SUCCESS');
    return shown(order, made);
  }

  function answer(method: string, url: URL, body: string): unknown {
    const [, number = ''] = /\/(?:out-trade-no|refunds)\/([^/]+)/.exec(url.pathname) ?? [];
    switch (`${method} ${url.pathname.replace(/(out-trade-no|refunds)\/[^/]+/, '$1/*')}`) {
      case 'POST /v3/pay/transactions/native':
        return prepare(body, 'native');
      case 'POST /v3/pay/transactions/jsapi':
        return prepare(body, 'jsapi');
      case 'GET /v3/pay/transactions/out-trade-no/*': {
        const order = orders.get(number);
        if (!order || url.searchParams.get('mchid') !== merchantId) throw new Refusal(404, 'ORDER_NOT_EXIST');
        return told(order);
      }
      case 'POST /v3/pay/transactions/out-trade-no/*/close': {
        const order = orders.get(number);
        if (!order || JSON.parse(body).mchid !== merchantId) throw new Refusal(404, 'ORDER_NOT_EXIST');
        if (order.trade_state === 'CLOSED') throw new Refusal(400, 'ORDER_CLOSED');
        if (order.paidAt) throw new Refusal(400, 'ORDERPAID');
        order.trade_state = 'CLOSED';
        return null;
      }
      case 'POST /v3/refund/domestic/refunds':
        return refund(JSON.parse(body));
      case 'GET /v3/refund/domestic/refunds/*': {
        const order = [...orders.values()].find(({ refunds }) => refunds.has(number));
        const made = order?.refunds.get(number);
        if (!order || !made) throw new Refusal(404, 'RESOURCE_NOT_EXISTS');
        return shown(order, made);
      }
      case 'GET /v3/bill/tradebill': {
        const day = String(url.searchParams.get('bill_date'));
        const made = wechatPayBill(day, { appId, merchantId, orders: orders.values() });
        if (made === null) throw new Refusal(400, 'NO_STATEMENT_EXIST');
        const bill = state.bills === 'unknown' ? made.replace('交易状态', 'state') : made;
        const token = randomBytes(8).toString('hex');
        bills.set(token, state.bills === 'changed' ? `${bill}more` : bill);
        return { hash_type: 'SHA1', hash_value: createHash('sha1').update(bill).digest('hex'), download_url: `https://api.mch.weixin.qq.com/v3/billdownload/file?token=${token}` }; // prettier-ignore
      }
      default:
        throw new Refusal(404, 'NOT_FOUND');
    }
  }

  /** Signed by the merchant about now, and never seen before. */
  function isOurs(request: IncomingMessage, body: string): boolean {
    const [scheme, rest = ''] = String(request.headers.authorization).split(/ (.*)/s);
    const fields = Object.fromEntries([...rest.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value])) as Record<string, string>; // prettier-ignore
    const { mchid, serial_no, timestamp = '', nonce_str = '', signature = '' } = fields;
    const known = scheme === 'WECHATPAY2-SHA256-RSA2048' && mchid === merchantId && serial_no === options.serialNumber;
    if (!known || usedNonces.has(nonce_str) || Math.abs(Number(timestamp) - Date.now() / 1_000) > 300) return false;
    usedNonces.add(nonce_str);
    const content = lines(String(request.method), String(request.url), timestamp, nonce_str, body);
    return createVerify('RSA-SHA256').update(content).verify(options.merchantPublicKey, signature, 'base64');
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://wechat');
    const method = String(request.method);
    const body = await bodyOf(request);
    const send = (status: number, content: string, telling: Telling | null): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...(telling && signatureHeaders(content, telling)) }); // prettier-ignore
      response.end(content);
    };
    if (!isOurs(request, body)) return send(401, JSON.stringify({ code: 'SIGN_ERROR', message: 'the signature is not good' }), null); // prettier-ignore
    const keyId = String(request.headers['wechatpay-serial']);
    const bill = bills.get(String(url.searchParams.get('token')));
    if (url.pathname === '/v3/billdownload/file') return send(bill === undefined ? 404 : 200, bill ?? '', null);
    const result = (): [number, string] => {
      try {
        const told = answer(method, url, body);
        return told === null ? [204, ''] : [200, JSON.stringify(told)];
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return [error.status, JSON.stringify({ code: error.code, message: error.message })];
      }
    };
    const fault = faults.find((one) => one.times > 0 && `${method} ${url.pathname}`.includes(one.matching));
    if (!fault) return send(...result(), { keyId });
    fault.times -= 1;
    const { how } = fault;
    if (how === 'hang') return;
    if (how === 'lost') result();
    if (how === 'lost' || how === 'reset') request.socket.resetAndDestroy();
    else if (how === 'unsigned') send(...result(), null);
    else if (how === 'forged') send(...result(), { keyId, signingKey: options.strangerKey });
    else if (how === 'stale') send(...result(), { keyId, secondsOff: -600 });
    else if (how.code === undefined) response.writeHead(how.status).end('an error page');
    else send(how.status, JSON.stringify({ code: how.code, message: `refused: ${how.code}` }), { keyId });
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: Error) => response.writeHead(500).end(error.message));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const orderOf = (number: string): WechatOrder => {
    const order = orders.get(number);
    if (!order) throw new Error(`no order ${number}`);
    return order;
  };
  function pay(orderNumber: string): boolean {
    const order = orders.get(orderNumber);
    if (order?.trade_state !== 'NOTPAY' || Date.parse(order.time_expire) < Date.now()) return false;
    Object.assign(order, { trade_state: 'SUCCESS', paidAt: new Date() });
    notify(order, 'TRANSACTION.SUCCESS', told(order));
    return true;
  }
  return Object.assign(state, {
    apiBase: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    orders,
    notifications,
    notification,
    told,
    pay,
    requestPayment(params: Record<string, string>, openid: string): boolean {
      const { appId: app = '', timeStamp = '', nonceStr = '', package: given = '', signType, paySign = '' } = params;
      const content = lines(app, timeStamp, nonceStr, given);
      const isSigned = createVerify('RSA-SHA256').update(content).verify(options.merchantPublicKey, paySign, 'base64');
      const order = prepared.get(given.replace(/^prepay_id=/, ''));
      const isOurs =
        app === appId && signType === 'RSA' && /^\d{10}$/.test(timeStamp) && given.startsWith('prepay_id=');
      return isSigned && isOurs && order !== undefined && order.payer === openid && pay(order.out_trade_no);
    },
    endRefund(orderNumber: string, refundNumber: string, status: 'SUCCESS' | 'ABNORMAL' | 'CLOSED'): void {
      const order = orderOf(orderNumber);
      const made = order.refunds.get(refundNumber);
      if (!made) throw new Error(`no refund ${refundNumber}`);
      endRefund(order, made, status);
    },
    refundInDashboard(orderNumber: string, fen: number): void {
      const order = orderOf(orderNumber);
      endRefund(order, addRefund(order, `dashboard${orderNumber.slice(-8)}${order.refunds.size}`, fen), 'SUCCESS');
    },
    fail(matching: string, how: WechatPayFault, times = 1): void {
      faults.push({ matching, how, times });
    },
    async close() {
      await Promise.all(deliveries);
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  });
}
