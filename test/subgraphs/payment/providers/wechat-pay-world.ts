import type { WechatOrder } from '../../../support/wechat-pay-bill.ts';
import { type KeyPair, rsaKeyPair } from '../../../support/alipay-server.ts';
import { type Telling, type WechatPayServer, startWechatPayServer } from '../../../support/wechat-pay-server.ts'; // prettier-ignore
import { startTcpProxy } from '../../../faults/tcp-proxy.ts';
import { type Loose, openPaymentWorld } from '../support/payment-world.ts';
import type { ProviderUnderTest } from './contract.ts';

export const appId = 'wx0123456789abcdef';
export const merchantId = '1900000001';
export const apiV3Key = '0123456789abcdef0123456789abcdef';
const keyIds = { first: 'PUB_KEY_ID_0119000000012026', second: '7132D72A03E93CDDF8C03BBD1F37EEDF' } as const;

export type WechatPayWorld = ProviderUnderTest & {
  readonly server: WechatPayServer;
  readonly keys: Readonly<Record<'merchant' | 'first' | 'second' | 'stranger', KeyPair>>;
  /** Posts a notification; answers with our status and body. */
  post(delivery: { headers: Record<string, string>; body: string }): Promise<{ status: number; told: Loose }>;
  order(payment: Loose): WechatOrder;
};

const base64 = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, '');

/** The payment service with WeChat Pay as its provider: of its two keys the server signs with the first. */
export async function openWechatPayWorld(): Promise<WechatPayWorld> {
  const keys = { merchant: rsaKeyPair(), first: rsaKeyPair(), second: rsaKeyPair(), stranger: rsaKeyPair() };
  const serialNumber = '5157F09EFDC096DE15EBE81A47057A7232F1B8E1';
  const server = await startWechatPayServer({
    appId,
    merchantId,
    serialNumber,
    merchantPublicKey: keys.merchant.publicKey,
    apiV3Key,
    keys: { [keyIds.first]: keys.first.privateKey, [keyIds.second]: keys.second.privateKey },
    strangerKey: keys.stranger.privateKey,
  });
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(server.apiBase).port) });
  // WeChat learns with the order where to send its notifications, so the platform has an address before it listens.
  let port = 0;
  const inbound = await startTcpProxy({ host: '127.0.0.1', get port() { return port; } }); // prettier-ignore
  const world = await openPaymentWorld({
    env: {
      PUBLIC_URL: `http://127.0.0.1:${inbound.port}`,
      WX_APP_ID: appId,
      WX_PAY_MCH_ID: merchantId,
      WX_PAY_SERIAL_NO: serialNumber,
      WX_PAY_PRIVATE_KEY: base64(keys.merchant.privateKey),
      WX_PAY_API_V3_KEY: apiV3Key,
      WX_PAY_PUBLIC_KEY_ID: `${keyIds.first}, ${keyIds.second}`,
      WX_PAY_PUBLIC_KEY: `${base64(keys.first.publicKey)}, ${base64(keys.second.publicKey)}`,
      WX_PAY_API_BASE: `http://127.0.0.1:${proxy.port}`,
    },
  });
  port = Number(new URL(world.webhookUrl).port);
  const numberOf = (payment: Loose): string => payment.attempts.at(-1).providerTransactionId;
  const pay = async (payment: Loose): Promise<boolean> => server.pay(numberOf(payment));
  const order = (payment: Loose): WechatOrder => {
    const found = server.orders.get(numberOf(payment));
    if (!found) throw new Error('no such order');
    return found;
  };
  const post: WechatPayWorld['post'] = async ({ headers, body }) => {
    const answer = await fetch(world.webhookUrl.replace('/simulated', '/wechat_pay'), {
      method: 'POST',
      headers,
      body,
    });
    return { status: answer.status, told: await answer.json() };
  };
  return {
    world, server, keys, post, order, pay,
    method: 'WECHAT_PAY',
    provider: 'wechat_pay',
    instrument: 'WeChat Pay',
    currency: 'CNY',
    decline: async () => { throw new Error('WeChat Pay tells a merchant of no declines'); },
    intents: async (orderId) => [...server.orders.values()].filter(({ description }) => description.includes(orderId)).length,
    charged: async (payment) => (order(payment).paidAt ? order(payment).total : 0),
    refunded: async (payment) => [...order(payment).refunds.values()].reduce((sum, { refund }) => sum + refund, 0),
    canBePaid: pay,
    async refunds(_, how) { server.refunds = how; },
    async dropWebhooks(_, dropped) { server.notifications.dropped = dropped; },
    cut: () => proxy.cut(),
    mend: () => proxy.mend(),
    async notify(payment, { by = 'first', secondsOff = 0 }, amount = 1_234) {
      const telling: Telling = { keyId: by === 'second' ? keyIds.second : keyIds.first, signingKey: keys[by].privateKey, secondsOff };
      const change = { trade_state: 'SUCCESS', amount: { total: amount, currency: 'CNY' } };
      return (await post(server.notification('TRANSACTION.SUCCESS', server.told(order(payment), change), telling))).status;
    },
    async close() {
      await server.close();
      await world.close();
      await proxy.close();
      await inbound.close();
    },
  }; // prettier-ignore
}
