import { type AlipayServer, type KeyPair, type Trade, chinaTime, rsaKeyPair, startAlipayServer } from '../../../support/alipay-server.ts'; // prettier-ignore
import { startTcpProxy } from '../../../faults/tcp-proxy.ts';
import { type Loose, openPaymentWorld } from '../support/payment-world.ts';
import type { ProviderUnderTest } from './contract.ts';

export const appId = '2021000000000001';
export const sellerId = '2088000000000001';

export type AlipayWorld = ProviderUnderTest & {
  readonly server: AlipayServer;
  readonly keys: Readonly<Record<'app' | 'first' | 'second' | 'stranger', KeyPair>>;
  /** Posts a notification as it is; answers with our status and text. */
  post(body: string): Promise<{ status: number; text: string }>;
  trade(payment: Loose): Trade;
};

const base64 = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, '');

/** The payment service with Alipay as its provider: of its two keys the server signs with the first. */
export async function openAlipayWorld(): Promise<AlipayWorld> {
  const keys = { app: rsaKeyPair(), first: rsaKeyPair(), second: rsaKeyPair(), stranger: rsaKeyPair() };
  const { privateKey } = keys.first;
  const server = await startAlipayServer({ appId, sellerId, appPublicKey: keys.app.publicKey, privateKey, strangerKey: keys.stranger.privateKey }); // prettier-ignore
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(server.gatewayUrl).port) });
  // Alipay learns from the page where to send its notifications, so the platform has an address before it listens.
  let port = 0;
  const inbound = await startTcpProxy({ host: '127.0.0.1', get port() { return port; } }); // prettier-ignore
  const world = await openPaymentWorld({
    env: {
      PUBLIC_URL: `http://127.0.0.1:${inbound.port}`,
      ALIPAY_APP_ID: appId,
      ALIPAY_SELLER_ID: sellerId,
      ALIPAY_PRIVATE_KEY: base64(keys.app.privateKey),
      ALIPAY_PUBLIC_KEY: `${base64(keys.second.publicKey)}, ${base64(keys.first.publicKey)}`,
      ALIPAY_GATEWAY_URL: `http://127.0.0.1:${proxy.port}/gateway.do`,
    },
  });
  port = Number(new URL(world.webhookUrl).port);
  const attemptOf = (payment: Loose): Loose => payment.attempts.at(-1);
  const open = (payment: Loose) => fetch(attemptOf(payment).redirectUrl);
  const pay = async (payment: Loose): Promise<boolean> => {
    await open(payment);
    return server.pay(attemptOf(payment).providerTransactionId);
  };
  const trade = (payment: Loose): Trade => {
    const found = server.trades.get(attemptOf(payment).providerTransactionId);
    if (!found) throw new Error('nobody has opened its page');
    return found;
  };
  const sum = (amounts: Iterable<string>) => [...amounts].reduce((total, yuan) => total + Math.round(Number(yuan) * 100), 0); // prettier-ignore
  const post = async (body: string) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    const answer = await fetch(world.webhookUrl.replace('/simulated', '/alipay'), { method: 'POST', headers, body });
    return { status: answer.status, text: await answer.text() };
  };
  return {
    world, server, keys, post, trade, open, pay,
    method: 'ALIPAY',
    provider: 'alipay',
    instrument: 'Alipay',
    currency: 'CNY',
    decline: async () => { throw new Error('Alipay tells a merchant of no declines'); },
    async intents(orderId) {
      const attempts = await world.rows('select a.redirect_url from attempt a join payment p on p.id = a.payment_id where p.order_id = ?', [Buffer.from(orderId.replaceAll('-', ''), 'hex')]);
      await Promise.all(attempts.filter((attempt) => attempt.redirect_url).map((attempt) => fetch(attempt.redirect_url)));
      return [...server.trades.values()].filter(({ subject }) => subject.includes(orderId)).length;
    },
    charged: async (payment) => (trade(payment).trade_status === 'TRADE_SUCCESS' ? sum([trade(payment).total_amount]) : 0),
    refunded: async (payment) => sum(trade(payment).refunds.values()),
    canBePaid: pay,
    async refunds(_, how) { server.refunds = how; },
    async dropWebhooks(_, dropped) { server.notifications.dropped = dropped; },
    cut: () => proxy.cut(),
    mend: () => proxy.mend(),
    async notify(payment, { by = 'first', secondsOff = 0 }, amount = 1_234) {
      const at = new Date(Date.now() + secondsOff * 1_000);
      const change = { notify_time: chinaTime(at), trade_status: 'TRADE_SUCCESS', total_amount: `${Math.floor(amount / 100)}.${amount % 100}` };
      return (await post(server.notification(trade(payment), change, keys[by].privateKey))).status;
    },
    async close() {
      await server.close();
      await world.close();
      await proxy.close();
      await inbound.close();
    },
  }; // prettier-ignore
}
