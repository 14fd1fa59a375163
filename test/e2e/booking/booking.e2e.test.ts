import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Connection, createConnection } from 'mysql2/promise';
import { audit } from '../../../ops/audit.ts';
import { addDays } from '../../../subgraphs/shared/values/local-date.ts';
import { expectCleanAudit } from '../../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../../support/platform.ts';
import {
  type Line,
  type Person,
  type UserError,
  createProduct,
  dataOf,
  logInAsAdmin,
  operation,
  orderIn,
  pay,
  placeOrder,
  register,
  tryPlaceOrder,
} from '../../support/shop.ts';
import { until } from '../../support/until.ts';

/** Long enough to pay in also on a busy machine, short enough to wait for. */
const windowSeconds = 12;
const today = new Date().toISOString().slice(0, 10);
const [from, to] = [addDays(today, 20), addDays(today, 23)];

describe('booking nights, through the API alone', () => {
  let platform: Platform;
  let root: Connection;
  let staff: Person;
  let guest: Person;
  beforeAll(async () => {
    platform = await startPlatform({
      shape: 'one',
      env: { PAYMENT_WINDOW_SECONDS: String(windowSeconds), PLACING_WAIT_MS: '20000' },
    });
    [staff, guest] = await Promise.all([logInAsAdmin(platform), register(platform, 'Grace Guest')]);
    root = await createConnection({ uri: platform.mysqlUrl });
  }, 150_000);
  afterAll(async () => {
    await root?.end();
    await platform?.stop();
  }, 60_000);

  const stay = (productId: string, change: Partial<Line> = {}): Line => ({ productId, quantity: 1, stayFrom: from, stayTo: to, guests: 2, ...change }); // prettier-ignore
  const type = { type: 'BOOKING' };
  const room = (capacity: number) => createProduct(platform, staff, { kind: 'BOOKABLE', capacity, maxGuests: 2, priceMinor: 8_000 }); // prettier-ignore
  /** Rooms that anybody sees to be left, one figure a night. */
  async function left(productId: string): Promise<number[]> {
    type Found = { product: { availability: { available: number }[] } };
    const { product } = dataOf(await platform.gql<Found>(operation('availability'), { id: productId, from, to }));
    return product.availability.map(({ available }) => available);
  }
  async function codeOf(orderId: string, viewer: Person): Promise<string | null> {
    type Found = { order: { confirmationCode: string | null } };
    const { order } = dataOf(await platform.gql<Found>(operation('order'), { id: orderId }, { token: viewer.token }));
    return order.confirmationCode;
  }
  type Redeemed = { order: { state: string } | null; userErrors: (UserError & { cause?: string })[] };
  async function redeem(number: string, confirmationCode: string, viewer: Person): Promise<Redeemed> {
    const answer = await platform.gql<{ redeemOrder: Redeemed }>(
      operation('redeem-order'),
      { number, confirmationCode },
      { token: viewer.token },
    );
    return dataOf(answer).redeemOrder;
  }

  test('a guest books, pays, shows the code at check-in, and the order is completed', async () => {
    const { id: productId } = await room(2);
    expect(await left(productId)).toEqual([2, 2, 2]);
    const order = await placeOrder(platform, guest, [stay(productId)], type);
    expect(order).toMatchObject({ state: 'PENDING_PAYMENT', total: { amount: 3 * 8_000 }, lines: [{ stayFrom: from, stayTo: to, nights: 3, guests: 2 }] }); // prettier-ignore
    expect(await left(productId)).toEqual([1, 1, 1]);
    expect(await codeOf(order.id, guest)).toBeNull();
    await pay(platform, guest, order.id);
    await orderIn(platform, guest, order.id, ['PAID']);
    const code = await until(() => codeOf(order.id, guest), { what: 'the code' });
    expect(await codeOf(order.id, staff)).toBeNull();
    expect((await redeem(order.number, 'WRONG', staff)).userErrors).toMatchObject([{ cause: 'WRONG_CONFIRMATION_CODE' }]); // prettier-ignore
    expect((await redeem(order.number, code, guest)).userErrors).toMatchObject([{ __typename: 'ForbiddenError' }]);
    expect(await redeem(order.number, code, staff)).toEqual(expect.objectContaining({ userErrors: [], order: expect.objectContaining({ state: 'COMPLETED' }) })); // prettier-ignore
    expect(await left(productId)).toEqual([1, 1, 1]);
    await expectCleanAudit(platform);
  }, 40_000);

  test('twelve guests at once get two rooms; what they do not pay for goes back by itself', async () => {
    const { id: productId } = await room(2);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        tryPlaceOrder(platform, guest, [stay(productId, { stayFrom: addDays(from, index % 2) })], type),
      ),
    );
    const placed = answers.map((answer) => dataOf(answer).placeOrder);
    const winners = placed.filter(({ userErrors }) => userErrors.length === 0);
    expect(winners).toHaveLength(2);
    for (const { userErrors } of placed)
      if (userErrors.length > 0)
        expect(userErrors).toMatchObject([{ code: 'INSUFFICIENT_STOCK', shortages: expect.anything() }]);
    const [paid, unpaid] = winners.map(({ order }) => order?.id ?? '') as [string, string];
    await pay(platform, guest, paid);
    await orderIn(platform, guest, paid, ['PAID']);
    await orderIn(platform, guest, unpaid, ['EXPIRED']);
    await until(async () => (await left(productId)).every((rooms) => rooms >= 1), { what: 'the nights' });
    expect(await left(productId)).toEqual(expect.arrayContaining([1, 1]));
    expect((await orderIn(platform, guest, paid, ['PAID'])).state).toBe('PAID');
    await expectCleanAudit(platform);
  }, 60_000);

  test.each([
    ['a night that was sold once too often', 'night', 'on_hand = on_hand - 1', 'on_hand = on_hand + 1'],
    ['a ledger that does not lead to its balance', 'night_movement', 'allocated_after = allocated_after + 7', 'allocated_after = allocated_after - 7'], // prettier-ignore
    ['an order with more rooms than it paid for', 'night_reservation', 'quantity = quantity + 1', 'quantity = quantity - 1'], // prettier-ignore
  ])(
    'the audit finds %s',
    async (_, table, wrong, right) => {
      const { id: productId } = await room(3);
      const { id } = await placeOrder(platform, guest, [stay(productId)], type);
      await pay(platform, guest, id);
      await orderIn(platform, guest, id, ['PAID']);
      await expectCleanAudit(platform);
      const change = async (set: string): Promise<void> => {
        const statement = `update ${platform.prefix}_product.${table} set ${set} where product_id = unhex(replace(?, '-', ''))`;
        const [result] = await root.query(statement, [productId]);
        expect((result as { affectedRows: number }).affectedRows).toBeGreaterThan(0);
      };
      await change(wrong);
      const findings = await audit({ env: platform.env, graceSeconds: 0 });
      await change(right);
      const broken = findings.filter((finding) => finding.broken.length > 0);
      expect(broken.map(({ invariant }) => invariant.split(':')[0])).toContain('I1 nights');
      await expectCleanAudit(platform);
    },
    30_000,
  );
});
