import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import {
  type Person, confirm, createProduct, creditWallet, dataOf, logIn, logInAsAdmin, newKey, orderIn, payMixed, placeOrder, readOrder, register, stockOf, tryPlaceOrder, walletOf,
} from '../support/shop.ts'; // prettier-ignore
import { until } from '../support/until.ts';

const recoveryMs = 30_000;
const priceMinor = 5_000;

/** At each place at which a process can die while a wallet pays: whole or nothing within 30 s, and a clean audit. */
describe('a platform that is killed (-9) while a wallet pays', () => {
  let platform: Platform;
  let staff: Person;
  beforeAll(async () => {
    platform = await startPlatform({ shape: 'one' });
    staff = await logInAsAdmin(platform);
  }, 150_000);
  afterAll(async () => {
    await platform?.stop();
  }, 60_000);

  async function richBuyer(): Promise<{ buyer: Person; productId: string }> {
    const product = await createProduct(platform, staff, { priceMinor, onHand: 1 });
    const buyer = await register(platform);
    await creditWallet(platform, staff, buyer, 6_000);
    return { buyer, productId: product.id };
  }
  const revive = async (buyer: Person): Promise<Person> => {
    await platform.died();
    await platform.restart();
    staff = await logInAsAdmin(platform);
    return logIn(platform, buyer);
  };

  test.each(['order.placed', 'order.reserved', 'order.charged', 'order.decided'])('for a prepaid order, at %s, has it paid once after the restart', async (point) => {
    const { buyer, productId } = await richBuyer();
    await platform.dieAt(point);
    const key = newKey();
    const lines = [{ productId, quantity: 1 }];
    await expect(tryPlaceOrder(platform, buyer, lines, { key, type: 'PREPAY' })).rejects.toThrow(/fetch failed/);
    const again = await revive(buyer);
    const found = await until(async () => {
      const { placeOrder: repeated } = dataOf(await tryPlaceOrder(platform, again, lines, { key, type: 'PREPAY' }));
      return repeated.order?.state === 'PAID' && repeated;
    }, { timeoutMs: recoveryMs, everyMs: 200, what: 'a paid order' });
    expect(found.replayed).toBe(true);
    expect(await walletOf(platform, again)).toEqual({ balance: 1_000, held: 0 });
    await until(async () => (await stockOf(platform, staff, productId)).onHand === 0, { timeoutMs: recoveryMs, what: 'the sale' });
  }, 150_000);

  test.each(['payment.stored', 'payment.submitted'])('for a mixed payment, at %s, goes on with the same key', async (point) => {
    const { buyer, productId } = await richBuyer();
    const { id } = await placeOrder(platform, buyer, [{ productId, quantity: 1 }]);
    await platform.dieAt(point);
    const key = newKey();
    await expect(payMixed(platform, buyer, id, { walletMinor: 4_000, key })).rejects.toThrow(/fetch failed/);
    const again = await revive(buyer);
    expect(await walletOf(platform, again)).toEqual({ balance: 2_000, held: 4_000 });
    const [, external] = await payMixed(platform, again, id, { walletMinor: 4_000, key });
    await confirm(platform, external);
    await orderIn(platform, again, id, ['PAID'], recoveryMs);
    expect(await walletOf(platform, again)).toEqual({ balance: 2_000, held: 0 });
  }, 150_000);

  test('for a mixed payment, at payment.webhook_applied, has both parts paid', async () => {
    const { buyer, productId } = await richBuyer();
    const { id } = await placeOrder(platform, buyer, [{ productId, quantity: 1 }]);
    await platform.dieAt('payment.webhook_applied');
    const [, external] = await payMixed(platform, buyer, id, { walletMinor: 4_000 });
    await confirm(platform, external).catch(() => undefined);
    const again = await revive(buyer);
    const order = await orderIn(platform, again, id, ['PAID'], recoveryMs);
    expect(order.payments.map(({ state }) => state)).toEqual(['SETTLED', 'SETTLED']);
    expect(await walletOf(platform, again)).toEqual({ balance: 2_000, held: 0 });
  }, 150_000);

  test.each(['payment.refund_stored', 'payment.refund_started', 'payment.refund_sent', 'payment.refund_applied'])('for a refund to the wallet, at %s, has it given back once', async (point) => {
    const { buyer, productId } = await richBuyer();
    const { id } = await placeOrder(platform, buyer, [{ productId, quantity: 1 }], { type: 'PREPAY' });
    const paymentId = (await readOrder(platform, buyer, id)).payments[0]?.id;
    await platform.dieAt(point);
    const key = newKey();
    const refund = () => platform.gql(
      'mutation R($input: RefundInput!, $key: String!) { refundPayment(input: $input, idempotencyKey: $key) { refund { id state } userErrors { ... on UserError { code } } } }',
      { input: { paymentId, amount: { amount: priceMinor, currency: 'EUR' }, reason: 'returned' }, key },
      { token: staff.token },
    );
    await expect(refund()).rejects.toThrow(/fetch failed/);
    const again = await revive(buyer);
    dataOf(await refund());
    await until(async () => (await walletOf(platform, again)).balance === 6_000, { timeoutMs: recoveryMs, what: 'the refund' });
    await until(async () => (await readOrder(platform, again, id)).paymentStatus === 'REFUNDED', { timeoutMs: recoveryMs, what: "the order's word of it" });
  }, 150_000);

  test('and of all that was killed the audit finds nothing wrong', () => expectCleanAudit(platform), 60_000);
}); // prettier-ignore
