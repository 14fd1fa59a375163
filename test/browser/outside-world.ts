import { type AlipayServer, rsaKeyPair, startAlipayServer } from '../support/alipay-server.ts';
import { type OidcServer, startOidcServer } from '../support/oidc-server.ts';
import type { Platform } from '../support/platform.ts';
import { type StripeScriptServer, startStripeScript } from '../support/stripe-script.ts';
import { type StripeServer, startStripeServer } from '../support/stripe-server.ts';
import { type WechatPayServer, startWechatPayServer } from '../support/wechat-pay-server.ts';

/** Other companies' systems, and the platform restarted with all of them. */
export type OutsideWorld = {
  readonly issuer: OidcServer;
  readonly stripe: StripeServer;
  readonly stripeScript: StripeScriptServer;
  readonly alipay: AlipayServer;
  readonly wechat: WechatPayServer;
  readonly wechatAppId: string;
  close(): Promise<void>;
};

const base64 = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, '');
const stripeKeys = { secretKey: 'sk_test_pages', webhookSecret: 'whsec_of_the_pages_test' };
const alipayIds = { appId: '2021000000000001', sellerId: '2088000000000001' };
const wechatIds = { appId: 'wx0123456789abcdef', merchantId: '1900000001', serialNumber: '5157F09EFDC096DE15EBE81A47057A7232F1B8E1', apiV3Key: '0123456789abcdef0123456789abcdef' }; // prettier-ignore
const wechatKeyId = 'PUB_KEY_ID_0119000000012026';

export async function openOutsideWorld(platform: Platform): Promise<OutsideWorld> {
  const keys = { app: rsaKeyPair(), alipay: rsaKeyPair(), merchant: rsaKeyPair(), wechat: rsaKeyPair(), stranger: rsaKeyPair() }; // prettier-ignore
  const issuer = await startOidcServer();
  const stripe = await startStripeServer(stripeKeys);
  stripe.webhooks.url = `${platform.url}/webhooks/stripe`;
  const stripeScript = await startStripeScript(stripe);
  const alipay = await startAlipayServer({ ...alipayIds, appPublicKey: keys.app.publicKey, privateKey: keys.alipay.privateKey, strangerKey: keys.stranger.privateKey }); // prettier-ignore
  const wechat = await startWechatPayServer({ ...wechatIds, merchantPublicKey: keys.merchant.publicKey, keys: { [wechatKeyId]: keys.wechat.privateKey }, strangerKey: keys.stranger.privateKey }); // prettier-ignore
  const { issuer: address, clientId, clientSecret } = issuer;
  await platform.terminate();
  await platform.restart({
    PUBLIC_URL: platform.url,
    OIDC_ISSUERS: JSON.stringify([
      {
        issuer: address,
        name: 'Example ID',
        clientId,
        clientSecret,
        redirectUris: [`${platform.url}/sign-in/callback`],
      },
    ]),
    STRIPE_SECRET_KEY: stripeKeys.secretKey,
    STRIPE_PUBLISHABLE_KEY: 'pk_test_pages',
    STRIPE_WEBHOOK_SECRET: stripeKeys.webhookSecret,
    STRIPE_API_BASE: stripe.url,
    STRIPE_JS_URL: stripeScript.scriptUrl,
    ALIPAY_APP_ID: alipayIds.appId,
    ALIPAY_SELLER_ID: alipayIds.sellerId,
    ALIPAY_PRIVATE_KEY: base64(keys.app.privateKey),
    ALIPAY_PUBLIC_KEY: base64(keys.alipay.publicKey),
    ALIPAY_GATEWAY_URL: alipay.gatewayUrl,
    WX_APP_ID: wechatIds.appId,
    WX_PAY_MCH_ID: wechatIds.merchantId,
    WX_PAY_SERIAL_NO: wechatIds.serialNumber,
    WX_PAY_PRIVATE_KEY: base64(keys.merchant.privateKey),
    WX_PAY_API_V3_KEY: wechatIds.apiV3Key,
    WX_PAY_PUBLIC_KEY_ID: wechatKeyId,
    WX_PAY_PUBLIC_KEY: base64(keys.wechat.publicKey),
    WX_PAY_API_BASE: wechat.apiBase,
  });
  return {
    issuer, stripe, stripeScript, alipay, wechat,
    wechatAppId: wechatIds.appId,
    async close() {
      await Promise.all([issuer.close(), stripe.close(), stripeScript.close(), alipay.close(), wechat.close()]);
    },
  }; // prettier-ignore
}
