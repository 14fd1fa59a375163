import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectCleanAudit } from '../../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../../support/platform.ts';
import {
  type Person,
  type StartedPayment,
  confirm,
  createPayment,
  createProduct,
  dataOf,
  logIn,
  logInAsAdmin,
  newKey,
  orderIn,
  pay,
  placeOrder,
  readOrder,
  register,
  tryCreatePayment,
} from '../../support/shop.ts';
import { until } from '../../support/until.ts';

const recoveryMs = 30_000;

describe('a platform that is killed (-9) in the middle of a payment', () => {
  let platform: Platform;
  let staff: Person;
  beforeAll(async () => {
    platform = await startPlatform({ shape: 'one' });
    staff = await logInAsAdmin(platform);
  }, 90_000);
  afterAll(async () => {
    await platform?.stop();
  }, 60_000);

  /** An order that waits for its payment; the platform then dies at the next pass of `point`. */
  async function dyingAt(point: string, prepare: (buyer: Person, orderId: string) => Promise<void> = async () => {}) {
    const product = await createProduct(platform, staff);
    const buyer = await register(platform);
    const { id } = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]);
    await prepare(buyer, id);
    await platform.dieAt(point);
    return { id, buyer };
  }
  async function revive(buyer: Person): Promise<Person> {
    await platform.died();
    await platform.restart();
    staff = await logInAsAdmin(platform);
    return logIn(platform, buyer);
  }

  test('at payment.stored completes it by the same key, with one intent and one charge', async () => {
    const { id, buyer } = await dyingAt('payment.stored');
    const key = newKey();
    await expect(tryCreatePayment(platform, buyer, { orderId: id }, key)).rejects.toThrow(/fetch failed/);
    const again = await revive(buyer);
    const { payment, replayed } = dataOf(await tryCreatePayment(platform, again, { orderId: id }, key)).createPayment;
    expect({ replayed, attempts: payment?.attempts }).toMatchObject({
      replayed: true,
      attempts: [{ state: 'REQUIRES_ACTION' }],
    });
    await confirm(platform, payment as StartedPayment);
    await orderIn(platform, again, id, ['PAID', 'PROCESSING', 'COMPLETED']);
    expect((await readOrder(platform, again, id)).payments).toMatchObject([{ state: 'SETTLED' }]);
  }, 90_000);

  test('at payment.submitted completes it by itself when the key never comes again', async () => {
    const { id, buyer } = await dyingAt('payment.submitted');
    await expect(tryCreatePayment(platform, buyer, { orderId: id })).rejects.toThrow(/fetch failed/);
    const again = await revive(buyer);
    const [payment] = await until(
      async () => {
        const query = 'query Attempts($id: ID!) { order(id: $id) { payments { id attempts { state clientParams } } } }';
        type Found = { order: { payments: StartedPayment[] } };
        const { payments } = dataOf(await platform.gql<Found>(query, { id }, { token: again.token })).order;
        return payments[0]?.attempts[0]?.state === 'REQUIRES_ACTION' && payments;
      },
      { timeoutMs: recoveryMs, everyMs: 200, what: 'an attempt that can be paid' },
    );
    await confirm(platform, payment as StartedPayment);
    await orderIn(platform, again, id, ['PAID', 'PROCESSING', 'COMPLETED']);
  }, 90_000);

  test('at payment.webhook_applied takes the repeated webhook once', async () => {
    const { id, buyer } = await dyingAt('payment.webhook_applied');
    const payment = await createPayment(platform, buyer, id);
    await confirm(platform, payment).catch(() => undefined);
    const again = await revive(buyer);
    const paid = await orderIn(platform, again, id, ['PAID', 'PROCESSING', 'COMPLETED'], recoveryMs);
    expect(paid).toMatchObject({ paidTotal: paid.total, payments: [{ state: 'SETTLED' }] });
  }, 90_000);

  test.each(['payment.refund_stored', 'payment.refund_started', 'payment.refund_sent', 'payment.refund_applied'])(
    'at %s gives the money back once',
    async (point) => {
      let payment: StartedPayment | undefined;
      const { id, buyer } = await dyingAt(point, async (owner, orderId) => {
        payment = await pay(platform, owner, orderId);
        await orderIn(platform, owner, orderId, ['PAID', 'PROCESSING', 'COMPLETED']);
      });
      const key = newKey();
      const refund = () =>
        platform.gql<{ refundPayment: { replayed: boolean; refund: { id: string } | null } }>(
          'mutation Refund($input: RefundInput!, $key: String!) { refundPayment(input: $input, idempotencyKey: $key) { replayed refund { id } } }',
          { input: { paymentId: payment?.id, amount: payment?.amount, reason: 'test' }, key },
          { token: staff.token },
        );
      await expect(refund()).rejects.toThrow(/fetch failed/);
      const again = await revive(buyer);
      expect(dataOf(await refund()).refundPayment.replayed).toBe(true);
      await until(
        async () => {
          const { payments } = await readOrder(platform, again, id);
          return payments[0]?.state === 'REFUNDED' && payments[0].refunds.length === 1;
        },
        { timeoutMs: recoveryMs, everyMs: 200, what: 'the refund' },
      );
    },
    90_000,
  );

  test('and of all that was killed the audit finds nothing wrong', () => expectCleanAudit(platform), 60_000);
});
