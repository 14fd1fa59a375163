import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { currencyCodes } from '../../../../subgraphs/shared/values/currencies.ts';
import { toStripeAmount } from '../../../../subgraphs/payment/providers/stripe-amounts.ts';
import { type Loose, documents, paymentIn, staff, user } from '../support/payment-world.ts';
import { type StripeWorld, openStripeWorld } from './stripe-world.ts';

let stripe: StripeWorld;
beforeAll(async () => {
  const bank = { BANK_TRANSFER_ACCOUNT: 'DE02120300000000202051', BANK_TRANSFER_HOLDER: 'The Shop', BANK_TRANSFER_CURRENCIES: 'EUR, CHF' }; // prettier-ignore
  stripe = await openStripeWorld({}, bank);
}, 60_000);
afterAll(async () => {
  await stripe?.close();
}, 30_000);

const orderOf = (amount: number, currency: string) => {
  const buyer = user();
  return { buyer, order: stripe.world.orders.add({ customerId: buyer.userId, balanceDueMinor: amount, currency }) };
};
const methodsOf = async ({ buyer, order }: ReturnType<typeof orderOf>): Promise<string[]> =>
  (await stripe.world.run(buyer, documents.methods, { id: order.id })).data.availablePaymentMethods;
const pay = async ({ buyer, order }: ReturnType<typeof orderOf>, method = 'STRIPE'): Promise<Loose> => {
  const input = { orderId: order.id, method };
  return (await stripe.world.run(buyer, documents.create, { input, key: newId() })).data.createPayment;
};
const intentOf = (payment: Loose) => stripe.server.books.getIntent(payment.attempts[0].providerTransactionId);

/** Statements are asked for by a job of its own. */
const intentsAsked = (): number =>
  stripe.server.requests.filter((request) => request.includes('payment_intents')).length;

describe('STRIPE is among the methods of an order', () => {
  test('exactly where a payment can be made, in every currency of ISO 4217', async () => {
    for (const currency of currencyCodes) {
      const made = orderOf(12_340_000, currency);
      const listed = (await methodsOf(made)).includes('STRIPE');
      const before = intentsAsked();
      const { payment, userErrors } = await pay(made);
      expect([currency, listed]).toEqual([currency, payment !== null]);
      if (listed) {
        expect(intentOf(payment)).toMatchObject({ currency: currency.toLowerCase(), amount: toStripeAmount({ amount: 12_340_000n, currency }) }); // prettier-ignore
      } else {
        expect(userErrors[0].code).toMatch(/VALIDATION|PROVIDER_REFUSED/);
        expect(intentsAsked()).toBe(before);
      }
    }
  }, 120_000);

  test.each([
    ['below the smallest charge', 49, 'EUR', false],
    ['the smallest charge', 50, 'EUR', true],
    ['the smallest charge in forints', 17_500, 'HUF', true],
    ['below it', 17_499, 'HUF', false],
    ['the largest charge', 99_999_999, 'USD', true],
    ['above it', 100_000_000, 'USD', false],
    ['above it for others, of twelve digits for rupiahs', 999_999_999_999, 'IDR', true],
    ['of ten digits for Colombian pesos', 9_999_999_999, 'COP', true],
    ['above that', 10_000_000_000, 'COP', false],
    ['of nine digits for Indian rupees', 999_999_999, 'INR', true],
    ['above that', 1_000_000_000, 'INR', false],
    ['below the smallest charge in shekels', 49, 'ILS', false],
    ['below the smallest charge in won', 49, 'KRW', false],
    ['a multiple of ten of three decimals', 5_120, 'KWD', true],
    ['none of ten', 5_124, 'KWD', false],
    ['whole ariary', 1_000, 'MGA', true],
    ['a fraction of an ariary', 1_050, 'MGA', false],
    ['whole krónur', 500, 'ISK', true],
    ['whole shillings', 500, 'UGX', true],
  ])('for %s (%d %s): %p', async (_, amount, currency, taken) => {
    const made = orderOf(amount, currency);
    const before = intentsAsked();
    expect((await methodsOf(made)).includes('STRIPE')).toBe(taken);
    const { payment, userErrors } = await pay(made);
    expect(payment !== null).toBe(taken);
    if (taken) return;
    expect(userErrors).toMatchObject([{ code: 'PROVIDER_REFUSED', retryable: false }]);
    expect(intentsAsked()).toBe(before);
  });
});

