import { describe, expect, test } from '@jest/globals';
import { type OrderTold, openJournal } from '../../ops/torture/journal.ts';
import { type PlatformOrder, ordersAgainstJournals } from '../../ops/torture/order-verdict.ts';
import type { Movement } from '../../ops/torture/provider.ts';
import { unexpectedRefusals } from '../../ops/torture/refusals.ts';

type DeepWritable<T> = { -readonly [Key in keyof T]: DeepWritable<T[Key]> };
type Seen = { lastSeq: number; state: string; paid: boolean };

/** A small run in which every promise was kept: one order paid by card and partly refunded, one cancelled after a late charge, one refused. */
function goodRun() {
  const journal = openJournal();
  const told = (key: string, more: Partial<OrderTold>): OrderTold => ({
    key, buyer: 0, lines: [], input: {}, paid: false, cancelled: false, ...more,
  }); // prettier-ignore
  journal.orders.push(
    told('k1', { id: 'o1', number: 'N1', totalMinor: 1_000, paid: true }),
    told('k2', { id: 'o2', number: 'N2', totalMinor: 700, cancelled: true }),
    told('k3', { id: 'o3', number: 'N3', totalMinor: 50, refusal: 'INSUFFICIENT_STOCK' }),
    told('k4', { refusal: 'VALIDATION' }),
  );
  journal.payments.push(
    { orderId: 'o1', paymentId: 'p1', intent: 'pi1', charged: true },
    { orderId: 'o2', paymentId: 'p2', intent: 'pi2', charged: true },
  );
  journal.refunds.push({ key: 'f1', paymentId: 'p1', orderId: 'o1', amountMinor: 300, refundId: 'r1' });
  const order = (id: string, remark: string, more: Partial<PlatformOrder>): PlatformOrder => ({
    id, remark, number: id.replace('o', 'N'), state: 'PAID', total: { amount: 0 }, paidTotal: { amount: 0 }, refundedTotal: { amount: 0 }, customer: { id: 'u1' },
    lines: [], payments: [], history: { edges: [{ node: { seq: 1, toState: 'PLACING' } }] }, ...more,
  }); // prettier-ignore
  const payment = (more: Partial<PlatformOrder['payments'][number]>): PlatformOrder['payments'][number] => ({
    id: 'p1', method: 'SIMULATED_CARD', state: 'SETTLED', captured: { amount: 0 }, refunded: { amount: 0 }, attempts: [], refunds: [], ...more,
  }); // prettier-ignore
  const platform = [
    order('o1', 'k1', {
      total: { amount: 1_000 },
      paidTotal: { amount: 1_000 },
      refundedTotal: { amount: 300 },
      payments: [
        payment({
          state: 'PARTIALLY_REFUNDED',
          captured: { amount: 1_000 },
          refunded: { amount: 300 },
          attempts: [{ providerTransactionId: 'pi1' }],
          refunds: [{ id: 'r1', state: 'SUCCEEDED', automatic: false, amount: { amount: 300 } }],
        }),
      ],
      history: {
        edges: [{ node: { seq: 1, toState: 'PENDING_PAYMENT' } }, { node: { seq: 2, toState: 'PAID' } }],
      },
    }),
    order('o2', 'k2', {
      state: 'CANCELLED',
      total: { amount: 700 },
      payments: [
        payment({
          id: 'p2',
          state: 'CANCELLED',
          attempts: [{ providerTransactionId: 'pi2' }],
          refunds: [{ id: 'r2', state: 'SUCCEEDED', automatic: true, amount: { amount: 700 } }],
        }),
      ],
    }),
    order('o3', 'k3', { state: 'FAILED', total: { amount: 50 } }),
  ] as DeepWritable<PlatformOrder[]>;
  const movements: Movement[] = [
    { id: 'c1', type: 'charge', intent: 'pi1', amountMinor: 1_000 },
    { id: 'c2', type: 'charge', intent: 'pi2', amountMinor: 700 },
    { id: 're1', type: 'refund', intent: 'pi1', amountMinor: 300 },
    { id: 're2', type: 'refund', intent: 'pi2', amountMinor: 700 },
  ];
  const seen = new Map<string, Seen>([
    ['o1', { lastSeq: 2, state: 'PAID', paid: true }],
    ['o2', { lastSeq: 1, state: 'CANCELLED', paid: false }],
    ['o3', { lastSeq: 1, state: 'FAILED', paid: false }],
  ]);
  const buyers = [{ person: { id: 'u1', mobile: 'm1' }, watch: { seen }, followed: new Map([['o1', { lastSeq: (): number => 2 }]]) }];
  return { journal, platform, movements, seen, buyers };
} // prettier-ignore

type Run = ReturnType<typeof goodRun>;
const judge = ({ journal, buyers, platform, movements }: Run): string[] =>
  ordersAgainstJournals({ shop: { journal, buyers } as never, platform, movements });

