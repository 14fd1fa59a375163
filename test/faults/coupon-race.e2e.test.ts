import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import {
  type Person,
  createProduct,
  createPromotion,
  dataOf,
  logInAsAdmin,
  newKey,
  register,
  tryPlaceOrder,
} from '../support/shop.ts';

const buyers = 100;
const requestsOfBuyer = 5;
const requests = buyers * requestsOfBuyer;
const uses = 50;

const isLater = new Set(['OVERLOADED', 'SERVICE_UNAVAILABLE', 'DEADLINE_EXCEEDED']);

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ shape: 'one' });
}, 150_000);
afterAll(async () => {
  await platform?.stop();
}, 60_000);

test(`[CH-5] of ${requests} requests with a coupon of ${uses} exactly ${uses} orders have it, and the others are told that it is used up`, async () => {
  const staff = await logInAsAdmin(platform);
  const people: Person[] = [];
  while (people.length < buyers)
    people.push(...(await Promise.all(Array.from({ length: 10 }, () => register(platform)))));
  const product = await createProduct(platform, staff, { onHand: 10 * requests, priceMinor: 1_000 });
  const code = await createPromotion(platform, staff, { usageLimit: uses });

  // Who hears that too much is asked for, or whose connection is cut, asks again with the same key, as a client does.
  const place = async (buyer: Person): ReturnType<typeof tryPlaceOrder> => {
    const options = { key: newKey(), couponCodes: [code] };
    for (;;) {
      const answer = await tryPlaceOrder(platform, buyer, [{ productId: product.id, quantity: 1 }], options).catch(
        (error: Error) => {
          if (error.message !== 'fetch failed') throw error;
          return null;
        },
      );
      if (answer && !isLater.has(answer.errors?.[0]?.extensions.code ?? '')) return answer;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  };
  const everybody = Array.from({ length: requests }, (_, index) => people[index % buyers] as Person);
  const answers = await Promise.all(everybody.map((buyer) => place(buyer)));
  const payloads = answers.map((answer) => dataOf(answer).placeOrder);
  expect(payloads.filter(({ order }) => order?.total.amount === 900)).toHaveLength(uses);
  const refusals = payloads.filter(({ order }) => order === null).map(({ userErrors }) => userErrors[0]);
  expect(refusals.map((error) => `${error?.__typename} ${error?.code}`)).toEqual(
    Array.from({ length: requests - uses }, () => 'CouponError EXHAUSTED'),
  );

  await expectCleanAudit(platform);
  type Found = { promotions: { edges: { node: { used: number } }[] }; orders: { totalCount: number } };
  const found = dataOf(await platform.gql<Found>('{ promotions { edges { node { used } } } orders { totalCount } }', {}, { token: staff.token })); // prettier-ignore
  expect([found.promotions.edges[0]?.node.used, found.orders.totalCount]).toEqual([uses, uses]);
}, 180_000);
