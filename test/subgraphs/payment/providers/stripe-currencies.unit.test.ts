import { expect, test } from '@jest/globals';
import { ProviderRefused } from '../../../../subgraphs/payment/providers/provider.ts';
import { stripeProvider } from '../../../../subgraphs/payment/providers/stripe.ts';
import { newId } from '../../../../subgraphs/shared/ids.ts';

test.each(['ISK', 'UGX', 'MGA'])('%s, of which Stripe counts another minor unit, is refused unasked', async (currency) => {
  const provider = stripeProvider({ secretKey: 'sk_test_ofOurOwn', publishableKey: undefined, webhookSecrets: [], apiBase: 'http://127.0.0.1:1' });
  const attempt = { id: newId(), number: 'PA-1', orderId: newId(), paymentId: newId(), capture: 'automatic' } as const;
  try {
    const asked = provider.createIntent({ ...attempt, amount: { amount: 1_000n, currency }, returnUrl: null });
    await expect(asked).rejects.toBeInstanceOf(ProviderRefused);
    await expect(asked).rejects.toMatchObject({ code: 'currency_not_supported' });
  } finally {
    await provider.close();
  }
}); // prettier-ignore
