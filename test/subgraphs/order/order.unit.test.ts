import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { allowedActions } from '../../../subgraphs/order/domain/actions.ts';
import {
  balanceDueMinor,
  decide,
  effectiveState,
  evolve,
  paymentStatusOf,
  stateAfter,
} from '../../../subgraphs/order/domain/order.ts';
import {
  type Decision,
  type Order,
  type OrderCommand,
  type OrderEvent,
  type OrderState,
  closedStates,
  orderStates,
  terminalStates,
  transitions,
} from '../../../subgraphs/order/domain/order-model.ts';
import { refundPendingMinor } from '../../../subgraphs/order/domain/giving-back.ts';
import { booking } from '../../../subgraphs/order/types/booking.ts';
import { standard } from '../../../subgraphs/order/types/standard.ts';
import { aLine, after, anOrder, anyCommand, commands, expiresAt, inTime, placedAt } from './fixtures.ts';

const eventsOf = (decision: Decision): readonly OrderEvent[] => {
  if ('refusal' in decision) throw new Error(`refused: ${decision.refusal.code}`);
  return decision.events;
};
const run = (order: Order, command: OrderCommand, at = inTime): Order =>
  eventsOf(decide(order, command, at)).reduce((current, event) => evolve(current, event, at), order);
const netMinor = (order: Order): bigint => order.paidMinor - order.refundedMinor;

/**
 * What each command does in each state, before the deadline: the state it leads to, `=` for accepted without another
 * state, `·` for nothing to do, `!` for refused.
 */
const table: Readonly<Record<OrderCommand['type'], Readonly<Record<OrderState, string>>>> = (() => {
  const columns: readonly OrderState[] = orderStates;
  const rows = `
    ConfirmStock     PENDING_PAYMENT · ! ! ! ! ! ! ! ! !
    ConfirmPrepaid   PAID ! · · · · ! ! ! · ·
    ConfirmFree      ! ! · · · · ! ! ! · ·
    FailPlacing      FAILED ! ! ! ! ! ! ! · ! !
    MarkPaid         = PAID = = = = = = = = =
    RecordRefund     = = REFUNDED REFUNDED = = = = = REFUNDED =
    RecordDispute    = = = = = = = = = = =
    AwaitPayment     · = · · · · · · · · ·
    StopAwaiting     · · · · · · · · · · ·
    Expire           ! ! ! ! ! ! ! · ! ! !
    Cancel           ! CANCELLED CANCELLED CANCELLED ! ! · ! ! CANCELLED !
    CancelLines      ! ! = = ! ! ! ! ! = !
    Refund           ! ! = = = = ! ! ! = !
    RequestReturn    ! ! ! ! = ! ! ! ! ! !
    DecideReturn     ! ! ! ! = ! ! ! ! ! !
    ReceiveReturn    ! ! ! ! = ! ! ! ! ! !
    CancelReturn     ! ! ! ! = ! ! ! ! ! !
    Redeem           ! ! COMPLETED ! · ! ! ! ! ! !
    Lapse            ! ! · ! ! · ! ! ! ! !
    StartProcessing  ! ! PROCESSING · · ! ! ! ! ! !
    Complete         ! ! COMPLETED COMPLETED · ! ! ! ! ! !
    Fulfil           ! ! COMPLETED COMPLETED ! ! ! ! ! ! !
    MarkDelivered    = = = = = = = = = = =
    CancelFulfilment ! ! ! = ! ! ! ! ! ! !
    PostponeAdvance  ! ! = = ! ! ! ! ! ! !
    NeedAttention    ! ! NEEDS_ATTENTION NEEDS_ATTENTION ! ! ! ! ! · !
    ResolveAttention ! ! ! ! ! ! ! ! ! COMPLETED !
    ChangeRemark     = = = = ! ! ! ! ! = !
    AddNote          = = = = = = = = = = =
    Archive          ! ! ! ! = = = = = ! =
    Unarchive        · · · · · · · · · · ·`;
  const parsed = rows
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/));
  return Object.fromEntries(
    parsed.map(([command, ...cells]) => [
      command,
      Object.fromEntries(columns.map((state, index) => [state, cells[index]])),
    ]),
  ) as never;
})();

