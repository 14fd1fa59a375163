import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { readPaymentConfig } from '../../../subgraphs/payment/config.ts';
import { readProviderConfig } from '../../../subgraphs/payment/simulated-provider/config.ts';

const production = {
  NODE_ENV: 'production',
  SIMULATED_API_KEY: 'sk_of_our_own',
  SIMULATED_WEBHOOK_SECRET: 'whsec_of_our_own_1',
};

test('development has the simulated provider without being asked', () => {
  expect(readPaymentConfig({}).simulated).toMatchObject({ url: 'http://127.0.0.1:4106' });
});

test('production has it only when it says so', () => {
  expect(readPaymentConfig(production).simulated).toBeUndefined();
  expect(() => readProviderConfig(production)).toThrow('ALLOW_SIMULATED_PROVIDER');
  expect(readPaymentConfig({ ...production, ALLOW_SIMULATED_PROVIDER: 'true' }).simulated).toMatchObject({
    apiKey: 'sk_of_our_own',
  });
});

test('production refuses the development secrets', () => {
  expect(() => readPaymentConfig({ NODE_ENV: 'production', ALLOW_SIMULATED_PROVIDER: 'true' })).toThrow(
    'SIMULATED_WEBHOOK_SECRET',
  );
});

test('two webhook secrets are both accepted, short ones are refused', () => {
  expect(
    readPaymentConfig({ SIMULATED_WEBHOOK_SECRET: 'whsec_the_new_one_, whsec_the_old_one_' }).simulated?.webhookSecrets,
  ).toEqual(['whsec_the_new_one_', 'whsec_the_old_one_']);
  expect(() => readPaymentConfig({ SIMULATED_WEBHOOK_SECRET: 'whsec_the_new_one_,' })).toThrow('at least 16');
});

test('an address that is none is named', () => {
  expect(() => readPaymentConfig({ SIMULATED_PROVIDER_URL: 'provider:4106' })).toThrow('SIMULATED_PROVIDER_URL');
});

const stripe = { STRIPE_SECRET_KEY: 'sk_test_ofOurOwn', STRIPE_WEBHOOK_SECRET: 'whsec_of_our_own_1' };

test('Stripe is had by its keys alone', () => {
  expect(readPaymentConfig({}).stripe).toBeUndefined();
  expect(readPaymentConfig({ ...production, ...stripe, STRIPE_SECRET_KEY: 'sk_live_ofOurOwn' }).stripe).toEqual({
    secretKey: 'sk_live_ofOurOwn',
    publishableKey: undefined,
    webhookSecrets: ['whsec_of_our_own_1'],
    apiBase: 'https://api.stripe.com',
  });
});

test('production takes a key of Stripe’s test mode only when it says that it moves no real money', () => {
  for (const key of ['sk_test_ofOurOwn', 'rk_test_ofOurOwn']) {
    const env = { ...production, ...stripe, STRIPE_SECRET_KEY: key };
    expect(() => readPaymentConfig(env)).toThrow('STRIPE_SECRET_KEY');
    expect(readPaymentConfig({ ...env, ALLOW_SIMULATED_PROVIDER: 'true' }).stripe?.secretKey).toBe(key);
  }
});

test('Stripe without a secret for its webhooks, or with a key of another kind, is refused', () => {
  expect(() => readPaymentConfig({ STRIPE_SECRET_KEY: 'sk_test_ofOurOwn' })).toThrow('STRIPE_WEBHOOK_SECRET');
  expect(() => readPaymentConfig({ ...stripe, STRIPE_WEBHOOK_SECRET: 'short' })).toThrow('STRIPE_WEBHOOK_SECRET');
  expect(() => readPaymentConfig({ ...stripe, STRIPE_SECRET_KEY: 'pk_test_ofOurOwn' })).toThrow('STRIPE_SECRET_KEY');
});

test('production speaks to Stripe by https alone', () => {
  const local = { ...stripe, STRIPE_SECRET_KEY: 'sk_live_ofOurOwn', STRIPE_API_BASE: 'http://127.0.0.1:12111' };
  expect(readPaymentConfig(local).stripe?.apiBase).toBe('http://127.0.0.1:12111');
  expect(() => readPaymentConfig({ ...production, ...local })).toThrow('STRIPE_API_BASE');
});

test('an account needs its holder', () => {
  expect(readPaymentConfig({}).bankTransfer).toBeUndefined();
  expect(() => readPaymentConfig({ BANK_TRANSFER_ACCOUNT: 'DE02120300000000202051' })).toThrow('BANK_TRANSFER_HOLDER');
});

test('money is taken at once unless it is to be held', () => {
  expect(readPaymentConfig({}).capture).toBe('automatic');
  expect(readPaymentConfig({ PAYMENT_CAPTURE: 'manual' }).capture).toBe('manual');
  expect(() => readPaymentConfig({ PAYMENT_CAPTURE: 'later' })).toThrow('PAYMENT_CAPTURE');
});

