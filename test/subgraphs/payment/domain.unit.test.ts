import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type AttemptFacts, type PaymentEvent, type PaymentFacts, type ProviderFact, decideClose, decideFact, evolve, holdsOrder, isClosed, isPaid, isUnpaid, refundableMinor,
} from '../../../subgraphs/payment/domain/payment.ts'; // prettier-ignore
import {
  type RefundFacts,
  decideRefund,
  decideRefundResult,
  decideReopen,
} from '../../../subgraphs/payment/domain/refund.ts';

const amountMinor = 1_000n;
const asked = { amount: amountMinor, currency: 'EUR' };
const opened: PaymentFacts = {
  state: 'OPEN',
  currency: 'EUR',
  amountMinor,
  capturedMinor: 0n,
  refundingMinor: 0n,
  refundedMinor: 0n,
  capturingMinor: 0n,
  version: 1,
};
const ready: AttemptFacts = { state: 'REQUIRES_ACTION', live: true };
const paid: ProviderFact = { type: 'succeeded', amountMinor, currency: 'EUR' };
const declined: ProviderFact = { type: 'failed', code: 'card_declined', message: 'no' };
const canceled: ProviderFact = { type: 'canceled' };
const after = (payment: PaymentFacts, events: readonly PaymentEvent[]) => events.reduce(evolve, payment);
const settled = after(opened, [{ type: 'PaymentSettled', amountMinor }]);
const expired = after(opened, [{ type: 'PaymentExpired' }]);

describe('the decision about what a provider says', () => {
  test('settles an open payment', () => {
    const { outcome, events, attempt, refund } = decideFact(opened, ready, asked, paid);
    expect({ outcome, attempt, refund }).toEqual({
      outcome: 'APPLIED',
      attempt: { state: 'SUCCEEDED', live: false },
      refund: undefined,
    });
    expect(after(opened, events)).toMatchObject({ state: 'SETTLED', capturedMinor: 1_000n, version: 2 });
  });

  test('knows a success that it heard before', () => {
    expect(decideFact(settled, { state: 'SUCCEEDED', live: false }, asked, paid)).toMatchObject({
      outcome: 'STALE',
      events: [],
    });
  });

  test.each([declined, canceled])('does not take a success back for a late %o', (fact) => {
    expect(decideFact(settled, { state: 'SUCCEEDED', live: false }, asked, fact)).toMatchObject({
      outcome: 'STALE',
      events: [],
    });
  });

  test.each([
    { ...paid, amountMinor: 999n }, { ...paid, amountMinor: 1_001n }, { ...paid, amountMinor: 0n }, { ...paid, amountMinor: -1_000n }, { ...paid, currency: 'USD' },
  ])('never takes another amount or currency: %o', (fact) => {
    expect(decideFact(opened, ready, asked, fact)).toEqual({ outcome: 'REJECTED_AMOUNT', events: [], attempt: ready });
  }); // prettier-ignore

  test('gives money back that comes for a closed payment', () => {
    const { outcome, events, refund } = decideFact(expired, ready, asked, paid);
    expect({ outcome, refund }).toEqual({
      outcome: 'LATE_AUTO_REFUNDED',
      refund: { amountMinor: 1_000n, surplus: false },
    });
    const late = after(expired, events);
    expect(late).toMatchObject({ state: 'EXPIRED', capturedMinor: 1_000n, refundingMinor: 1_000n });
    expect(evolve(late, { type: 'RefundSucceeded', amountMinor })).toMatchObject({
      state: 'REFUNDED',
      refundedMinor: 1_000n,
    });
  });

  test('gives a second capture back without counting it', () => {
    const { outcome, events, refund } = decideFact(settled, ready, asked, paid);
    expect({ outcome, refund }).toEqual({
      outcome: 'LATE_AUTO_REFUNDED',
      refund: { amountMinor: 1_000n, surplus: true },
    });
    expect(after(settled, events)).toMatchObject({ state: 'SETTLED', capturedMinor: 1_000n, refundingMinor: 0n });
  });

  test('lets a declined attempt be paid after all', () => {
    const first = decideFact(opened, ready, asked, declined);
    expect(first.attempt).toEqual({ state: 'FAILED', live: true });
    const failed = after(opened, first.events);
    expect(failed.state).toBe('FAILED');
    expect(decideFact(failed, first.attempt, asked, declined).outcome).toBe('STALE');
    expect(after(failed, decideFact(failed, first.attempt, asked, paid).events).state).toBe('SETTLED');
  });

  test('ends an attempt whose intent was called off, and fails a payment that nobody had closed', () => {
    expect(decideFact(opened, ready, asked, canceled)).toMatchObject({
      events: [{ type: 'PaymentFailed' }],
      attempt: { state: 'CANCELLED', live: false },
    });
    expect(decideFact(expired, ready, asked, canceled)).toMatchObject({
      events: [{ type: 'AttemptEnded' }],
      attempt: { state: 'EXPIRED', live: false },
    });
  });
});