describe('every command in every state', () => {
  for (const command of Object.values(commands)) {
    for (const state of orderStates) {
      const expected = table[command.type][state];
      test(`${command.type} in ${state}: ${expected}`, () => {
        const order = anOrder({ state });
        const decision = decide(order, command, inTime);
        if ('refusal' in decision) {
          expect(expected).toBe('!');
          expect(decision.refusal).toMatchObject({ __typename: 'OrderStateError', state });
          return;
        }
        const next = run(order, command);
        const label = decision.events.length === 0 ? '·' : next.state === state ? '=' : next.state;
        expect(label).toBe(expected);
      });
    }
  }

  test('an order that costs nothing is paid as soon as its stock is held, without a payment', () => {
    const free = anOrder({ state: 'PLACING', totalMinor: 0n });
    const events = eventsOf(decide(free, commands.ConfirmFree, inTime));
    expect(events.map(({ type }) => type)).toEqual(['StockReserved', 'OrderPaid']);
    expect(events[1]).toMatchObject({ paymentId: null, amountMinor: 0n, method: 'NONE', advances: true });
    const paid = run(free, commands.ConfirmFree);
    expect(paid).toMatchObject({ state: 'PAID', paymentStatus: 'NOT_REQUIRED', paidAt: inTime, advanceAt: inTime });
    expect(run(paid, commands.ConfirmFree)).toEqual(paid);
  });

  test('the transition table leaves no way out of a terminal state', () => {
    for (const state of terminalStates) expect(transitions[state]).toEqual([]);
  });

  test('[OB-3] only the transition table decides what an event may follow', () => {
    const events: OrderEvent[] = [
      { type: 'StockReserved' }, { type: 'PlacingFailed', reason: 'OUT_OF_STOCK', detail: null }, { type: 'OrderExpired' },
      { type: 'OrderCancelled', reason: 'CUSTOMER', note: null }, { type: 'ProcessingStarted' }, { type: 'OrderCompleted' }, { type: 'OrderRedeemed' }, { type: 'OrderLapsed' }, { type: 'AttentionNeeded', error: '' },
    ]; // prettier-ignore
    for (const state of orderStates)
      for (const event of events) {
        const apply = () => evolve(anOrder({ state }), event, inTime);
        if (transitions[state].includes(stateAfter(event) as OrderState)) expect(apply).not.toThrow();
        else expect(apply).toThrow(`${event.type} can't follow ${state}`);
      }
  });
});

describe('the deadline', () => {
  const pending = anOrder();
  const pay = (paidAt: Date, at = paidAt) => decide(pending, { ...commands.MarkPaid, paidAt }, at);

  test('an unpaid order reads EXPIRED from exactly its deadline on', () => {
    expect(effectiveState(pending, after(expiresAt, -1))).toBe('PENDING_PAYMENT');
    expect(effectiveState(pending, expiresAt)).toBe('EXPIRED');
    expect(effectiveState(anOrder({ state: 'PAID' }), after(expiresAt, 1))).toBe('PAID');
  });

  test('a payment one millisecond before the deadline pays the order', () => {
    expect(eventsOf(pay(after(expiresAt, -1)))).toMatchObject([{ type: 'OrderPaid' }]);
  });

  test('a payment exactly at the deadline is refused as ORDER_EXPIRED', () => {
    expect(eventsOf(pay(expiresAt))).toMatchObject([{ type: 'PaymentRefused', reason: 'ORDER_EXPIRED' }]);
  });

  test('a payment one millisecond after the deadline is refused as ORDER_EXPIRED', () => {
    expect(eventsOf(pay(after(expiresAt, 1)))).toMatchObject([{ type: 'PaymentRefused', reason: 'ORDER_EXPIRED' }]);
  });

  test('a payment made in time counts when it is heard of after the deadline, as long as the order was not expired', () => {
    expect(eventsOf(pay(after(expiresAt, -1), after(expiresAt, 5_000)))).toMatchObject([{ type: 'OrderPaid' }]);
  });

  test('a payment of an order that was expired is refused, whenever it was made', () => {
    const decision = decide(anOrder({ state: 'EXPIRED' }), { ...commands.MarkPaid, paidAt: placedAt }, inTime);
    expect(eventsOf(decision)).toMatchObject([{ type: 'PaymentRefused', reason: 'ORDER_EXPIRED' }]);
  });

  test('an order past its deadline is not cancelled but refused as ORDER_EXPIRED', () => {
    expect(decide(pending, commands.Cancel, expiresAt)).toMatchObject({ refusal: { code: 'ORDER_EXPIRED', state: 'EXPIRED' } }); // prettier-ignore
    expect(decide(pending, commands.Expire, after(expiresAt, -1))).toMatchObject({ refusal: { code: 'ORDER_STATE' } });
  });

  test('nothing is due of an order past its deadline', () => {
    expect(balanceDueMinor(pending, after(expiresAt, -1))).toBe(5_000n);
    expect(balanceDueMinor(pending, expiresAt)).toBe(0n);
  });
});