describe('the verdict', () => {
  test('finds nothing where every promise was kept', () => {
    expect(judge(goodRun())).toEqual([]);
  });

  test.each<[string, (run: Run) => void, RegExp]>([
    ['an acknowledged order is missing', ({ platform }) => void platform.splice(0, 1), /N1 was acknowledged and is missing/],
    ['one key placed two orders', ({ platform }) => void platform.push({ ...platform[2]!, id: 'o9' }), /k3 placed 2 orders/],
    ['an order was never asked for', ({ platform }) => void platform.push({ ...platform[2]!, id: 'o9', remark: 'k9' }), /was never asked for/],
    ['another sum was acknowledged', ({ platform }) => void (platform[2]!.total.amount = 51), /over 50 and is over 51/],
    ['what was said to be paid is not', ({ platform }) => { platform[0]!.state = 'PENDING_PAYMENT'; platform[0]!.paidTotal.amount = 0; }, /said to be paid; it is PENDING_PAYMENT/],
    ['an acknowledged cancellation is not there', ({ platform }) => void (platform[1]!.state = 'PAID'), /cancellation of order N2 was acknowledged/],
    ['what was refused is there', ({ platform }) => void (platform[2]!.state = 'PENDING_PAYMENT'), /N3 was refused/],
    ['the journal has a gap', ({ platform }) => void (platform[0]!.history.edges[1]!.node.seq = 3), /journal of order N1 has a gap/],
    ['an intent was charged twice', ({ movements }) => void movements.push({ ...movements[0]!, id: 'c9' }), /pi1 was charged 2 times/],
    ['an order was charged by two attempts', ({ platform, movements }) => { platform[0]!.payments[0]!.attempts.push({ providerTransactionId: 'pi9' }); movements.push({ id: 'c9', type: 'charge', intent: 'pi9', amountMinor: 1_000 }); }, /N1 was charged twice/],
    ['the provider kept the money of a closed order', ({ movements }) => void movements.splice(3, 1), /provider kept 700/],
    ['a closed order keeps money', ({ platform }) => void (platform[1]!.paidTotal.amount = 700), /is CANCELLED and keeps 700/],
    ['the provider has a charge of nobody', ({ movements }) => void movements.push({ id: 'c9', type: 'charge', intent: 'pi9', amountMinor: 1 }), /c9 at the provider belongs to no attempt/],
    ['the provider forgot a charge that it had told of', ({ movements }) => void movements.splice(0, 1), /said that it took pi1/],
    ['a charged payment is open and nothing went back', ({ platform }) => void (platform[0]!.payments[0]!.state = 'OPEN'), /its payment is OPEN and nothing went back/],
    ['a charge is of an intent that no client was told of', ({ journal }) => void journal.payments.splice(0, 1), /charge c1 is of pi1, which no client was told of/],
    ['a placing had no answer in the end', ({ journal }) => void journal.orders.push({ ...journal.orders[3]!, key: 'k5', unanswered: true }), /placing by key k5 has no answer/],
    ['a refund had no answer in the end', ({ journal }) => void journal.refunds.push({ key: 'f2', paymentId: 'p2', orderId: 'o2', amountMinor: 1 }), /refund of payment p2 has no answer/],
    ['a refund was acknowledged to nobody', ({ platform }) => void platform[0]!.payments[0]!.refunds.push({ ...platform[0]!.payments[0]!.refunds[0]!, id: 'r9' }), /refund r9 of order N1 was acknowledged to nobody/],
    ['an acknowledged payment is missing', ({ journal }) => void journal.payments.push({ orderId: 'o1', paymentId: 'p9', intent: null, charged: false }), /payment p9 of order o1 was acknowledged and is missing/],
    ['an acknowledged refund is not done', ({ platform }) => void (platform[0]!.payments[0]!.refunds[0]!.state = 'FAILED'), /refund r1 over 300 was acknowledged; it is FAILED/],
    ['one refund was made twice', ({ platform }) => void platform[0]!.payments[0]!.refunds.push({ ...platform[0]!.payments[0]!.refunds[0]!, id: 'r9' }), /there are 2/],
    ['the feed missed the last event', ({ seen }) => void seen.set('o1', { lastSeq: 1, state: '', paid: false }), /feed of m1 told of order N1 up to 1/],
    ['the stream of one order missed the last event', ({ buyers }) => void buyers[0]!.followed.set('o1', { lastSeq: () => 1 }), /stream of order N1 told up to 1/],
    ['an order is neither paid nor closed', ({ platform }) => void (platform[2]!.state = 'PLACING'), /is still PLACING/],
  ])('tells when %s', (_, spoil, line) => {
    const run = goodRun();
    spoil(run);
    expect(judge(run).join('\n')).toMatch(line);
  }); // prettier-ignore
});

test('refusals that the doings of buyers and staff explain are none, others are told', () => {
  const refusals = new Map([
    ['placeOrder: INSUFFICIENT_STOCK', 3],
    ['placeOrder: FORBIDDEN', 2],
    ['creditWallet: VALIDATION', 1],
  ]);
  expect(unexpectedRefusals(refusals)).toEqual([
    'placeOrder: FORBIDDEN was the answer 2 times, for no reason',
    'creditWallet: VALIDATION was the answer 1 times, for no reason',
  ]);
});