describe('closing', () => {
  test('ends what is unpaid, once', () => {
    expect(decideClose(opened, 'CANCELLED')).toEqual([{ type: 'PaymentCancelled' }]);
    expect(decideClose(expired, 'CANCELLED')).toEqual([]);
  });
  test('leaves what is paid alone', () => {
    expect(decideClose(settled, 'EXPIRED')).toBeNull();
  });
});

const eventsOf = (decision: ReturnType<typeof decideReopen>) => ('events' in decision ? decision.events : []);
const asking: RefundFacts = {
  state: 'PENDING',
  amountMinor,
  automatic: false,
  surplus: false,
  counted: false,
  failure: null,
};

describe('a refund', () => {
  test('is limited to what is left', () => {
    const partly = after(settled, [{ type: 'RefundRequested', amountMinor: 400n }]);
    expect(decideRefund(partly, 601n)).toMatchObject({
      refusal: { __typename: 'RefundLimitError', refundable: { amount: 600, currency: 'EUR' } },
    });
    expect(decideRefund(partly, 600n)).toHaveProperty('events');
    expect(decideRefund(opened, 1n)).toHaveProperty('refusal');
  });
  test('that the provider refuses is free again', () => {
    const pending = after(settled, [{ type: 'RefundRequested', amountMinor }]);
    const failed = after(pending, decideRefundResult(asking, 'failed').events);
    expect(refundableMinor(failed)).toBe(1_000n);
    expect(after(failed, eventsOf(decideReopen(failed, { ...asking, state: 'FAILED' })))).toEqual({
      ...pending,
      version: pending.version + 2,
    });
  });
  test('that the platform decided on stays owed however often the provider refuses it', () => {
    const owed = { ...asking, automatic: true };
    expect(decideRefundResult(owed, 'failed', 'no_funds')).toEqual({
      events: [{ type: 'RefundRefused', code: 'no_funds' }],
      state: 'PENDING',
      again: true,
    });
    const refused = { ...owed, failure: 'no_funds' };
    expect(decideRefundResult(refused, 'failed')).toEqual({ events: [], state: 'PENDING', again: true });
    expect(decideReopen(settled, refused)).toEqual({ events: [] });
  });
  test("that comes back from the customer's bank is made again, and counted once", () => {
    const done = { ...asking, state: 'SUCCEEDED' as const, counted: true };
    const returned = decideRefundResult(done, 'failed');
    expect(returned).toMatchObject({ events: [{ type: 'RefundReturned' }], state: 'PENDING', again: true });
    const repeated = decideRefundResult({ ...done, state: 'PENDING' }, 'succeeded');
    expect(repeated).toMatchObject({ events: [{ type: 'RefundRepeated' }], state: 'SUCCEEDED', again: false });
    const refunded = after(settled, [
      { type: 'RefundRequested', amountMinor },
      { type: 'RefundSucceeded', amountMinor },
    ]);
    expect(after(refunded, [...returned.events, ...repeated.events])).toEqual({ ...refunded, version: 6 });
  });
  test('that has ended hears nothing new', () => {
    for (const result of ['succeeded', 'failed', 'pending'] as const) {
      expect(decideRefundResult({ ...asking, state: 'FAILED' }, result)).toMatchObject({ events: [], state: 'FAILED' });
    }
    for (const result of ['succeeded', 'pending'] as const) {
      expect(decideRefundResult({ ...asking, state: 'SUCCEEDED', counted: true }, result)).toMatchObject({
        events: [],
      });
    }
  });
});

test('an event that would break an invariant throws', () => {
  expect(() => evolve(opened, { type: 'PaymentSettled', amountMinor: 1_001n })).toThrow(RangeError);
  expect(() => evolve(opened, { type: 'RefundRequested', amountMinor: 1n })).toThrow(RangeError);
  expect(() => evolve(settled, { type: 'RefundSucceeded', amountMinor: 1n })).toThrow(RangeError);
});

type Step =
  | { do: 'fact'; attempt: number; fact: ProviderFact }
  | { do: 'close'; as: 'CANCELLED' | 'EXPIRED' }
  | { do: 'retry' }
  | { do: 'refund'; amountMinor: bigint }
  | { do: 'result'; refund: number; result: 'succeeded' | 'failed' | 'pending' };
type World = {
  payment: PaymentFacts;
  attempts: AttemptFacts[];
  refunds: RefundFacts[];
  charged: bigint;
};