describe('money', () => {
  test('a part of the total leaves the order waiting, the rest pays it', () => {
    const part = run(anOrder(), { ...commands.MarkPaid, amountMinor: 2_000n });
    expect(part).toMatchObject({ state: 'PENDING_PAYMENT', paymentStatus: 'PARTIALLY_PAID', paidMinor: 2_000n });
    expect(run(part, { ...commands.MarkPaid, paymentId: 'payment-2', amountMinor: 3_000n })).toMatchObject({
      state: 'PAID',
      paymentStatus: 'PAID',
    });
  });

  test('an order with a part of its money is cancelled, and that goes back', () => {
    const part = run(anOrder(), { ...commands.MarkPaid, amountMinor: 2_000n });
    expect(eventsOf(decide(part, commands.Cancel, inTime))).toEqual([
      { type: 'OrderCancelled', reason: 'CUSTOMER', note: null, refundMinor: 2_000n },
    ]);
    expect(refundPendingMinor(run(part, commands.Cancel))).toBe(2_000n);
  });

  test('a second payment is refused, and its refund leaves the order paid', () => {
    const twice = run(anOrder({ state: 'PAID' }), { ...commands.MarkPaid, paymentId: 'payment-2' });
    expect(twice).toMatchObject({ state: 'PAID', paidMinor: 10_000n, paymentStatus: 'OVERPAID' });
    const back = run(twice, { ...commands.RecordRefund, paymentId: 'payment-2' });
    expect(netMinor(back)).toBe(5_000n);
  });

  test('the payment status follows from the amounts and the state', () => {
    const status = (paidMinor: bigint, refundedMinor: bigint, state: OrderState = 'PAID', totalMinor = 5_000n) =>
      paymentStatusOf({ state, totalMinor, paidMinor, refundedMinor, authorizedMinor: 0n });
    expect(status(0n, 0n, 'PENDING_PAYMENT')).toBe('UNPAID');
    expect(status(0n, 0n, 'PENDING_PAYMENT', 0n)).toBe('NOT_REQUIRED');
    for (const state of closedStates) expect(status(0n, 0n, state)).toBe('VOIDED');
    expect(status(4_999n, 0n)).toBe('PARTIALLY_PAID');
    expect(status(5_000n, 0n)).toBe('PAID');
    expect(status(5_001n, 0n)).toBe('OVERPAID');
    expect(status(5_000n, 1n)).toBe('PARTIALLY_REFUNDED');
    expect(status(5_000n, 5_000n)).toBe('REFUNDED');
  });
});

