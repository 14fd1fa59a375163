import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Connection, createConnection } from 'mysql2/promise';
import { audit } from '../../ops/audit.ts';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import {
  type Person,
  createProduct,
  createPromotion,
  logInAsAdmin,
  orderIn,
  pay,
  placeOrder,
  register,
} from '../support/shop.ts';

/** An audit that never complains is worth nothing: each of these is wrong by one row, and put right again. */
describe('the audit finds', () => {
  let platform: Platform;
  let root: Connection;
  let buyer: Person;
  let orderId: string;
  beforeAll(async () => {
    platform = await startPlatform({ shape: 'one' });
    const [staff, registered] = await Promise.all([logInAsAdmin(platform), register(platform)]);
    buyer = registered;
    const product = await createProduct(platform, staff);
    const couponCodes = [await createPromotion(platform, staff)];
    orderId = (await placeOrder(platform, buyer, [{ productId: product.id, quantity: 2 }], { couponCodes })).id;
    await pay(platform, buyer, orderId);
    await orderIn(platform, buyer, orderId, ['PAID']);
    // A report brings the sums of sales up to date.
    const report = '{ salesReport(from: "2026-01-01", to: "2026-01-01", currency: "EUR") { total { orders } } }';
    expect((await platform.gql(report, {}, { token: staff.token })).errors).toBeUndefined();
    await expectCleanAudit(platform);
    root = await createConnection({ uri: platform.mysqlUrl });
    await root.query(
      `insert into ${platform.prefix}_user.erasure (user_id, trace_id, done_in, pass, requested_at, due_at, done_at)
       values (unhex(replace(uuid(), '-', '')), '0', '["order"]', 1, utc_timestamp(3), utc_timestamp(3) + interval 1 day, utc_timestamp(3))`,
    );
  }, 150_000);
  afterAll(async () => {
    await root?.end();
    await platform?.stop();
  }, 60_000);

  const only = "unhex(replace(?, '-', ''))";
  test.each<[string, string, string, string]>([
    [
      'a counter that the movements do not explain',
      'I1',
      'product.stock set on_hand = on_hand + 1 where on_hand = 8',
      'product.stock set on_hand = on_hand - 1 where on_hand = 9',
    ],
    [
      'a reservation given back although its order is paid',
      'I1',
      `product.stock_reservation set state = 'RELEASED' where order_id = ${only}`,
      `product.stock_reservation set state = 'COMMITTED' where order_id = ${only}`,
    ],
    [
      'a charge that our books do not have',
      'I2',
      "payment.attempt set state = 'FAILED'",
      "payment.attempt set state = 'SUCCEEDED'",
    ],
    [
      'a paid order that expired',
      'I3',
      `order.orders set state = 'EXPIRED' where id = ${only}`,
      `order.orders set state = 'PAID' where id = ${only}`,
    ],
    [
      'a saga without an end',
      'I4',
      `order.saga set state = 'RUNNING' where order_id = ${only}`,
      `order.saga set state = 'SUCCEEDED' where order_id = ${only}`,
    ],
    [
      'an event that was never published',
      'I5',
      "order.outbox set published_at = null, claimed_until = '2100-01-01' where type = 'order.paid'",
      "order.outbox set published_at = utc_timestamp(3) where type = 'order.paid'",
    ],
    [
      'an order that was paid less than its payments say',
      'I6',
      'payment.payment set captured_minor = captured_minor - 1',
      'payment.payment set captured_minor = captured_minor + 1',
    ],
    [
      'a day that sold less than its orders',
      'I21',
      'order.sales_day set gross_minor = gross_minor - 1',
      'order.sales_day set gross_minor = gross_minor + 1',
    ],
    [
      'pieces that no delivery had',
      'I20',
      `order.order_line set fulfilled_quantity = 1 where order_id = ${only}`,
      `order.order_line set fulfilled_quantity = 0 where order_id = ${only}`,
    ],
    [
      'an open order that is not counted',
      'I18',
      'order.open_orders set orders = orders + 1, units = units + 2',
      'order.open_orders set orders = orders - 1, units = units - 2',
    ],
    [
      'a use of a promotion that no order has',
      'I13',
      'order.promotion set used = used + 1',
      'order.promotion set used = used - 1',
    ],
    [
      'a use that is not counted for its customer',
      'I13',
      'order.promotion_customer set used = 0',
      'order.promotion_customer set used = 1',
    ],
    [
      'more uses than there may be',
      'I13',
      'order.promotion set usage_limit = 0',
      'order.promotion set usage_limit = null',
    ],
    [
      'an order that nothing counts as a use',
      'I13',
      'order.promotion set id = reverse(id)',
      'order.promotion set id = reverse(id)',
    ],
    [
      'a changed reason in the journal',
      'I7',
      `order.order_event set reason = 'forged' where seq = 2 and order_id = ${only}`,
      `order.order_event set reason = null where seq = 2 and order_id = ${only}`,
    ],
    [
      'an idempotency key whose order is gone',
      'I8',
      `order.idempotency set result = json_object('orderId', '01890000-0000-7000-8000-000000000000') where operation = 'placeOrder' and ? is not null`,
      `order.idempotency set result = json_object('orderId', ?) where operation = 'placeOrder'`,
    ],
    [
      "an entry that another customer's subscription would get",
      'I9',
      `order.order_event set customer_id = reverse(customer_id) where seq = 2 and order_id = ${only}`,
      `order.order_event set customer_id = reverse(customer_id) where seq = 2 and order_id = ${only}`,
    ],
    [
      'an action together with its null compensation',
      'I11',
      "product.barrier set inserted_by = 'compensation' where branch = 'reserve-stock'",
      "product.barrier set inserted_by = 'action' where branch = 'reserve-stock'",
    ],
    [
      'a paid order without its reservation',
      'I1',
      `product.stock_reservation set order_id = unhex('01890000000070008000000000000000') where order_id = ${only}`,
      `product.stock_reservation set order_id = ${only}`,
    ],
    [
      'fewer units sold than reserved',
      'I1',
      `order.order_line set quantity = 1 where order_id = ${only}`,
      `order.order_line set quantity = 2 where order_id = ${only}`,
    ],
    [
      'a charge of another amount than ours',
      'I2',
      'simulated.charge set amount = amount + 1',
      'simulated.charge set amount = amount - 1',
    ],
    [
      'an order without a saga',
      'I4',
      `order.saga set order_id = unhex('01890000000070008000000000000000') where order_id = ${only}`,
      `order.saga set order_id = ${only}`,
    ],
    [
      'money that is said to be on its way back and is not',
      'I6',
      'payment.payment set refunding_minor = 1',
      'payment.payment set refunding_minor = 0',
    ],
    [
      'more pieces put back into the stock than an order had',
      'I6',
      `product.stock_movement set type = 'RETURN', order_id = ${only} where type = 'RECEIVE'`,
      "product.stock_movement set type = 'RECEIVE', order_id = null where type = 'RETURN'",
    ],
    [
      'more pieces back than were delivered',
      'I6',
      `order.order_line set restocked_quantity = quantity + 1 where order_id = ${only}`,
      `order.order_line set restocked_quantity = 0 where order_id = ${only}`,
    ],
    [
      'a payment that its journal does not explain',
      'I6',
      "payment.payment_event set to_state = 'FAILED' where type = 'PaymentSettled'",
      "payment.payment_event set to_state = 'SETTLED' where type = 'PaymentSettled'",
    ],
    [
      'a total that is not that of its lines',
      'I6',
      `order.order_line set subtotal_minor = subtotal_minor + 1 where order_id = ${only}`,
      `order.order_line set subtotal_minor = subtotal_minor - 1 where order_id = ${only}`,
    ],
    [
      'shipping that is in no total',
      'I6',
      `order.orders set shipping_minor = 490 where id = ${only}`,
      `order.orders set shipping_minor = 0 where id = ${only}`,
    ],
    [
      'a tax that no line has',
      'I6',
      `order.orders set tax_minor = 1 where id = ${only}`,
      `order.orders set tax_minor = 0 where id = ${only}`,
    ],
    [
      'a discount that no line has',
      'I6',
      `order.orders set discount_minor = discount_minor + 1, shipping_minor = shipping_minor + 1 where id = ${only}`,
      `order.orders set discount_minor = discount_minor - 1, shipping_minor = shipping_minor - 1 where id = ${only}`,
    ],
    [
      'lines whose totals are not the order’s',
      'I6',
      `order.order_line set total_minor = total_minor - 1 where order_id = ${only}`,
      `order.order_line set total_minor = total_minor + 1 where order_id = ${only}`,
    ],
    [
      'somebody who was to be erased hours ago',
      'I23',
      'user.erasure set done_at = null, requested_at = utc_timestamp(3) - interval 2 hour',
      'user.erasure set done_at = utc_timestamp(3), requested_at = utc_timestamp(3) - interval 1 minute',
    ],
  ])('%s', async (_, invariant, wrong, right) => {
    const change = async (statement: string): Promise<void> => {
      const [schema, rest] = [statement.slice(0, statement.indexOf('.')), statement.slice(statement.indexOf('.') + 1)];
      const [result] = await root.query(`update ${platform.prefix}_${schema}.${rest}`, [orderId]);
      expect((result as { affectedRows: number }).affectedRows).toBeGreaterThan(0);
    };
    await change(wrong);
    const findings = await audit({ env: platform.env, graceSeconds: 0 });
    await change(right);
    expect(
      findings.filter(({ broken }) => broken.length > 0).map((finding) => finding.invariant.split(' ')[0]),
    ).toContain(invariant);
    await expectCleanAudit(platform);
  });
});
