import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import {
  type Person,
  createProduct,
  dataOf,
  logInAsAdmin,
  newKey,
  register,
  stockOf,
  tryPlaceOrder,
} from '../support/shop.ts';

const buyers = 400;
const units = 100;

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ shape: 'one' });
}, 150_000);
afterAll(async () => {
  await platform?.stop();
}, 60_000);

test(`of ${buyers} buyers who race for ${units} units exactly ${units} get one, and the others are told how many are left`, async () => {
  const staff = await logInAsAdmin(platform);
  // Passwords are slow to hash by design: the buyers sign up before the race, a few at a time.
  const people: Person[] = [];
  while (people.length < buyers)
    people.push(...(await Promise.all(Array.from({ length: 16 }, () => register(platform)))));
  const product = await createProduct(platform, staff, { onHand: units });

  // Who hears that too much is asked for asks again with the same key, as a client does.
  const place = async (buyer: Person, key = newKey()): ReturnType<typeof tryPlaceOrder> => {
    const answer = await tryPlaceOrder(platform, buyer, [{ productId: product.id, quantity: 1 }], { key });
    if (answer.errors?.[0]?.extensions.code !== 'OVERLOADED') return answer;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return place(buyer, key);
  };
  const answers = await Promise.all(people.map((buyer) => place(buyer)));
  const payloads = answers.map((answer) => dataOf(answer).placeOrder);
  // Under this load the answer may come before the saga has ended; then the order is still PLACING and ends as below.
  const undecided = payloads.filter(({ order }) => order?.state === 'PLACING').length;
  const placed = payloads.filter(({ order }) => order?.state === 'PENDING_PAYMENT').length;
  const refused = payloads.filter(({ userErrors }) => userErrors[0]?.__typename === 'InsufficientStockError');
  expect(placed + refused.length + undecided).toBe(buyers);
  expect(placed).toBeLessThanOrEqual(units);

  await expectCleanAudit(platform);
  type Counts = { pending: { totalCount: number }; failed: { totalCount: number } };
  const count = `{ pending: orders(filter: { state: PENDING_PAYMENT }) { totalCount } failed: orders(filter: { state: FAILED }) { totalCount } }`;
  const { pending, failed } = dataOf(await platform.gql<Counts>(count, {}, { token: staff.token }));
  expect([pending.totalCount, failed.totalCount]).toEqual([units, buyers - units]);
  expect(await stockOf(platform, staff, product.id)).toEqual({ onHand: units, allocated: units, available: 0 });
}, 120_000);