describe('delivery', () => {
  const lines = [
    aLine({ id: 'line-1', quantity: 2, fulfilledQuantity: 0, needsFulfilment: true }),
    aLine({ id: 'line-2', quantity: 1, fulfilledQuantity: 0, needsFulfilment: true }),
    aLine({ id: 'line-3', quantity: 5, fulfilledQuantity: 0, needsFulfilment: false }),
  ];
  const paid = anOrder({ state: 'PAID', lines });
  const fulfil = (given: { lineId: string; quantity: number }[] | null) => ({ ...commands.Fulfil, lines: given });

  test('in parts: the first starts the processing, the last completes the order', () => {
    const first = run(paid, fulfil([{ lineId: 'line-1', quantity: 1 }]));
    expect(first).toMatchObject({ state: 'PROCESSING', fulfilmentStatus: 'PARTIALLY_FULFILLED' });
    const last = run(first, fulfil(null));
    expect(last).toMatchObject({ state: 'COMPLETED', fulfilmentStatus: 'FULFILLED' });
    expect(last.lines.map((line) => line.fulfilledQuantity)).toEqual([2, 1, 0]);
  });

  test('[AP-5] that was cancelled is open again, whole and in part', () => {
    const first = run(paid, fulfil([{ lineId: 'line-1', quantity: 1 }]));
    const second = run(first, fulfil([{ lineId: 'line-2', quantity: 1 }]));
    const facts = (lineId: string) => ({ id: 'one', lines: [{ lineId, quantity: 1 }], deliveredAt: null, cancelledAt: null }); // prettier-ignore
    const cancel = (lineId: string) => ({ ...commands.CancelFulfilment, fulfilment: facts(lineId) });
    const half = run(second, cancel('line-1'));
    expect(half).toMatchObject({ state: 'PROCESSING', fulfilmentStatus: 'PARTIALLY_FULFILLED' });
    const none = run(half, cancel('line-2'));
    expect(none).toMatchObject({ state: 'PROCESSING', fulfilmentStatus: 'UNFULFILLED' });
    expect(none.lines.map((line) => line.fulfilledQuantity)).toEqual([0, 0, 0]);
    expect(run(none, fulfil(null))).toMatchObject({ state: 'COMPLETED', fulfilmentStatus: 'FULFILLED' });
  });

  test('[AP-2] that was cancelled after all money went back ends the order as REFUNDED', () => {
    const first = run(paid, fulfil([{ lineId: 'line-1', quantity: 1 }]));
    const refunded = { ...first, refundedMinor: first.paidMinor };
    const facts = { id: 'one', lines: [{ lineId: 'line-1', quantity: 1 }], deliveredAt: null, cancelledAt: null };
    expect(run(refunded, { ...commands.CancelFulfilment, fulfilment: facts })).toMatchObject({ state: 'REFUNDED' });
  });

  test('[AP-5] that has arrived is not cancelled, one that was cancelled does not arrive, and twice is once', () => {
    const processing = anOrder({ state: 'PROCESSING' });
    const facts = { id: 'one', lines: [], deliveredAt: null, cancelledAt: null };
    const arrived = { ...facts, deliveredAt: inTime };
    const cancelled = { ...facts, cancelledAt: inTime };
    const outcome = (type: 'MarkDelivered' | 'CancelFulfilment', fulfilment: typeof arrived | typeof cancelled) =>
      decide(processing, { type, fulfilment, reason: 'lost' } as OrderCommand, inTime);
    expect(outcome('CancelFulfilment', arrived)).toMatchObject({ refusal: { cause: 'FULFILMENT_DELIVERED' } });
    expect(outcome('MarkDelivered', cancelled)).toMatchObject({ refusal: { cause: 'FULFILMENT_CANCELLED' } });
    expect(outcome('MarkDelivered', arrived)).toEqual({ events: [] });
    expect(outcome('CancelFulfilment', cancelled)).toEqual({ events: [] });
  });

  test('more pieces than are left, of one line or of the same line twice, are refused', () => {
    for (const wanted of [
      [{ lineId: 'line-1', quantity: 3 }],
      [
        { lineId: 'line-1', quantity: 1 },
        { lineId: 'line-1', quantity: 2 },
      ],
      [{ lineId: 'line-1', quantity: 0 }],
      [{ lineId: 'line-1', quantity: -1 }],
      [{ lineId: 'line-3', quantity: 1 }],
      [{ lineId: 'another', quantity: 1 }],
      [],
    ])
      // prettier-ignore
      expect(decide(paid, fulfil(wanted), inTime)).toMatchObject({ refusal: { code: 'VALIDATION' } });
  });
});

describe('allowed actions', () => {
  test('are those that decide accepts', () => {
    const owner = { owner: true, staff: false };
    const staff = { owner: false, staff: true };
    expect(allowedActions(anOrder(), inTime, owner, standard)).toEqual(['PAY', 'CANCEL']);
    // It reads EXPIRED, and is put away once it is closed.
    expect(allowedActions(anOrder(), expiresAt, owner, standard)).toEqual([]);
    expect(allowedActions(anOrder({ state: 'EXPIRED' }), expiresAt, owner, standard)).toEqual(['ARCHIVE']);
    expect(allowedActions(anOrder({ state: 'PAID' }), inTime, staff, standard)).toEqual([
      'CANCEL',
      'ADVANCE',
      'FULFIL',
      'REFUND',
    ]);
    expect(allowedActions(anOrder({ state: 'NEEDS_ATTENTION' }), inTime, staff, standard)).toEqual([
      'CANCEL',
      'REFUND',
      'RESOLVE',
    ]);
    const booked = { fulfilmentStatus: 'NOT_REQUIRED', state: 'PAID' } as const;
    expect(allowedActions(anOrder(booked), inTime, staff, booking)).toEqual(['CANCEL', 'REDEEM', 'REFUND']);
    expect(allowedActions(anOrder(booked), inTime, owner, booking)).toEqual(['CANCEL']);
    expect(allowedActions(anOrder({ ...booked, refundedMinor: 5_000n }), inTime, staff, booking)).toEqual([]);
    const failed = anOrder({ state: 'FAILED' });
    expect(allowedActions(failed, inTime, staff, standard, 'STUCK')).toEqual(['ARCHIVE', 'RETRY']);
    expect(allowedActions(failed, inTime, staff, standard, 'COMPENSATING')).toEqual(['ARCHIVE']);
    expect(allowedActions(failed, inTime, owner, standard, 'STUCK')).toEqual(['ARCHIVE']);
    // Staff are the customer of an order of their own; a seller may neither cancel nor put away.
    const own = { owner: true, staff: true };
    expect(allowedActions(anOrder({ state: 'PAID' }), inTime, own, standard)).toEqual(['CANCEL']);
    expect(allowedActions(failed, inTime, own, standard, 'STUCK')).toEqual(['ARCHIVE']);
    expect(allowedActions(anOrder({ state: 'NEEDS_ATTENTION' }), inTime, own, standard)).toEqual(['CANCEL']);
    expect(allowedActions(anOrder(booked), inTime, own, booking)).toEqual(['CANCEL']);
    const seller = { owner: false, staff: false };
    for (const state of orderStates) expect(allowedActions(anOrder({ state }), inTime, seller, booking)).toEqual([]);
    // Nothing is left to be given back, or it goes back by itself.
    const asked = anOrder({ state: 'COMPLETED', refundPendingMinor: 5_000n });
    expect(allowedActions(asked, inTime, staff, standard)).toEqual(['ARCHIVE']);
    expect(allowedActions(anOrder({ state: 'CANCELLED', paidMinor: 5_000n }), inTime, staff, standard)).toEqual(['ARCHIVE']); // prettier-ignore
  });
});

