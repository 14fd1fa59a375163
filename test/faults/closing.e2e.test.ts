import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '../../ops/embedded/servers.ts';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import {
  type Person, type StartedPayment, confirm, createPayment, createProduct, logInAsAdmin, orderIn, placeOrder, readOrder, register, stockOf,
} from '../support/shop.ts'; // prettier-ignore
import { until } from '../support/until.ts';

/** Long enough to place, begin and pay on a busy machine. */
const windowSeconds = 12;
const key = 'sk_simulated_development';

describe('an order whose window ends while its money', () => {
  let platform: Platform;
  let staff: Person;
  let buyer: Person;
  let productId: string;
  let provider: string;
  beforeAll(async () => {
    const port = String(await freePort());
    provider = `http://127.0.0.1:${port}`;
    const env = { PAYMENT_WINDOW_SECONDS: String(windowSeconds), SIMULATED_PROVIDER_PORT: port };
    platform = await startPlatform({ shape: 'one', env });
    [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform)]);
    productId = (await createProduct(platform, staff, { onHand: 100 })).id;
  }, 150_000);
  afterAll(async () => {
    await platform?.stop();
  }, 60_000);

  /** Test controls of the provider, at its own port. */
  const control = async (body: object): Promise<void> => {
    const answer = await fetch(`${provider}/v1/test/webhooks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(200);
  };
  const intentOf = (payment: StartedPayment): string =>
    String(payment.attempts[0]?.clientParams.confirmUrl.split('/').at(-2));
  const begin = async () => {
    const order = await placeOrder(platform, buyer, [{ productId, quantity: 1 }]);
    const payment = await createPayment(platform, buyer, order.id);
    return { order, payment, intent: intentOf(payment) };
  };
  const overAt = (order: { expiresAt: string }) => sleep(Math.max(0, Date.parse(order.expiresAt) - Date.now()) + 1_500);

  test('is paid and its webhook is lost becomes PAID', async () => {
    const { order, payment, intent } = await begin();
    await control({ intent, drop: true });
    expect((await confirm(platform, payment)).status).toBe(200);
    expect((await readOrder(platform, buyer, order.id)).state).toBe('PENDING_PAYMENT');
    const paid = await orderIn(platform, buyer, order.id, ['PAID', 'COMPLETED', 'EXPIRED'], 30_000);
    expect(paid).toMatchObject({ state: 'PAID', paymentStatus: 'PAID', payments: [{ state: 'SETTLED', refunds: [] }] });
  }, 60_000);

  test('is on its way waits, and is PAID when it comes', async () => {
    const { order, payment, intent } = await begin();
    await control({ intent, slow: true });
    expect((await confirm(platform, payment)).body).toMatchObject({ status: 'processing' });
    await overAt(order);
    expect(await readOrder(platform, buyer, order.id)).toMatchObject({ state: 'PENDING_PAYMENT', payments: [{ state: 'PROCESSING' }] }); // prettier-ignore
    await control({ finish: { intent, as: 'succeeded' } });
    expect(await orderIn(platform, buyer, order.id, ['PAID'])).toMatchObject({ paymentStatus: 'PAID', refundedTotal: { amount: 0 } }); // prettier-ignore
  }, 60_000);

  test('was on its way and does not come after all expires at once, and gives its stock back', async () => {
    const before = (await stockOf(platform, staff, productId)).available;
    const { order, payment, intent } = await begin();
    await control({ intent, slow: true });
    await confirm(platform, payment);
    await overAt(order);
    expect((await readOrder(platform, buyer, order.id)).state).toBe('PENDING_PAYMENT');
    await control({ finish: { intent, as: 'failed' } });
    await until(async () => (await readOrder(platform, buyer, order.id)).paymentStatus === 'VOIDED');
    expect((await readOrder(platform, buyer, order.id)).state).toBe('EXPIRED');
    await until(async () => (await stockOf(platform, staff, productId)).available === before, { what: 'the stock' });
  }, 60_000);

  test('and of all of them the audit finds nothing wrong', () => expectCleanAudit(platform), 60_000);
});