const rsa = (modulusLength = 2_048) =>
  generateKeyPairSync('rsa', {
    modulusLength,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
const withoutFrame = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, '');
const [own, theirs] = [rsa(), rsa()];
const alipay = {
  ALIPAY_APP_ID: '2021000000000001',
  ALIPAY_SELLER_ID: '2088000000000001',
  ALIPAY_PRIVATE_KEY: withoutFrame(own.privateKey),
  ALIPAY_PUBLIC_KEY: withoutFrame(theirs.publicKey),
};

test('Alipay is had by its app, and takes its keys as they come', () => {
  expect(readPaymentConfig({}).alipay).toBeUndefined();
  const expected = {
    appId: '2021000000000001',
    sellerId: '2088000000000001',
    privateKey: own.privateKey.trim(),
    alipayPublicKeys: [theirs.publicKey.trim()],
    gatewayUrl: 'https://openapi.alipay.com/gateway.do',
  };
  expect(readPaymentConfig({ ...production, ...alipay }).alipay).toEqual(expected);
  const pkcs1 = createPrivateKey(own.privateKey).export({ type: 'pkcs1', format: 'der' }).toString('base64');
  for (const key of [own.privateKey, own.privateKey.replaceAll('\n', '\\n'), pkcs1]) {
    expect(readPaymentConfig({ ...alipay, ALIPAY_PRIVATE_KEY: key }).alipay).toEqual(expected);
  }
  const two = `${withoutFrame(theirs.publicKey)}, ${own.publicKey}`;
  expect(readPaymentConfig({ ...alipay, ALIPAY_PUBLIC_KEY: two }).alipay?.alipayPublicKeys).toHaveLength(2);
});

test('Alipay that is not whole, or has a key that is none, is refused without telling the key', () => {
  for (const variable of ['ALIPAY_SELLER_ID', 'ALIPAY_PRIVATE_KEY', 'ALIPAY_PUBLIC_KEY']) {
    expect(() => readPaymentConfig({ ...alipay, [variable]: '' })).toThrow(variable);
    expect(() => readPaymentConfig({ ...alipay, [variable]: 'bm8ga2V5' })).toThrow(variable);
  }
  expect(() => readPaymentConfig({ ...alipay, ALIPAY_APP_ID: 'app' })).toThrow('ALIPAY_APP_ID');
  const weak = withoutFrame(rsa(1_024).privateKey);
  expect(() => readPaymentConfig({ ...alipay, ALIPAY_PRIVATE_KEY: weak })).toThrow('2048 bits');
  expect(() => readPaymentConfig({ ...alipay, ALIPAY_PRIVATE_KEY: weak })).not.toThrow(weak);
});

test('production speaks to Alipay by https alone', () => {
  const local = { ...alipay, ALIPAY_GATEWAY_URL: 'http://127.0.0.1:12112/gateway.do' };
  expect(readPaymentConfig(local).alipay?.gatewayUrl).toBe('http://127.0.0.1:12112/gateway.do');
  expect(() => readPaymentConfig({ ...production, ...local })).toThrow('ALIPAY_GATEWAY_URL');
});

const wechatPay = {
  WX_APP_ID: 'wx0123456789abcdef',
  WX_PAY_MCH_ID: '1900000001',
  WX_PAY_SERIAL_NO: '5157F09EFDC096DE15EBE81A47057A7232F1B8E1',
  WX_PAY_PRIVATE_KEY: withoutFrame(own.privateKey),
  WX_PAY_API_V3_KEY: '0123456789abcdef0123456789abcdef',
  WX_PAY_PUBLIC_KEY_ID: 'PUB_KEY_ID_0119000000012026',
  WX_PAY_PUBLIC_KEY: withoutFrame(theirs.publicKey),
};

test('WeChat Pay is had by its merchant, with one or more keys of WeChat by their ids', () => {
  expect(readPaymentConfig({ WX_APP_ID: wechatPay.WX_APP_ID }).wechatPay).toBeUndefined();
  expect(readPaymentConfig({ ...production, ...wechatPay }).wechatPay).toEqual({
    appId: 'wx0123456789abcdef',
    merchantId: '1900000001',
    serialNumber: '5157F09EFDC096DE15EBE81A47057A7232F1B8E1',
    privateKey: own.privateKey.trim(),
    apiV3Key: '0123456789abcdef0123456789abcdef',
    publicKeys: new Map([['PUB_KEY_ID_0119000000012026', theirs.publicKey.trim()]]),
    apiBase: 'https://api.mch.weixin.qq.com',
  });
  const two = { ...wechatPay, WX_PAY_PUBLIC_KEY_ID: 'a, b', WX_PAY_PUBLIC_KEY: `${withoutFrame(theirs.publicKey)},${own.publicKey}` }; // prettier-ignore
  expect([...(readPaymentConfig(two).wechatPay?.publicKeys ?? [])]).toEqual([['a', theirs.publicKey.trim()], ['b', own.publicKey.trim()]]); // prettier-ignore
});

test('WeChat Pay that is not whole, or has a value that is none, is refused without telling a secret', () => {
  for (const variable of Object.keys(wechatPay).filter((one) => one !== 'WX_PAY_MCH_ID'))
    expect(() => readPaymentConfig({ ...wechatPay, [variable]: '' })).toThrow(variable);
  for (const variable of ['WX_PAY_MCH_ID', 'WX_PAY_SERIAL_NO', 'WX_PAY_PRIVATE_KEY', 'WX_PAY_API_V3_KEY', 'WX_PAY_PUBLIC_KEY']) {
    expect(() => readPaymentConfig({ ...wechatPay, [variable]: 'no-such-value' })).toThrow(variable);
    expect(() => readPaymentConfig({ ...wechatPay, [variable]: 'no-such-value' })).not.toThrow('no-such-value');
  }
  for (const ids of ['a, b', 'a,', 'a, a']) expect(() => readPaymentConfig({ ...wechatPay, WX_PAY_PUBLIC_KEY_ID: ids })).toThrow('one id for each key');
}); // prettier-ignore

test('production speaks to WeChat Pay by https alone', () => {
  const local = { ...wechatPay, WX_PAY_API_BASE: 'http://127.0.0.1:12113/' };
  expect(readPaymentConfig(local).wechatPay?.apiBase).toBe('http://127.0.0.1:12113');
  expect(() => readPaymentConfig({ ...production, ...local })).toThrow('WX_PAY_API_BASE');
});