describe('any sequence of commands', () => {
  const times = fc.integer({ min: -2_000, max: 2_000 }).map((ms) => after(expiresAt, ms));
  const steps = fc.array(fc.tuple(anyCommand, times), { maxLength: 40 });
  const twoLines = [
    aLine({ id: 'line-1', quantity: 2, fulfilledQuantity: 0, needsFulfilment: true }),
    aLine({ id: 'line-2', quantity: 1, fulfilledQuantity: 0, needsFulfilment: true }),
  ];

  /** Runs the steps and calls `check` after each that was accepted. */
  const play = (given: readonly (readonly [OrderCommand, Date])[], check: (before: Order, next: Order, events: readonly OrderEvent[]) => void) => {
    let order = anOrder({ state: 'PLACING', lines: twoLines });
    for (const [command, at] of given) {
      const decision = decide(order, command, at);
      if ('refusal' in decision) continue;
      const next = decision.events.reduce((current, event) => evolve(current, event, at), order);
      check(order, next, decision.events);
      order = next;
    }
  }; // prettier-ignore

  test('what decide accepts always evolves, along the transition table', () => {
    fc.assert(
      fc.property(steps, (given) => {
        play(given, (before, _, events) => {
          let { state } = before;
          for (const event of events) {
            const to = stateAfter(event);
            if (to === null) continue;
            expect(transitions[state]).toContain(to);
            state = to;
          }
        });
      }),
      { numRuns: 500 },
    );
  });

  test('terminal states stay, and what was paid and refunded only grows', () => {
    fc.assert(
      fc.property(steps, (given) => {
        play(given, (before, next) => {
          if (terminalStates.includes(before.state)) expect(next.state).toBe(before.state);
          expect(next.paidMinor).toBeGreaterThanOrEqual(before.paidMinor);
          expect(next.refundedMinor).toBeGreaterThanOrEqual(before.refundedMinor);
          expect(next.refundedMinor).toBeLessThanOrEqual(next.paidMinor);
        });
      }),
      { numRuns: 500 },
    );
  });

  test('money that a closed order gets is always sent back', () => {
    fc.assert(
      fc.property(steps, (given) => {
        play(given, (before, next, events) => {
          if (!closedStates.includes(before.state) || next.paidMinor === before.paidMinor) return;
          expect(events.every(({ type }) => type === 'PaymentRefused' || type === 'RefundRecorded')).toBe(true);
        });
      }),
      { numRuns: 500 },
    );
  });

  test('no more is delivered than was bought, and an order is PAID only with its money', () => {
    fc.assert(
      fc.property(steps, (given) => {
        play(given, (before, next) => {
          for (const line of next.lines) expect(line.fulfilledQuantity).toBeLessThanOrEqual(line.quantity);
          if (before.state === 'PENDING_PAYMENT' && next.state === 'PAID')
            expect(next.paidMinor).toBeGreaterThanOrEqual(next.totalMinor);
        });
      }),
      { numRuns: 500 },
    );
  });

  test('repeating a command that changed the state changes nothing more', () => {
    const idempotent: OrderCommand[] = [
      commands.ConfirmStock, commands.FailPlacing, commands.Expire, commands.Cancel, commands.Complete, commands.NeedAttention, commands.Archive,
    ]; // prettier-ignore
    for (const command of idempotent)
      for (const state of orderStates) {
        const decision = decide(anOrder({ state }), command, expiresAt);
        if ('refusal' in decision) continue;
        const once = decision.events.reduce((current, event) => evolve(current, event, expiresAt), anOrder({ state }));
        expect(decide(once, command, expiresAt)).toEqual({ events: [] });
      }
  });
});