test.each([
  ['ISK', 1_500],
  ['UGX', 1_500],
  ['MGA', 150_000],
  ['KWD', 5_120],
  ['JPY', 1_500],
])(
  'a payment in %s is settled, and a part of it goes back, with the amounts of both sides',
  async (currency, amount) => {
    const made = orderOf(amount, currency);
    const { payment } = await pay(made);
    stripe.server.books.pay(payment.attempts[0].providerTransactionId, 'pays');
    expect(await paymentIn(stripe.world, payment.id, 'SETTLED')).toMatchObject({ captured: { amount } });
    const input = { paymentId: payment.id, amount: { amount: amount - 500, currency }, reason: 'goodwill' };
    const { data } = await stripe.world.run(staff, documents.refund, { input, key: newId() });
    expect(data.refundPayment.userErrors).toEqual([]);
    const [refund] = [...stripe.server.books.refunds.values()].slice(-1);
    expect(refund?.amount).toBe(toStripeAmount({ amount: BigInt(amount - 500), currency }));
    expect(await paymentIn(stripe.world, payment.id, 'PARTIALLY_REFUNDED')).toMatchObject({ refunded: { amount: amount - 500 } }); // prettier-ignore
  },
);

test('a refund that Stripe has no number for is refused before Stripe is asked', async () => {
  const { payment } = await pay(orderOf(5_120, 'KWD'));
  stripe.server.books.pay(payment.attempts[0].providerTransactionId, 'pays');
  await paymentIn(stripe.world, payment.id, 'SETTLED');
  const input = { paymentId: payment.id, amount: { amount: 1_001, currency: 'KWD' }, reason: 'goodwill' };
  const { data } = await stripe.world.run(staff, documents.refund, { input, key: newId() });
  expect(data.refundPayment).toMatchObject({ refund: null, userErrors: [{ code: 'VALIDATION', path: ['input', 'amount', 'amount'] }] }); // prettier-ignore
});

test("a mixed payment's part that Stripe does not take is refused, and nothing is held", async () => {
  const made = orderOf(1_234, 'EUR');
  const credit = {
    userId: made.buyer.userId,
    amount: { amount: 1_200, currency: 'EUR' },
    reason: 'test',
    key: newId(),
  };
  await stripe.world.run(staff, documents.creditWallet, credit);
  const parts = [{ method: 'WALLET', amount: { amount: 1_200, currency: 'EUR' } }, { method: 'STRIPE' }];
  const input = { orderId: made.order.id, parts };
  const { data } = await stripe.world.run(made.buyer, documents.mixed, { input, key: newId() });
  expect(data.createMixedPayment).toMatchObject({ payments: [], userErrors: [{ code: 'PROVIDER_REFUSED', message: expect.stringContaining('0.50') }] }); // prettier-ignore
});

test('a bank transfer is offered and made in the currencies of the account alone', async () => {
  for (const [currency, taken] of [['EUR', true], ['CHF', true], ['USD', false], ['JPY', false]] as const) {
    const made = orderOf(5_000, currency);
    expect((await methodsOf(made)).includes('BANK_TRANSFER')).toBe(taken);
    const { payment, userErrors } = await pay(made, 'BANK_TRANSFER');
    if (taken) expect(payment.attempts[0].clientParams).toMatchObject({ amountMinor: 5_000, currency });
    else expect(userErrors).toMatchObject([{ code: 'VALIDATION', path: ['input', 'method'] }]);
  }
}); // prettier-ignore

test('what was begun is all that is listed, until it is declined; nothing while only its provider can go on', async () => {
  const made = orderOf(1_234, 'EUR');
  expect(await methodsOf(made)).toEqual(expect.arrayContaining(['STRIPE', 'BANK_TRANSFER', 'SIMULATED_CARD']));
  const { payment } = await pay(made);
  const id = payment.attempts[0].providerTransactionId;
  expect(await methodsOf(made)).toEqual(['STRIPE']);
  stripe.server.books.pay(id, 'declines');
  await paymentIn(stripe.world, payment.id, 'FAILED');
  expect(await methodsOf(made)).toEqual(expect.arrayContaining(['STRIPE', 'BANK_TRANSFER', 'SIMULATED_CARD']));
  stripe.server.books.pay(id, 'processes');
  await paymentIn(stripe.world, payment.id, 'PROCESSING');
  expect(await methodsOf(made)).toEqual([]);
});
