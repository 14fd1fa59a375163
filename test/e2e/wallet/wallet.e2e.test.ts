import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectCleanAudit } from '../../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../../support/platform.ts';
import {
  type Person, cards, confirm, createProduct, creditWallet, dataOf, logInAsAdmin, newKey, operation, orderIn, pay, payMixed, placeOrder, readOrder, register, stockOf, tryPlaceOrder, walletOf,
} from '../../support/shop.ts'; // prettier-ignore
import { until } from '../../support/until.ts';

describe('money of the shop', () => {
  let platform: Platform;
  let staff: Person;
  beforeAll(async () => {
    platform = await startPlatform({ shape: 'split' });
    staff = await logInAsAdmin(platform);
  }, 150_000);
  afterAll(async () => {
    await expectCleanAudit(platform);
    await platform?.stop();
  }, 60_000);

  async function richBuyer(amountMinor: number): Promise<Person> {
    const buyer = await register(platform);
    await creditWallet(platform, staff, buyer, amountMinor);
    return buyer;
  }
  test('[ZO-3] pays a prepaid order within its placing: paid with the answer, its stock sold', async () => {
    const product = await createProduct(platform, staff, { priceMinor: 1_250, onHand: 5 });
    const buyer = await richBuyer(3_000);
    const order = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 2 }], { type: 'PREPAY' });
    expect(order.state).toBe('PAID');
    expect(order.number).toMatch(/^PO/);
    const read = await readOrder(platform, buyer, order.id);
    expect(read).toMatchObject({ paymentStatus: 'PAID', paidTotal: { amount: 2_500 }, saga: { state: 'SUCCEEDED' } });
    expect(await walletOf(platform, buyer)).toEqual({ balance: 500, held: 0 });
    await until(async () => (await stockOf(platform, staff, product.id)).onHand === 3, { what: 'the sale of the stock' });
  });

  test('[ZO-3] of which there is too little fails a prepaid order with a reason, and gives its stock back', async () => {
    const product = await createProduct(platform, staff, { priceMinor: 1_250, onHand: 5 });
    const buyer = await richBuyer(1_249);
    const { placeOrder: payload } = dataOf(await tryPlaceOrder(platform, buyer, [{ productId: product.id, quantity: 1 }], { type: 'PREPAY' }));
    expect(payload).toMatchObject({ order: { state: 'FAILED' }, userErrors: [{ __typename: 'BusinessRejectedError', code: 'BUSINESS_REJECTED' }] });
    const order = await orderIn(platform, buyer, payload.order?.id ?? '', ['FAILED']);
    expect(order.cancelReason).toBe('INSUFFICIENT_BALANCE');
    await until(async () => (await readOrder(platform, buyer, order.id)).saga?.state === 'COMPENSATED', { what: 'the compensation' });
    expect(await stockOf(platform, staff, product.id)).toEqual({ onHand: 5, allocated: 0, available: 5 });
    expect(await walletOf(platform, buyer)).toEqual({ balance: 1_249, held: 0 });
  });

  test('is topped up by an order that is paid from outside, once, and can not be refunded once it is spent', async () => {
    const money = await createProduct(platform, staff, { kind: 'DIGITAL', priceMinor: 1_000, sku: `TOPUP-${newKey().slice(0, 8).toUpperCase()}` });
    const buyer = await register(platform);
    const refused = dataOf(await tryPlaceOrder(platform, buyer, [{ productId: money.id, quantity: 1 }]));
    expect(refused.placeOrder.userErrors).toMatchObject([{ code: 'PRODUCT_UNAVAILABLE' }]);

    const order = await placeOrder(platform, buyer, [{ productId: money.id, quantity: 3 }], { type: 'TOPUP' });
    const payment = await pay(platform, buyer, order.id);
    await orderIn(platform, buyer, order.id, ['COMPLETED'], 20_000);
    expect(await walletOf(platform, buyer)).toEqual({ balance: 3_000, held: 0 });

    const goods = await createProduct(platform, staff, { priceMinor: 2_500 });
    await placeOrder(platform, buyer, [{ productId: goods.id, quantity: 1 }], { type: 'PREPAY' });
    const refund = async (amount: number) =>
      dataOf(
        await platform.gql<{ refundPayment: { refund: { state: string } | null; userErrors: { code: string; refundable?: { amount: number } }[] } }>(
          'mutation R($input: RefundInput!, $key: String!) { refundPayment(input: $input, idempotencyKey: $key) { refund { state } userErrors { ... on UserError { code } ... on RefundLimitError { refundable { amount } } } } }',
          { input: { paymentId: payment.id, amount: { amount, currency: 'EUR' }, reason: 'changed my mind' }, key: newKey() },
          { token: staff.token },
        ),
      ).refundPayment;
    expect(await refund(501)).toEqual({ refund: null, userErrors: [{ code: 'REFUND_LIMIT', refundable: { amount: 500 } }] });
    expect((await refund(500)).refund).not.toBeNull();
    expect(await walletOf(platform, buyer)).toEqual({ balance: 0, held: 0 });
  }, 30_000);

  test('[ZO-2] pays a part of an order, and a card the rest, after one that was declined', async () => {
    const product = await createProduct(platform, staff, { priceMinor: 5_000 });
    const buyer = await richBuyer(3_000);
    const { id } = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]);
    const [, external] = await payMixed(platform, buyer, id, { walletMinor: 3_000 });
    expect(await walletOf(platform, buyer)).toEqual({ balance: 0, held: 3_000 });
    await confirm(platform, external, cards.declines);
    await confirm(platform, external);
    const order = await orderIn(platform, buyer, id, ['PAID']);
    expect(order).toMatchObject({ paymentStatus: 'PAID', paidTotal: { amount: 5_000 } });
    expect(await walletOf(platform, buyer)).toEqual({ balance: 0, held: 0 });
  });

  test('that is held for an order comes back when the order is cancelled', async () => {
    const product = await createProduct(platform, staff, { priceMinor: 5_000 });
    const buyer = await richBuyer(3_000);
    const { id } = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]);
    await payMixed(platform, buyer, id, { walletMinor: 2_000 });
    dataOf(await platform.gql(operation('cancel-order'), { id, idempotencyKey: newKey() }, { token: buyer.token }));
    await until(async () => (await walletOf(platform, buyer)).balance === 3_000, { what: 'the release' });
    expect(await walletOf(platform, buyer)).toEqual({ balance: 3_000, held: 0 });
  });
}); // prettier-ignore
