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
