import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectCleanAudit } from '../../support/expect-clean-audit.ts';
import { type Platform, type Shape, startPlatform } from '../../support/platform.ts';
import {
  type Person, type UserError, cards, confirm, createPayment, createProduct, dataOf, logIn, logInAsAdmin, newKey, operation, orderIn, pay, placeOrder, readOrder,
  register, stockOf, tryCreatePayment, tryPlaceOrder, watch,
} from '../../support/shop.ts'; // prettier-ignore
import { type OtlpReceiver, startOtlpReceiver } from '../../../ops/bench/otlp-receiver.ts';
import { until } from '../../support/until.ts';
import { expectKnownMetrics, expectNoSecrets, expectOrderTrace, observedBy } from './observed.ts';

type Notice = {
  orderEvents: {
    event: { seq: number; type: string; toState: string | null };
    order: {
      state: string;
      customer: { name: string };
      lines: { product: { name: string } }[];
      payments: { state: string }[];
    };
  };
};
const watchDocument = `subscription Watch($orderId: ID!, $afterSeq: SafeInt) { orderEvents(orderId: $orderId, afterSeq: $afterSeq) {
  event { seq type toState } order { state customer { name } lines { product { name } } payments { state } } } }`;

type OrderChange = {
  order: { state: string; cancelReason: string | null } | null;
  replayed: boolean;
  userErrors: (UserError & { state?: string })[];
};
const cancelDocument = `mutation Cancel($id: ID!, $key: String!) { cancelOrder(id: $id, idempotencyKey: $key) {
  order { state cancelReason } replayed userErrors { __typename ... on UserError { code message path } ... on OrderStateError { state } } } }`;
const fulfilDocument = `mutation Fulfil($id: ID!, $key: String!) { fulfilOrder(id: $id, trackingNumber: "TRACK-1", idempotencyKey: $key) {
  order { state cancelReason } replayed userErrors { __typename ... on UserError { code message path } } } }`;

