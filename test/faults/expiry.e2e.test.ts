import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createConnection } from 'mysql2/promise';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import {
  type Person,
  confirm,
  createPayment,
  createProduct,
  dataOf,
  logInAsAdmin,
  orderIn,
  placeOrder,
  readOrder,
  register,
  stockOf,
  tryCreatePayment,
} from '../support/shop.ts';
import { until } from '../support/until.ts';

const windowSeconds = 3;
const crowd = 1_000;
const concurrency = 24;

describe(`orders that are not paid within ${windowSeconds} s`, () => {
  let platform: Platform;
  let staff: Person;
  let buyer: Person;
  beforeAll(async () => {
    platform = await startPlatform({ shape: 'one', env: { PAYMENT_WINDOW_SECONDS: String(windowSeconds) } });
    [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform)]);
  }, 150_000);
  afterAll(async () => {
    await platform?.stop();
  }, 60_000);

  test('expire, give the stock back and can no longer be paid', async () => {
    const product = await createProduct(platform, staff, { onHand: 3 });
    const { id } = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 3 }]);
    expect((await stockOf(platform, staff, product.id)).available).toBe(0);
    await orderIn(platform, buyer, id, ['EXPIRED']);
    await until(async () => (await stockOf(platform, staff, product.id)).available === 3, {
      what: 'the stock',
    });
    expect(await readOrder(platform, buyer, id)).toMatchObject({
      paymentStatus: 'VOIDED',
      cancelReason: 'PAYMENT_TIMEOUT',
    });
    const late = dataOf(await tryCreatePayment(platform, buyer, { orderId: id })).createPayment;
    expect(late).toMatchObject({ payment: null, userErrors: [{ __typename: 'OrderNotPayableError' }] });
  }, 30_000);

  test('and whose money comes too late get it back by themselves', async () => {
    const product = await createProduct(platform, staff);
    const { id } = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]);
    const payment = await createPayment(platform, buyer, id);
    await orderIn(platform, buyer, id, ['EXPIRED']);
    await confirm(platform, payment);
    // Either the provider refuses by then, or it takes the money and the platform gives it back.
    await until(
      async () => {
        const { payments } = await readOrder(platform, buyer, id);
        return payments.every(({ state, refunds }) => state === 'REFUNDED' ? refunds.some((refund) => refund.automatic && refund.state === 'SUCCEEDED') : ['CANCELLED', 'EXPIRED', 'FAILED'].includes(state));
      },
      { timeoutMs: 15_000, what: 'the refund' },
    ); // prettier-ignore
    expect((await readOrder(platform, buyer, id)).state).toBe('EXPIRED');
    await expectCleanAudit(platform);
  }, 45_000);

  test(`expire ${crowd} at a time with p99 of at most 2 s after the deadline`, async () => {
    const product = await createProduct(platform, staff, { onHand: crowd });
    let left = crowd;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    await until(async () => (await stockOf(platform, staff, product.id)).available === crowd, {
      timeoutMs: 30_000,
      everyMs: 200,
      what: 'all stock',
    });

    const connection = await createConnection({ uri: platform.mysqlUrl });
    try {
      const [rows] = await connection.query(
        `select state, timestampdiff(microsecond, expires_at, closed_at) / 1000 late_ms from ${platform.prefix}_order.orders o
         where exists (select 1 from ${platform.prefix}_order.order_line l where l.order_id = o.id and l.product_id = unhex(?)) order by late_ms`,
        [product.id.replaceAll('-', '')],
      );
      const orders = rows as { state: string; late_ms: string }[];
      expect(orders).toHaveLength(crowd);
      expect(new Set(orders.map(({ state }) => state))).toEqual(new Set(['EXPIRED']));
      const lateMs = orders.map(({ late_ms }) => Number(late_ms));
      expect(lateMs[0]).toBeGreaterThanOrEqual(0);
      expect(lateMs[Math.ceil(crowd * 0.99) - 1]).toBeLessThanOrEqual(2_000);
    } finally {
      await connection.end();
    }
    await expectCleanAudit(platform);
  }, 120_000);
});
