import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type PaymentWorld, bytes, create, documents, openPaymentWorld, staff, user } from './support/payment-world.ts';
import { event, postEvent, refundEvent } from './support/webhook-events.ts';

/** No worker: nothing but the webhooks tells of anything. */
let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld({ worker: false });
});
afterAll(async () => {
  await world?.close();
});

const copies = 3;
const paymentsAtOnce = 8;

/** All orders of `items`: 120 of five. */
const ordersOf = <T>(items: readonly T[]): T[][] =>
  items.length === 0
    ? [[]]
    : items.flatMap((item, index) => ordersOf(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));

/** A generator of numbers in [0, 1) that gives the same ones for the same seed, so that a failure can be repeated. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

async function open() {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  const payment = await create(world, buyer, order.id);
  return {
    order,
    id: payment.id,
    attemptId: payment.attempts[0].id,
    intent: payment.attempts[0].providerTransactionId,
  };
}
type Opened = Awaited<ReturnType<typeof open>>;

/** What a card that is declined twice, a bank that thinks it over, a buyer who gives up and money that comes all the same would say. */
const wordsOfPaying = ({ intent, attemptId }: Opened) => {
  const declined = (code: string) =>
    event(
      intent,
      attemptId,
      { status: 'requires_payment_method', last_payment_error: { code, message: 'no' } },
      'payment_intent.payment_failed',
    );
  return [
    declined('card_declined'),
    declined('insufficient_funds'),
    event(intent, attemptId, { status: 'processing' }, 'payment_intent.processing'),
    event(intent, attemptId, { status: 'canceled' }, 'payment_intent.canceled'),
    event(intent, attemptId),
  ];
};

/** What can be seen of a payment once all has been said. */
async function outcomeOf({ order, id }: Opened) {
  const [payment] = await world.rows('select state, captured_minor captured, refunding_minor refunding, refunded_minor refunded, version from payment where id = ?', [bytes(id)]); // prettier-ignore
  const attempts = await world.rows('select state, live from attempt where payment_id = ?', [bytes(id)]);
  const refunds = await world.rows('select state, amount_minor amount from refund where payment_id = ? order by amount_minor', [bytes(id)]); // prettier-ignore
  const told = await world.rows(
    "select type from outbox where aggregate_id = ? and type <> 'payment.started' order by id",
    [bytes(order.id)],
  );
  const [journal] = await world.rows("select count(*) entries, sum(type = 'PaymentSettled') settled from payment_event where payment_id = ?", [bytes(id)]); // prettier-ignore
  expect(Number(journal.entries)).toBe(payment.version);
  return {
    state: payment.state,
    captured: Number(payment.captured),
    refunding: Number(payment.refunding),
    refunded: Number(payment.refunded),
    attempts,
    refunds: refunds.map(({ state, amount }) => [state, Number(amount)]),
    settled: Number(journal.settled),
    told: told.map(({ type }) => type).filter((type) => type !== 'payment.failed' && type !== 'payment.awaited'),
  };
}

/** Runs `work` for every item, a few at a time. */
async function each<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  const queue = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) await work(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: paymentsAtOnce }, worker));
}

/** How often each of the events came, as its first delivery counts: of repetitions only so many a minute are kept. */
const attemptsOf = async (events: readonly { id: string }[]): Promise<number[]> =>
  (await world.rows('select attempts from webhook_inbox where authentic_event_id in (?)', [events.map(({ id }) => id)])).map(({ attempts }) => attempts); // prettier-ignore
const deliver = async (told: unknown): Promise<void> => {
  const { status } = await postEvent(world.webhookUrl, told);
  expect(status).toBe(200);
};

const paid = {
  state: 'SETTLED',
  captured: 1234,
  refunding: 0,
  refunded: 0,
  attempts: [{ state: 'SUCCEEDED', live: null }],
  refunds: [],
  settled: 1,
  told: ['payment.succeeded'],
};

describe('five webhooks of a payment, each delivered three times, leave one final state', () => {
  test('in all 120 orders, the three of each at once', async () => {
    const orders = ordersOf([0, 1, 2, 3, 4]);
    expect(orders).toHaveLength(120);
    await each(orders, async (order) => {
      const payment = await open();
      const words = wordsOfPaying(payment);
      for (const index of order) await Promise.all(Array.from({ length: copies }, () => deliver(words[index])));
      expect({ order, ...(await outcomeOf(payment)) }).toEqual({ order, ...paid });
      expect(await attemptsOf(words)).toEqual(words.map(() => copies));
    });
  }, 120_000);

  test('in 120 random orders of all fifteen, all at once', async () => {
    const random = seededRandom(5);
    const shuffled = <T>(items: T[]): T[] =>
      items
        .map((item) => ({ item, at: random() }))
        .toSorted((left, right) => left.at - right.at)
        .map(({ item }) => item);
    await each(Array.from({ length: 120 }), async (_, run) => {
      const payment = await open();
      const words = wordsOfPaying(payment);
      await Promise.all(shuffled(words.flatMap((word) => Array.from({ length: copies }, () => word))).map(deliver));
      expect({ run, ...(await outcomeOf(payment)) }).toEqual({ run, ...paid });
    });
  }, 120_000);

  test('in all 120 orders when two refunds are among them, of which the answers were lost', async () => {
    const payments: (Opened & { refundIds: string[] })[] = [];
    await each(Array.from({ length: 120 }), async () => {
      const payment = await open();
      await deliver(event(payment.intent, payment.attemptId));
      payments.push({ ...payment, refundIds: [] });
    });
    world.providerProxy.cut();
    await each(payments, async (payment) => {
      for (const amount of [234, 1000]) {
        const input = { paymentId: payment.id, amount: { amount, currency: 'EUR' }, reason: 'broken' };
        const { data } = await world.run(staff, documents.refund, { input, key: newId() });
        expect(data.refundPayment).toMatchObject({ userErrors: [], refund: { state: 'PENDING' } });
        payment.refundIds.push(data.refundPayment.refund.id);
      }
    });
    world.providerProxy.mend();
    const orders = ordersOf([0, 1, 2, 3, 4]);
    await each(payments, async (payment, run) => {
      const [first, second] = payment.refundIds as [string, string];
      const [failed, , , canceled, succeeded] = wordsOfPaying(payment);
      const refunds = [refundEvent(payment.intent, first, 234), refundEvent(payment.intent, second, 1000)];
      const words = [failed, canceled, succeeded, ...refunds];
      const order = orders[run] as number[];
      for (const index of order) await Promise.all(Array.from({ length: copies }, () => deliver(words[index])));
      expect({ order, ...(await outcomeOf(payment)) }).toEqual({
        order,
        ...paid,
        state: 'REFUNDED',
        refunding: 1234,
        refunded: 1234,
        refunds: [['SUCCEEDED', 234], ['SUCCEEDED', 1000]],
        told: ['payment.succeeded', 'payment.refunded', 'payment.refunded'],
      }); // prettier-ignore
    });
  }, 120_000);
});