/** The whole order flow through `/graphql` alone; the same in every shape. */
export function describeOrderFlow(shape: Shape): void {
  describe(`the order flow, ${shape === 'one' ? 'all in one process' : 'each service as a process of its own'}`, () => {
    let receiver: OtlpReceiver;
    let platform: Platform;
    let staff: Person;
    let buyer: Person;

    beforeAll(async () => {
      receiver = await startOtlpReceiver();
      platform = await startPlatform({ shape, env: observedBy(receiver) });
      [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform, 'Ada Buyer')]);
    }, 150_000);
    afterAll(async () => {
      await platform?.stop();
      await receiver?.close();
    }, 60_000);

    test('a buyer registers, signs in, reads and changes the profile', async () => {
      const again = await logIn(platform, buyer);
      expect(again.id).toBe(buyer.id);
      const { me } = dataOf(
        await platform.gql<{ me: { id: string; name: string; roles: string[] } }>(
          operation('me'),
          {},
          { token: again.token },
        ),
      );
      expect(me).toMatchObject({ id: buyer.id, name: 'Ada Buyer', roles: ['CUSTOMER'] });
      const changed = await platform.gql<{ updateProfile: { user: { nickname: string }; userErrors: UserError[] } }>(
        'mutation { updateProfile(input: { nickname: "ada" }) { user { nickname } userErrors { __typename } } }',
        {},
        { token: again.token },
      );
      expect(dataOf(changed).updateProfile).toEqual({ user: { nickname: 'ada' }, userErrors: [] });
    });

    test('a refresh token works once; using it again ends the whole session', async () => {
      const { refreshToken } = await logIn(platform, buyer);
      type Refreshed = {
        refreshTokens: { tokens: { accessToken: string; refreshToken: string } | null; userErrors: UserError[] };
      };
      const first = dataOf(await platform.gql<Refreshed>(operation('refresh-tokens'), { refreshToken })).refreshTokens;
      expect(first.userErrors).toEqual([]);
      const token = first.tokens?.accessToken;
      expect(dataOf(await platform.gql<{ me: { id: string } }>(operation('me'), {}, { token })).me.id).toBe(buyer.id);

      const reused = dataOf(await platform.gql<Refreshed>(operation('refresh-tokens'), { refreshToken })).refreshTokens;
      expect(reused.tokens).toBeNull();
      expect(reused.userErrors).not.toEqual([]);
      const family = dataOf(
        await platform.gql<Refreshed>(operation('refresh-tokens'), { refreshToken: first.tokens?.refreshToken }),
      ).refreshTokens;
      expect(family.tokens).toBeNull();
      await until(
        async () =>
          (await platform.gql(operation('me'), {}, { token })).errors?.[0]?.extensions.code === 'UNAUTHENTICATED',
        { what: 'the end of the session' },
      );
    });

    test('the shop shows its products with prices, pictures and stock to anybody', async () => {
      type Products = {
        products: {
          edges: {
            node: {
              sku: string;
              cover: string;
              price: { amount: number; currency: string };
              stock: { available: number };
            };
          }[];
        };
      };
      const { products } = dataOf(await platform.gql<Products>(operation('products'), { first: 20 }));
      expect(products.edges.length).toBeGreaterThanOrEqual(12);
      for (const { node } of products.edges) {
        expect(node.price).toMatchObject({ amount: expect.any(Number), currency: 'EUR' });
        const picture = await fetch(new URL(node.cover, platform.url));
        expect([picture.status, picture.headers.get('content-type')]).toEqual([
          200,
          expect.stringContaining('image/svg+xml'),
        ]);
        await picture.arrayBuffer();
      }
    });

    test('an order of two equal lines is merged, priced by the server, watched live, paid and delivered', async () => {
      const product = await createProduct(platform, staff, { onHand: 5, priceMinor: 1_999 });
      const { placeOrder: placed } = dataOf(await tryPlaceOrder(platform, buyer, [{ productId: product.id, quantity: 1 }, { productId: product.id, quantity: 2 }])); // prettier-ignore
      expect(placed).toMatchObject({
        replayed: false,
        userErrors: [],
        saga: { state: 'SUCCEEDED' },
        order: { state: 'PENDING_PAYMENT', total: { amount: 5_997, currency: 'EUR' } },
      });
      const { id } = placed.order as { id: string };
      expect(await stockOf(platform, staff, product.id)).toEqual({ onHand: 5, allocated: 3, available: 2 });

      const watched = watch<Notice>(platform, watchDocument, { orderId: id, afterSeq: 0 }, { token: buyer.token });
      const states = () => watched.results.map(({ data }) => data?.orderEvents.event.toState).filter(Boolean);
      await until(() => states().includes('PENDING_PAYMENT'), { what: 'the replay of the journal' });
      await pay(platform, buyer, id);
      const paid = await orderIn(platform, buyer, id, ['PAID']);
      expect(paid).toMatchObject({
        paymentStatus: 'PAID',
        paidTotal: { amount: 5_997 },
        payments: [{ state: 'SETTLED' }],
      });
      expect(paid.lines).toMatchObject([{ quantity: 3, product: { name: product.name } }]);
      await until(async () => (await stockOf(platform, staff, product.id)).onHand === 2, {
        what: 'the committed stock',
      });
      expect(await stockOf(platform, staff, product.id)).toEqual({ onHand: 2, allocated: 0, available: 2 });

      const fulfilled = dataOf(
        await platform.gql<{ fulfilOrder: OrderChange }>(fulfilDocument, { id, key: newKey() }, { token: staff.token }),
      ).fulfilOrder;
      expect(fulfilled).toMatchObject({ order: { state: 'COMPLETED' }, userErrors: [] });

      await until(() => states().includes('COMPLETED'), { what: 'the live end' });
      expect(states()).toEqual(['PLACING', 'PENDING_PAYMENT', 'PAID', 'PROCESSING', 'COMPLETED']);
      expect(watched.results.map(({ data }) => data?.orderEvents.event.seq)).toEqual(
        watched.results.map((_, index) => index + 1),
      );
      expect(watched.results.every(({ errors }) => errors === undefined)).toBe(true);
      const last = watched.results.at(-1)?.data?.orderEvents.order;
      expect(last).toMatchObject({
        customer: { name: 'Ada Buyer' },
        lines: [{ product: { name: product.name } }],
        payments: [{ state: 'SETTLED' }],
      });
      await watched.close();
    });

    test('a digital order needs no hand: it is complete soon after it is paid', async () => {
      const product = await createProduct(platform, staff, { kind: 'DIGITAL' });
      const { id } = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }], { type: 'DIGITAL' });
      await pay(platform, buyer, id);
      const order = await orderIn(platform, buyer, id, ['COMPLETED']);
      expect(order.history.edges.map(({ node }) => node.toState).filter(Boolean)).toEqual([
        'PLACING',
        'PENDING_PAYMENT',
        'PAID',
        'PROCESSING',
        'COMPLETED',
      ]);
    });

    test('a shortage names what is left, fails the order and takes nothing', async () => {
      const [plenty, scarce] = await Promise.all([
        createProduct(platform, staff, { onHand: 9 }),
        createProduct(platform, staff, { onHand: 2 }),
      ]);
      const answer = await tryPlaceOrder(platform, buyer, [{ productId: plenty.id, quantity: 1 }, { productId: scarce.id, quantity: 3 }]); // prettier-ignore
      const { placeOrder: refused } = dataOf(answer);
      expect(refused.userErrors).toMatchObject([
        {
          __typename: 'InsufficientStockError',
          code: 'INSUFFICIENT_STOCK',
          shortages: [{ product: { id: scarce.id }, requested: 3, available: 2 }],
        },
      ]);
      expect(refused.order?.state).toBe('FAILED');
      expect(await readOrder(platform, buyer, refused.order?.id ?? '')).toMatchObject({
        state: 'FAILED',
        cancelReason: 'OUT_OF_STOCK',
        saga: { state: 'COMPENSATED' },
      });
      expect(await stockOf(platform, staff, plenty.id)).toEqual({ onHand: 9, allocated: 0, available: 9 });
      expect(await stockOf(platform, staff, scarce.id)).toEqual({ onHand: 2, allocated: 0, available: 2 });
    });

    test('a declined card leaves the order payable with another', async () => {
      const product = await createProduct(platform, staff);
      const { id } = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]);
      const payment = await createPayment(platform, buyer, id);
      await confirm(platform, payment, cards.declines);
      await until(
        async () =>
          (await readOrder(platform, buyer, id)).payments.some(({ state }) => state === 'FAILED' || state === 'OPEN'),
        { what: 'the decline' },
      );
      expect((await readOrder(platform, buyer, id)).state).toBe('PENDING_PAYMENT');
      const attempt = async () => {
        type Retried = { retryPayment: { payment: typeof payment | null; userErrors: UserError[] } };
        return dataOf(
          await platform.gql<Retried>(
            operation('retry-payment'),
            { paymentId: payment.id, idempotencyKey: newKey() },
            { token: buyer.token },
          ),
        ).retryPayment.payment;
      };
      const retried = await until(attempt, { what: 'another attempt' });
      await confirm(platform, retried);
      await orderIn(platform, buyer, id, ['PAID']);
    });

    test('[AP-1] an order can be cancelled and its stock goes back, and when it was paid its money, too', async () => {
      const product = await createProduct(platform, staff, { onHand: 4 });
      const line = [{ productId: product.id, quantity: 2 }];
      const [cancelled, paid] = [await placeOrder(platform, buyer, line), await placeOrder(platform, buyer, line)];
      const key = newKey();
      const cancel = async (id: string, idempotencyKey: string) =>
        dataOf(
          await platform.gql<{ cancelOrder: OrderChange }>(
            cancelDocument,
            { id, key: idempotencyKey },
            { token: buyer.token },
          ),
        ).cancelOrder;
      expect(await cancel(cancelled.id, key)).toMatchObject({
        order: { state: 'CANCELLED', cancelReason: 'CUSTOMER' },
        replayed: false,
        userErrors: [],
      });
      expect(await cancel(cancelled.id, key)).toMatchObject({
        order: { state: 'CANCELLED' },
        replayed: true,
        userErrors: [],
      });
      await until(async () => (await stockOf(platform, staff, product.id)).available === 2, {
        what: 'the stock of the cancelled order',
      });
      await pay(platform, buyer, paid.id);
      await orderIn(platform, buyer, paid.id, ['PAID']);
      expect(await cancel(paid.id, newKey())).toMatchObject({ order: { state: 'CANCELLED' }, userErrors: [] });
      await until(async () => (await stockOf(platform, staff, product.id)).available === 4, {
        what: 'the stock of the paid order',
      });
      await until(async () => (await readOrder(platform, buyer, paid.id)).paymentStatus === 'REFUNDED', {
        what: 'the money of the paid order',
      });
    });

    test('the same key and input give the same order; the same key with other input is refused', async () => {
      const product = await createProduct(platform, staff, { onHand: 10 });
      const key = newKey();
      const place = async (quantity: number) =>
        dataOf(await tryPlaceOrder(platform, buyer, [{ productId: product.id, quantity }], { key })).placeOrder;
      const [first, ...others] = await Promise.all([place(1), place(1), place(1)]);
      const placed = [first, ...others].map((payload) => payload?.order?.id);
      expect(new Set(placed).size).toBe(1);
      expect([first, ...others].filter((payload) => payload && !payload.replayed)).toHaveLength(1);
      expect(await place(1)).toMatchObject({ order: { id: placed[0] }, replayed: true, userErrors: [] });
      expect(await place(2)).toMatchObject({
        order: null,
        userErrors: [{ __typename: 'IdempotencyConflictError', code: 'IDEMPOTENCY_CONFLICT' }],
      });
      expect((await stockOf(platform, staff, product.id)).allocated).toBe(1);

      const paymentKey = newKey();
      const orderId = placed[0] as string;
      const pays = async (input: object) =>
        dataOf(await tryCreatePayment(platform, buyer, { orderId, ...input }, paymentKey)).createPayment;
      const payment = await pays({});
      expect(await pays({})).toMatchObject({ payment: { id: payment.payment?.id }, replayed: true });
      expect((await pays({ amount: { amount: 1, currency: 'EUR' } })).userErrors).toMatchObject([
        { __typename: 'IdempotencyConflictError' },
      ]);
    });

    test("another customer's order is as unknown as one that doesn't exist", async () => {
      const product = await createProduct(platform, staff);
      const [order, stranger] = await Promise.all([
        placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]),
        register(platform),
      ]);
      const query = 'query Order($id: ID, $number: String) { order(id: $id, number: $number) { id } }';
      for (const variables of [
        { id: order.id },
        { number: order.number },
        { id: '01890000-0000-7000-8000-000000000000' },
        { id: 'nonsense' },
      ]) {
        const answer = await platform.gql(query, variables, { token: stranger.token });
        expect([answer.data, answer.errors?.map(({ extensions }) => extensions.code)]).toEqual([
          { order: null },
          ['NOT_FOUND'],
        ]);
      }
      const payment = dataOf(await tryCreatePayment(platform, stranger, { orderId: order.id })).createPayment;
      expect(payment).toMatchObject({ payment: null, userErrors: [{ __typename: 'NotFoundError' }] });
      const cancelled = dataOf(
        await platform.gql<{ cancelOrder: OrderChange }>(
          cancelDocument,
          { id: order.id, key: newKey() },
          { token: stranger.token },
        ),
      ).cancelOrder;
      expect(cancelled).toMatchObject({ order: null, userErrors: [{ __typename: 'NotFoundError' }] });
    });

    test('staff find the order, its buyer finds it in the list, and all is federated', async () => {
      const product = await createProduct(platform, staff);
      const { number } = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]);
      type Orders = { orders: { edges: { node: { number: string; customer: { name: string; mobile: string } } }[] } };
      const found = dataOf(
        await platform.gql<Orders>(
          'query Find($number: String) { orders(filter: { number: $number }) { edges { node { number customer { name mobile } } } } }',
          { number },
          { token: staff.token },
        ),
      );
      expect(found.orders.edges).toMatchObject([
        { node: { number, customer: { name: 'Ada Buyer', mobile: buyer.mobile } } },
      ]);
      type Mine = {
        me: {
          orders: { edges: { node: { number: string; payments: unknown[]; lines: { product: { sku: string } }[] } }[] };
        };
      };
      const mine = dataOf(
        await platform.gql<Mine>(
          '{ me { orders(first: 1) { edges { node { number payments { id } lines { product { sku } } } } } } }',
          {},
          { token: buyer.token },
        ),
      );
      expect(mine.me.orders.edges).toMatchObject([
        { node: { number, payments: [], lines: [{ product: { sku: product.sku } }] } },
      ]);
    });

    test("[GM-8] [OB-8] [OP-1] an order's trace leads from the browser to the databases, and to whoever hears of it", async () => {
      const product = await createProduct(platform, staff);
      await expectOrderTrace({ platform, receiver, buyer, staff }, product.id);
    }, 60_000);

    test('[OP-1] no secret that was used is in logs, traces or metrics', async () => {
      await expectNoSecrets({ platform, receiver, buyer, staff });
    });

    if (shape === 'one')
      test('[GM-7] every metric that a panel or an alert names is one that the platform has', async () => {
        await expectKnownMetrics(platform.metricsUrl);
      });

    test('after all this the invariants hold', async () => {
      await expectCleanAudit(platform);
    });
  });
}
