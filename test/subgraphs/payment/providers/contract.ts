import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { type Loose, type PaymentWorld, bytes, documents, paymentIn, staff, user } from '../support/payment-world.ts';
import { until } from '../../../support/until.ts';

/** How a forged or odd delivery differs from a good one. */
export type Signing = { readonly by?: 'first' | 'second' | 'stranger'; readonly secondsOff?: number };

/** A provider with its own test server, as the contract drives it. */
export type ProviderUnderTest = {
  readonly world: PaymentWorld;
  /** The API's method and the provider's name in `/webhooks/:provider`. */
  readonly method: string;
  readonly provider: string;
  /** What customers see that they paid with. */
  readonly instrument: string;
  /** EUR unless told. */
  readonly currency?: string;
  /** More of `CreatePaymentInput`. */
  readonly input?: Record<string, unknown>;
  /** The customer comes to the provider's page, where its trade begins only then. */
  open?(payment: Loose): Promise<unknown>;
  /** The customer at the provider's page. */
  pay(payment: Loose): Promise<unknown>;
  decline(payment: Loose): Promise<unknown>;
  /** What the provider has of this order. */
  intents(orderId: string): Promise<number>;
  charged(payment: Loose): Promise<number>;
  refunded(payment: Loose): Promise<number>;
  canBePaid(payment: Loose): Promise<boolean>;
  /** How refunds go from now on. */
  refunds(payment: Loose, how: 'succeed' | 'refuse'): Promise<unknown>;
  dropWebhooks(payment: Loose, dropped: boolean): Promise<unknown>;
  /** The network between us and it. */
  cut(): void;
  mend(): void;
  /** Sends a notice that the payment succeeded, over `amount`; answers with our status. */
  notify(payment: Loose, signing: Signing, amount?: number): Promise<number>;
  close(): Promise<void>;
};

const newOrder = ({ world, currency = 'EUR' }: ProviderUnderTest) => {
  const buyer = user();
  return { buyer, order: world.orders.add({ customerId: buyer.userId, currency }) };
};

