import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  type PaymentWorld, bytes, create, createMixed, credit, documents, openPaymentWorld, paymentIn, staff, user,
} from './support/payment-world.ts'; // prettier-ignore

let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld();
}, 60_000);
afterAll(async () => {
  await world?.close();
}, 30_000);

test('a payment that can’t be closed does not keep others from being closed, asked about and called off', async () => {
  const [unlucky, buyer] = [user(), user()];
  await credit(world, unlucky.userId, 1_000);
  const order = world.orders.add({ customerId: unlucky.userId });
  const [, broken] = await createMixed(world, unlucky, order.id, 1_000);
  const whole = await create(world, buyer, world.orders.add({ customerId: buyer.userId }).id);
  // A book that somebody has changed by hand: what was set aside for the first is not there any more.
  await world.rows("update ledger_account set balance_minor = 0 where owner_id = ? and kind = 'HELD'", [bytes(unlucky.userId)]); // prettier-ignore
  const overdue = 'update payment set expires_at = utc_timestamp(3) - interval ? minute where id = ?';
  await world.rows(overdue, [20, bytes(broken.id)]);
  await world.rows(overdue, [10, bytes(whole.id)]);

  const { attempts } = await paymentIn(world, whole.id, 'EXPIRED');
  expect(attempts).toHaveLength(1);
  expect((await world.run(staff, documents.payment, { id: broken.id })).data.payment.state).toBe('OPEN');
}, 20_000);
