import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '../../ops/embedded/servers.ts';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import {
  type Person,
  createProduct,
  dataOf,
  logInAsAdmin,
  orderIn,
  placeOrder,
  readOrder,
  register,
  stockOf,
  tryPlaceOrder,
} from '../support/shop.ts';
import { type Fate, startHttpProxy } from './http-proxy.ts';
import { until } from '../support/until.ts';

/** The three demonstrations of the go-zero mall [GM-10], with a network between order and product that can fail. */
describe('placing an order and taking its stock is one distributed transaction', () => {
  let platform: Platform;
  let proxy: { port: number; close(): Promise<void> };
  let staff: Person;
  let buyer: Person;
  let reserving: Fate = 'pass';
  let reservations = 0;

  beforeAll(async () => {
    const productPort = await freePort();
    proxy = await startHttpProxy({
      targetPort: productPort,
      fate: (body) => {
        if (!body.includes('mutation ReserveStock')) return 'pass';
        reservations += 1;
        return reserving;
      },
    });
    platform = await startPlatform({
      shape: 'split',
      env: {
        PRODUCT_PORT: String(productPort),
        PRODUCT_URL: `http://127.0.0.1:${proxy.port}`,
        PLACING_DEADLINE_MS: '1000',
      },
    });
    [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform)]);
  }, 150_000);
  afterAll(async () => {
    await platform?.stop();
    await proxy?.close();
  }, 60_000);

  test('[GM-10] success: the stock goes from one to none', async () => {
    const product = await createProduct(platform, staff, { onHand: 1 });
    const { id } = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]);
    expect((await readOrder(platform, buyer, id)).saga).toMatchObject({
      state: 'SUCCEEDED',
      steps: [{ branchId: 'reserve-stock', actionState: 'DONE', compensationState: 'SKIPPED' }],
    });
    expect(await stockOf(platform, staff, product.id)).toEqual({ onHand: 1, allocated: 1, available: 0 });
  });

  test('[GM-10] out of stock: the order fails and its compensation has nothing to undo', async () => {
    const product = await createProduct(platform, staff, { onHand: 0 });
    const { placeOrder: payload } = dataOf(
      await tryPlaceOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]),
    );
    expect(payload.userErrors).toMatchObject([{ __typename: 'InsufficientStockError' }]);
    const order = await orderIn(platform, buyer, payload.order?.id ?? '', ['FAILED']);
    expect(order.saga).toMatchObject({
      state: 'COMPENSATED',
      steps: [{ actionState: 'FAILED', compensationState: 'DONE' }],
    });
    expect(await stockOf(platform, staff, product.id)).toEqual({ onHand: 0, allocated: 0, available: 0 });
  });

  test('[GM-10] failure after the action was committed: the order fails and the stock is given back', async () => {
    const product = await createProduct(platform, staff, { onHand: 1 });
    reserving = 'lose the reply';
    const { placeOrder: payload } = dataOf(
      await tryPlaceOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]),
    );
    const order = await orderIn(platform, buyer, payload.order?.id ?? '', ['FAILED'], 30_000);
    reserving = 'pass';
    expect(order).toMatchObject({ cancelReason: 'SAGA_ROLLBACK' });
    await until(async () => (await readOrder(platform, buyer, order.id)).saga?.state === 'COMPENSATED', {
      timeoutMs: 20_000,
      what: 'the compensation',
    });
    expect(await stockOf(platform, staff, product.id)).toEqual({ onHand: 1, allocated: 0, available: 1 });
    type Movements = { product: { stock: { movements: { edges: { node: { type: string } }[] } } } };
    const { product: moved } = dataOf(
      await platform.gql<Movements>(
        'query Moves($id: ID!) { product(id: $id) { stock { movements { edges { node { type } } } } } }',
        { id: product.id },
        { token: staff.token },
      ),
    );
    // Held once however often it was asked for, and released: newest first.
    expect(moved.stock.movements.edges.map(({ node }) => node.type).slice(0, 2)).toEqual(['RELEASE', 'HOLD']);
  }, 60_000);

  test('a request that never arrives is sent again, and a reply that was lost once does not take the stock twice', async () => {
    for (const fate of ['lose the request', 'lose the reply'] as const) {
      const product = await createProduct(platform, staff, { onHand: 5 });
      reserving = fate;
      const before = reservations;
      const placing = tryPlaceOrder(platform, buyer, [{ productId: product.id, quantity: 2 }]);
      await until(() => reservations > before, { what: 'the first try' });
      reserving = 'pass';
      const { placeOrder: payload } = dataOf(await placing);
      await orderIn(platform, buyer, payload.order?.id ?? '', ['PENDING_PAYMENT'], 30_000);
      expect(await stockOf(platform, staff, product.id)).toEqual({ onHand: 5, allocated: 2, available: 3 });
    }
    await expectCleanAudit(platform);
  }, 60_000);
});
