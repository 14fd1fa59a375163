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
