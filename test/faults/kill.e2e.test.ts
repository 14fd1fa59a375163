import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import {
  type Person,
  type PlaceOrderPayload,
  createProduct,
  dataOf,
  logIn,
  logInAsAdmin,
  newKey,
  placeOrder,
  readOrder,
  register,
  stockOf,
  tryPlaceOrder,
} from '../support/shop.ts';
import { until } from '../support/until.ts';

const placements = 200;
const recoveryMs = 30_000;

describe('a process that is killed outright', () => {
  let platform: Platform;
  let staff: Person;
  beforeAll(async () => {
    // One buyer places them all at once: that many operations of one client would have to wait their turn.
    const env = { MAX_OPERATIONS: '1000', MAX_OPERATIONS_PER_CLIENT: '1000', OPERATION_WAIT_MS: '30000' };
    platform = await startPlatform({ shape: 'one', env });
    staff = await logInAsAdmin(platform);
  }, 150_000);
  afterAll(async () => {
    await platform?.stop();
  }, 60_000);

  const undecided = async (): Promise<number> => {
    const { orders } = dataOf(
      await platform.gql<{ orders: { totalCount: number } }>(
        '{ orders(filter: { state: PLACING }) { totalCount } }',
        {},
        { token: staff.token },
      ),
    );
    return orders.totalCount;
  };

  test(`in the middle of ${placements} placements loses no order that a buyer was told of, and brings every other to an end`, async () => {
    const product = await createProduct(platform, staff, { onHand: placements });
    const buyer = await register(platform);
    const keys = Array.from({ length: placements }, newKey);
    const told = new Map<string, PlaceOrderPayload>();
    const requests = keys.map(async (key) => {
      const answer = await tryPlaceOrder(platform, buyer, [{ productId: product.id, quantity: 1 }], { key }).catch(
        () => undefined,
      ); // the server is gone
      const payload = answer?.data?.placeOrder;
      if (payload) told.set(key, payload);
      if (told.size === Math.floor(placements / 4)) await platform.kill9();
    });
    await Promise.all(requests);
    expect(told.size).toBeLessThan(placements);

    await platform.restart();
    const restartedAt = performance.now();
    staff = await logInAsAdmin(platform);
    const again = await logIn(platform, buyer);
    await until(async () => (await undecided()) === 0, {
      timeoutMs: recoveryMs,
      everyMs: 200,
      what: 'the end of every saga',
    });
    expect(performance.now() - restartedAt).toBeLessThan(recoveryMs);

    for (const [key, payload] of told) {
      const repeated = dataOf(
        await tryPlaceOrder(platform, again, [{ productId: product.id, quantity: 1 }], { key }),
      ).placeOrder;
      expect(repeated).toMatchObject({ replayed: true, order: { id: payload.order?.id } });
    }
    // Buyers who got no answer ask again with the same key: an order each, none twice.
    const all = await Promise.all(
      keys.map(
        async (key) =>
          dataOf(await tryPlaceOrder(platform, again, [{ productId: product.id, quantity: 1 }], { key })).placeOrder
            .order,
      ),
    );
    expect(new Set(all.map((order) => order?.id)).size).toBe(placements);
    await until(async () => (await undecided()) === 0, {
      timeoutMs: recoveryMs,
      everyMs: 200,
      what: 'the end of every saga',
    });
    expect(await stockOf(platform, staff, product.id)).toEqual({
      onHand: placements,
      allocated: placements,
      available: 0,
    });
  }, 150_000);

  test.each([
    ['order.placed', 'PENDING_PAYMENT'],
    ['order.reserved', 'PENDING_PAYMENT'],
    ['order.decided', 'PENDING_PAYMENT'],
    ['order.failed', 'FAILED'],
  ])(
    'at %s leaves an order that ends as %s after the restart',
    async (point, state) => {
      const product = await createProduct(platform, staff, { onHand: 1 });
      const buyer = await register(platform);
      const lines = [{ productId: product.id, quantity: state === 'FAILED' ? 2 : 1 }];
      const key = newKey();
      await platform.dieAt(point);
      await expect(tryPlaceOrder(platform, buyer, lines, { key })).rejects.toThrow(/fetch failed/);
      await platform.died();

      await platform.restart();
      staff = await logInAsAdmin(platform);
      const again = await logIn(platform, buyer);
      const found = await until(
        async () => {
          const { placeOrder: repeated } = dataOf(await tryPlaceOrder(platform, again, lines, { key }));
          return repeated.order?.state === state ? repeated : null;
        },
        { timeoutMs: recoveryMs, everyMs: 200, what: `an order in ${state}` },
      );
      expect(found.replayed).toBe(true);
      const held = state === 'FAILED' ? 0 : 1;
      await until(async () => (await stockOf(platform, again, product.id)).available === 1 - held, {
        what: 'the right stock',
      });
      const saga = state === 'FAILED' ? 'COMPENSATED' : 'SUCCEEDED';
      const ended = async () => (await readOrder(platform, again, found.order?.id ?? '')).saga?.state === saga;
      await until(ended, { timeoutMs: recoveryMs, everyMs: 200, what: `a saga that is ${saga}` });
    },
    90_000,
  );

  test('and started again places orders as before', async () => {
    staff = await logInAsAdmin(platform);
    const product = await createProduct(platform, staff);
    expect((await placeOrder(platform, await register(platform), [{ productId: product.id, quantity: 1 }])).state).toBe(
      'PENDING_PAYMENT',
    );
  });

  test('and of all that was killed the audit finds nothing wrong', () => expectCleanAudit(platform), 60_000);
});