/** What every provider must do alike, over real HTTP. `declines: false` for one whose customers are not told of declines. */
export function testProvider(
  name: string,
  open: () => Promise<ProviderUnderTest>,
  options: { declines?: boolean } = {},
): void {
  describe(`the provider ${name}`, () => {
    let provider: ProviderUnderTest;
    let world: PaymentWorld;
    beforeAll(async () => {
      provider = await open();
      ({ world } = provider);
    }, 60_000);
    afterAll(async () => {
      await provider?.close();
    }, 30_000);

    const ask = async (buyer: ReturnType<typeof user>, orderId: string, key = newId()): Promise<Loose> => {
      const input = { orderId, method: provider.method, ...provider.input };
      return (await world.run(buyer, documents.create, { input, key })).data.createPayment;
    };
    const started = async (): Promise<{ buyer: ReturnType<typeof user>; payment: Loose }> => {
      const { buyer, order } = newOrder(provider);
      const { payment, userErrors } = await ask(buyer, order.id);
      if (!payment) throw new Error(JSON.stringify(userErrors));
      await provider.open?.(payment);
      return { buyer, payment };
    };
    const paid = async (): Promise<Loose> => {
      const { payment } = await started();
      await provider.pay(payment);
      return paymentIn(world, payment.id, 'SETTLED');
    };
    const refund = async (paymentId: string, amount: number, key = newId()): Promise<Loose> => {
      const input = { paymentId, amount: { amount, currency: provider.currency ?? 'EUR' }, reason: 'goodwill' };
      return (await world.run(staff, documents.refund, { input, key })).data.refundPayment;
    };
    const checkNow = (paymentId: string) =>
      world.rows('update attempt set next_check_at = utc_timestamp(3) where payment_id = ?', [bytes(paymentId)]);

    test('is available for an order that can be paid', async () => {
      const { buyer, order } = newOrder(provider);
      const query = 'query ($id: ID!) { availablePaymentMethods(orderId: $id) }';
      const { data } = await world.run(buyer, query, { id: order.id });
      expect(data.availablePaymentMethods).toContain(provider.method);
    });

    test('makes one intent for an attempt however often it is asked, and settles it once by its webhook', async () => {
      const { buyer, order } = newOrder(provider);
      const key = newId();
      const { payment } = await ask(buyer, order.id, key);
      expect(payment).toMatchObject({ state: 'OPEN', attempts: [{ state: 'REQUIRES_ACTION', provider: provider.provider }] }); // prettier-ignore
      // As after a crash between the provider's answer and ours.
      await world.rows("update attempt set state = 'CREATED', provider_intent_id = null where payment_id = ?", [bytes(payment.id)]); // prettier-ignore
      const again = await ask(buyer, order.id, key);
      expect(again.payment.attempts[0].providerTransactionId).toBe(payment.attempts[0].providerTransactionId);
      expect(await provider.intents(order.id)).toBe(1);
      await provider.pay(payment);
      const settled = await paymentIn(world, payment.id, 'SETTLED');
      expect(settled).toMatchObject({ captured: { amount: 1_234 }, attempts: [{ state: 'SUCCEEDED' }] });
      expect(await provider.charged(payment)).toBe(1_234);
      const { id } = payment;
      const shown = async () => (await world.run(buyer, documents.payment, { id })).data.payment.instrument;
      await until(async () => (await shown()) === provider.instrument, { what: `payment by ${provider.instrument}` });
    });

    if (options.declines ?? true) {
      test('tells of a decline, after which another attempt can be paid and the first can not', async () => {
        const { buyer, payment } = await started();
        await provider.decline(payment);
        const failed = await paymentIn(world, payment.id, 'FAILED');
        expect(failed.attempts[0]).toMatchObject({ state: 'FAILED', failureCode: expect.any(String) });
        const { data } = await world.run(buyer, documents.retry, { id: payment.id, key: newId() });
        expect(data.retryPayment).toMatchObject({ userErrors: [], payment: { state: 'OPEN' } });
        expect(await provider.canBePaid(payment)).toBe(false);
        const retried = data.retryPayment.payment;
        await provider.pay({ ...retried, attempts: [retried.attempts.at(-1)] });
        expect(await paymentIn(world, payment.id, 'SETTLED')).toMatchObject({ captured: { amount: 1_234 } });
      });
    }

    test('calls an intent off, so that it can not be paid any more', async () => {
      const { buyer, payment } = await started();
      const { data } = await world.run(buyer, documents.cancel, { id: payment.id, key: newId() });
      expect(data.cancelPayment).toMatchObject({ userErrors: [], payment: { state: 'CANCELLED' } });
      expect(await provider.canBePaid(payment)).toBe(false);
    });

    test('says that it was paid when it is called off too late', async () => {
      const { buyer, payment } = await started();
      await provider.dropWebhooks(payment, true);
      await provider.pay(payment);
      const { data } = await world.run(buyer, documents.cancel, { id: payment.id, key: newId() });
      await provider.dropWebhooks(payment, false);
      expect(data.cancelPayment).toMatchObject({ payment: null, userErrors: [{ code: 'VALIDATION' }] });
      await paymentIn(world, payment.id, 'SETTLED');
    });

    test('paid and called off at the same time is either, never both', async () => {
      const made = await Promise.all(Array.from({ length: 6 }, started));
      await Promise.all(made.flatMap(({ buyer, payment }) => [provider.pay(payment), world.run(buyer, documents.cancel, { id: payment.id, key: newId() })])); // prettier-ignore
      for (const { payment } of made) {
        const took = await provider.charged(payment);
        await paymentIn(world, payment.id, took > 0 ? 'SETTLED' : 'CANCELLED');
      }
    });

    test('is asked again when its webhook never comes', async () => {
      const { payment } = await started();
      await provider.dropWebhooks(payment, true);
      await provider.pay(payment);
      await checkNow(payment.id);
      await until(
        async () => {
          await checkNow(payment.id);
          return (await world.rows("select 1 from payment where id = ? and state = 'SETTLED'", [bytes(payment.id)])).length > 0; // prettier-ignore
        },
        { timeoutMs: 15_000 },
      );
      await provider.dropWebhooks(payment, false);
      expect(await provider.charged(payment)).toBe(1_234);
    }, 20_000);

    test('out of reach is a retryable refusal; the same key completes it with one intent', async () => {
      const { buyer, order } = newOrder(provider);
      const key = newId();
      provider.cut();
      try {
        expect(await ask(buyer, order.id, key)).toMatchObject({
          payment: null,
          userErrors: [{ code: 'PROVIDER_UNAVAILABLE', provider: provider.provider, retryable: true }],
        });
      } finally {
        provider.mend();
      }
      const { payment } = await ask(buyer, order.id, key);
      expect(payment.attempts).toMatchObject([{ state: 'REQUIRES_ACTION' }]);
      expect(await provider.intents(order.id)).toBe(1);
      await provider.pay(payment);
      await paymentIn(world, payment.id, 'SETTLED');
    }, 30_000);

    test('refunds in parts, each once, and never more than came in', async () => {
      const payment = await paid();
      const key = newId();
      expect(await refund(payment.id, 234, key)).toMatchObject({ refund: { state: 'SUCCEEDED' } });
      expect(await refund(payment.id, 234, key)).toMatchObject({ replayed: true, refund: { state: 'SUCCEEDED' } });
      expect(await provider.refunded(payment)).toBe(234);
      const parts = await Promise.all(Array.from({ length: 4 }, () => refund(payment.id, 400)));
      expect(parts.filter((part) => part.refund !== null)).toHaveLength(2);
      await until(async () => (await provider.refunded(payment)) === 1_034);
      expect(await refund(payment.id, 200)).toMatchObject({ refund: { payment: { state: 'REFUNDED' } } });
      expect(await provider.refunded(payment)).toBe(1_234);
    });

    test('that refuses a refund is told so, and a refund that was done without our hearing is not done twice', async () => {
      const payment = await paid();
      await provider.refunds(payment, 'refuse');
      expect(await refund(payment.id, 100)).toMatchObject({ refund: { state: 'FAILED' } });
      await provider.refunds(payment, 'succeed');
      await provider.dropWebhooks(payment, true);
      expect(await refund(payment.id, 100)).toMatchObject({ refund: { state: 'SUCCEEDED' } });
      // As after a crash before its answer was stored.
      await world.rows(
        "update refund r join payment p on p.id = r.payment_id set r.state = 'PENDING', r.settled_at = null, r.provider_refund_id = null, r.next_try_at = utc_timestamp(3), p.refunded_minor = 0, p.state = 'SETTLED' where p.id = ? and r.state = 'SUCCEEDED'",
        [bytes(payment.id)],
      );
      await paymentIn(world, payment.id, 'PARTIALLY_REFUNDED');
      await provider.dropWebhooks(payment, false);
      expect(await provider.refunded(payment)).toBe(100);
    }, 20_000);

    test('is believed by either of two keys, within five minutes either way, and by nobody else', async () => {
      const { payment } = await started();
      for (const signing of [{ by: 'stranger' }, { secondsOff: -360 }, { secondsOff: 360 }] as const) {
        expect(await provider.notify(payment, signing)).toBeGreaterThanOrEqual(400);
      }
      expect(await provider.notify(payment, {}, 1_233)).toBe(200);
      const { data } = await world.run(staff, documents.payment, { id: payment.id });
      expect(data.payment).toMatchObject({ state: 'OPEN', captured: { amount: 0 } });
      const outcomes = await world.rows("select outcome, count(*) n from webhook_inbox where provider = ? and outcome like 'REJECTED%' group by outcome order by outcome", [provider.provider]); // prettier-ignore
      expect(outcomes).toMatchObject([{ outcome: 'REJECTED_AMOUNT' }, { outcome: 'REJECTED_SIGNATURE', n: 3 }]);

      expect(await provider.notify(payment, { by: 'second', secondsOff: -240 })).toBe(200);
      await paymentIn(world, payment.id, 'SETTLED');
      const other = await started();
      expect(await provider.notify(other.payment, { by: 'first', secondsOff: 240 })).toBe(200);
      await paymentIn(world, other.payment.id, 'SETTLED');
    });
  });
}