const minor = fc.bigInt({ min: 1n, max: 1_200n });
const facts = fc.oneof(
  fc.record({
    type: fc.constant('succeeded' as const),
    amountMinor: fc.oneof(fc.constant(amountMinor), minor),
    currency: fc.constantFrom('EUR', 'EUR', 'USD'),
  }),
  fc.record({ type: fc.constant('failed' as const), code: fc.constant('card_declined'), message: fc.constant('') }),
  fc.record({ type: fc.constant('canceled' as const) }),
);
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('fact' as const), attempt: fc.nat(3), fact: facts }),
    fc.record({ do: fc.constant('close' as const), as: fc.constantFrom('CANCELLED' as const, 'EXPIRED' as const) }),
    fc.record({ do: fc.constant('retry' as const) }),
    fc.record({ do: fc.constant('refund' as const), amountMinor: minor }),
    fc.record({
      do: fc.constant('result' as const),
      refund: fc.nat(5),
      result: fc.constantFrom('succeeded' as const, 'failed' as const, 'pending' as const),
    }),
  ),
  { maxLength: 40 },
);

/** One step as the commands do it; a step that does not apply changes nothing. */
function step(world: World, given: Step): World {
  const { payment } = world;
  switch (given.do) {
    case 'fact': {
      const attempt = world.attempts[given.attempt];
      if (!attempt) return world;
      const decision = decideFact(payment, attempt, asked, given.fact);
      const took =
        given.fact.type === 'succeeded' &&
        (decision.outcome === 'APPLIED' || decision.outcome === 'LATE_AUTO_REFUNDED');
      return {
        payment: after(payment, decision.events),
        attempts: world.attempts.with(given.attempt, decision.attempt),
        refunds: decision.refund
          ? [...world.refunds, { ...asking, state: 'REQUESTED', automatic: true, ...decision.refund }]
          : world.refunds,
        charged: world.charged + (took ? amountMinor : 0n),
      };
    }
    case 'close':
      return { ...world, payment: after(payment, decideClose(payment, given.as) ?? []) };
    case 'retry':
      return payment.state === 'FAILED'
        ? { ...world, payment: evolve(payment, { type: 'PaymentRetried' }), attempts: [...world.attempts, ready] }
        : world;
    case 'refund': {
      const decision = decideRefund(payment, given.amountMinor);
      if ('refusal' in decision) return world;
      return {
        ...world,
        payment: after(payment, decision.events),
        refunds: [...world.refunds, { ...asking, state: 'REQUESTED', amountMinor: given.amountMinor }],
      };
    }
    case 'result': {
      const refund = world.refunds[given.refund];
      if (!refund) return world;
      const decision = decideRefundResult(refund, given.result);
      return {
        ...world,
        payment: after(payment, decision.events),
        refunds: world.refunds.with(given.refund, {
          ...refund,
          state: decision.state,
          counted: refund.counted || decision.state === 'SUCCEEDED',
          failure: given.result === 'failed' ? 'failed' : refund.failure,
        }),
      };
    }
  }
}

const sum = (amounts: bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);

test('any order of facts, commands and refunds keeps the invariants', () => {
  fc.assert(
    fc.property(steps, (given) => {
      let world: World = { payment: opened, attempts: [ready], refunds: [], charged: 0n };
      for (const one of given) {
        const before = world;
        world = step(before, one);
        const { payment, refunds } = world;
        // What came in never gets less, nor what went back, nor the journal.
        expect(payment.capturedMinor >= before.payment.capturedMinor).toBe(true);
        expect(payment.refundedMinor >= before.payment.refundedMinor).toBe(true);
        expect(payment.version >= before.payment.version).toBe(true);
        // The counters are what the refunds are.
        const counted = refunds.filter((refund) => !refund.surplus);
        expect(payment.refundedMinor).toBe(
          sum(counted.filter((refund) => refund.counted).map((refund) => refund.amountMinor)),
        );
        expect(payment.refundingMinor).toBe(
          sum(counted.filter(({ state }) => state !== 'FAILED').map((refund) => refund.amountMinor)),
        );
        // All the money that the provider took is either the payment's or on its way back.
        const surplus = sum(refunds.filter((refund) => refund.surplus).map((refund) => refund.amountMinor));
        expect(payment.capturedMinor + surplus).toBe(world.charged);
        // A payment is unpaid, closed or paid; what is unpaid has no money; whatever was paid once never waits again.
        expect([isUnpaid(payment.state), isClosed(payment.state), isPaid(payment.state)].filter(Boolean)).toHaveLength(
          1,
        );
        if (isUnpaid(payment.state)) expect(payment.capturedMinor).toBe(0n);
        if (isPaid(before.payment.state)) expect(isPaid(payment.state)).toBe(true);
        if (!holdsOrder(before.payment.state)) expect(isUnpaid(payment.state)).toBe(false);
      }
    }),
    { numRuns: 2_000 },
  );
});
