import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ReturnFacts } from '../../../subgraphs/order/domain/return-model.ts';
import { refundPendingMinor } from '../../../subgraphs/order/domain/giving-back.ts';
import { balanceDueMinor, decide, evolve } from '../../../subgraphs/order/domain/order.ts';
import type { Decision, Line, Order, OrderCommand, OrderEvent } from '../../../subgraphs/order/domain/order-model.ts';
import { refundableMinor } from '../../../subgraphs/order/domain/paying.ts';
import { returningPieces } from '../../../subgraphs/order/domain/returning.ts';
import { Pieces } from './pieces.ts';
import { openQuantity, worthOf } from '../../../subgraphs/order/domain/shares.ts';
import { aLine, aReturn, anOrder, commands, expiresAt, inTime } from './fixtures.ts';

const paid = (change: Partial<Order> = {}): Order => anOrder({ state: 'PAID', ...change });
const cancelLines = (...lines: [string, number][]): OrderCommand => ({
  ...commands.CancelLines,
  lines: lines.map(([lineId, quantity]) => ({ lineId, quantity })),
});
const refund = (change: Partial<typeof commands.Refund>): OrderCommand => ({
  ...commands.Refund,
  lines: [],
  ...change,
});
const apply = (order: Order, decision: Decision): Order => {
  if ('refusal' in decision) throw new Error(decision.refusal.message);
  return decision.events.reduce((current, event) => evolve(current, event, inTime), order);
};
const run = (order: Order, ...given: OrderCommand[]): Order =>
  given.reduce((current, command) => apply(current, decide(current, command, inTime)), order);
const refusalOf = (order: Order, command: OrderCommand) => {
  const decision = decide(order, command, inTime);
  return 'refusal' in decision ? decision.refusal : null;
};

describe('pieces taken off before delivery', () => {
  test('give their share back, the last one what rounding left, and the order ends with the last of all', () => {
    const order = paid({ totalMinor: 1_000n, paidMinor: 1_000n, taxMinor: 160n, lines: [aLine({ quantity: 3, totalMinor: 1_000n, taxMinor: 160n })] }); // prettier-ignore
    const one = run(order, cancelLines(['line-1', 1]));
    expect(one).toMatchObject({ state: 'PAID', refundPendingMinor: 333n, refundedTaxMinor: 53n });
    const two = run(one, cancelLines(['line-1', 1]));
    expect(two).toMatchObject({ refundPendingMinor: 666n, refundedTaxMinor: 106n });
    const three = run(two, cancelLines(['line-1', 1]));
    expect(three).toMatchObject({ state: 'CANCELLED', refundedTaxMinor: 160n });
    expect(refundPendingMinor(three)).toBe(1_000n);
  });

  test('complete an order of which the rest was delivered', () => {
    const begun = run(paid(), { ...commands.Fulfil, lines: [{ lineId: 'line-1', quantity: 1 }] });
    expect(run(begun, cancelLines(['line-1', 1]))).toMatchObject({ state: 'COMPLETED', fulfilmentStatus: 'FULFILLED', refundPendingMinor: 2_500n }); // prettier-ignore
  });

  test('leave what needs nobody to go on by itself', () => {
    const lines = [aLine({ totalMinor: 4_000n }), aLine({ id: 'line-2', needsFulfilment: false, totalMinor: 1_000n })];
    const order = run(paid({ lines }), cancelLines(['line-1', 2]));
    expect(order).toMatchObject({ state: 'PAID', fulfilmentStatus: 'NOT_REQUIRED', advanceAt: inTime });
  });

  test('leave the others to be delivered, with a share of the money, where their worth is all that is left', () => {
    const lines = [aLine({ totalMinor: 2_500n }), aLine({ id: 'line-2', totalMinor: 2_500n })];
    const given = run(paid({ lines, taxMinor: 500n }), refund({ amountMinor: 3_000n }));
    expect(given).toMatchObject({ state: 'PAID', refundPendingMinor: 3_000n, refundedTaxMinor: 300n });
    const one = run(given, cancelLines(['line-1', 2]));
    expect(one).toMatchObject({ state: 'PAID', refundPendingMinor: 4_000n, refundedTaxMinor: 400n, lines: [{ cancelledQuantity: 2 }, { cancelledQuantity: 0 }] }); // prettier-ignore
    expect(run(one, { ...commands.Fulfil, lines: null })).toMatchObject({ state: 'COMPLETED', lines: [{}, { fulfilledQuantity: 2 }] }); // prettier-ignore
    expect(run(one, cancelLines(['line-2', 2]))).toMatchObject({ state: 'CANCELLED', refundedTaxMinor: 500n });
    const begun = run(paid({ lines }), { ...commands.Fulfil, lines: [{ lineId: 'line-2', quantity: 1 }] }, refund({ amountMinor: 3_000n })); // prettier-ignore
    expect(run(begun, cancelLines(['line-1', 2]))).toMatchObject({ state: 'PROCESSING', refundPendingMinor: 4_000n, lines: [{ cancelledQuantity: 2 }, { fulfilledQuantity: 1, cancelledQuantity: 0 }] }); // prettier-ignore
    expect(run(begun, cancelLines(['line-1', 2], ['line-2', 1]))).toMatchObject({ state: 'COMPLETED', refundPendingMinor: 5_000n }); // prettier-ignore
  });

  test('take what costs nothing off with them, such as a free gift, where nothing else would be left', () => {
    const lines = [aLine(), aLine({ id: 'line-2', totalMinor: 0n })];
    expect(run(paid({ lines }), cancelLines(['line-1', 2]))).toMatchObject({ state: 'CANCELLED', cancelReason: 'CUSTOMER' }); // prettier-ignore
    const begun = run(paid({ lines: [...lines, aLine({ id: 'line-3', quantity: 1, totalMinor: 0n })] }), { ...commands.Fulfil, lines: [{ lineId: 'line-3', quantity: 1 }] }); // prettier-ignore
    const left = run(begun, cancelLines(['line-1', 2]));
    expect(left).toMatchObject({ state: 'COMPLETED', lines: [{ cancelledQuantity: 2 }, { cancelledQuantity: 2 }, { cancelledQuantity: 0 }] }); // prettier-ignore
    expect(left.refundPendingMinor).toBe(begun.paidMinor);
    expect(run(paid({ lines }), cancelLines(['line-1', 2], ['line-2', 2]))).toMatchObject({ state: 'CANCELLED' });
    expect(run(paid({ lines }), cancelLines(['line-1', 1]))).toMatchObject({ state: 'PAID' });
    const free = paid({ lines: [aLine({ totalMinor: 0n })], totalMinor: 0n, paidMinor: 0n });
    expect(run(free, cancelLines(['line-1', 1]))).toMatchObject({ state: 'PAID', lines: [{ cancelledQuantity: 1 }] });
  });

  test('of a customer whose stay has begun take none of the money that is left for it', () => {
    const lines = [aLine({ quantity: 1, totalMinor: 2_500n }), aLine({ id: 'line-2', quantity: 1, totalMinor: 2_500n })]; // prettier-ignore
    const second: OrderCommand = { ...commands.CancelLines, lines: [{ lineId: 'line-2', quantity: 1 }], stayBegun: true }; // prettier-ignore
    expect(run(paid({ lines }), second)).toMatchObject({ state: 'PAID', lines: [{ cancelledQuantity: 0 }, { cancelledQuantity: 1 }] }); // prettier-ignore
    const given = run(paid({ lines }), refund({ amountMinor: 2_500n }));
    expect(refusalOf(given, second)).toMatchObject({ cause: 'STAY_BEGUN' });
    expect(run(given, { ...second, stayBegun: false })).toMatchObject({ state: 'PAID', refundPendingMinor: 3_750n });
  });

  test('of a top-up are refused, all of it is not', () => {
    const filled = paid({ fulfilmentStatus: 'NOT_REQUIRED', lines: [aLine({ needsFulfilment: false })] });
    const one: OrderCommand = { ...commands.CancelLines, isTopUp: true };
    expect(refusalOf(filled, one)).toMatchObject({ cause: 'WALLET_TOP_UP' });
    expect(refusalOf({ ...filled, state: 'NEEDS_ATTENTION' }, one)).toMatchObject({ cause: 'WALLET_TOP_UP' });
    expect(run(filled, { ...one, lines: [{ lineId: 'line-1', quantity: 2 }] })).toMatchObject({ state: 'CANCELLED' });
  });

  test('are not delivered afterwards', () => {
    const order = run(paid(), cancelLines(['line-1', 1]));
    expect(refusalOf(order, { ...commands.Fulfil, lines: [{ lineId: 'line-1', quantity: 2 }] })).toMatchObject({ __typename: 'ValidationError' }); // prettier-ignore
    expect(run(order, commands.Fulfil).lines[0]).toMatchObject({ fulfilledQuantity: 1, cancelledQuantity: 1 });
  });

  test.each([
    [[], ['lines']],
    [[['line-9', 1]], ['lines', '0', 'lineId']],
    [[['line-1', 0]], ['lines', '0', 'quantity']],
    [[['line-1', 3]], ['lines', '0', 'quantity']],
    [[['line-1', 1], ['line-1', 2]], ['lines', '1', 'quantity']],
  ] as [[string, number][], string[]][])('are refused as %j, which is told at %j', (lines, path) => {
    expect(refusalOf(paid(), cancelLines(...lines))).toMatchObject({ __typename: 'ValidationError', path });
  }); // prettier-ignore

  test('of an unpaid order are refused, and of one that is delivering itself', () => {
    expect(refusalOf(anOrder(), cancelLines(['line-1', 1]))).toMatchObject({
      __typename: 'OrderStateError',
      allowed: ['PAID', 'PROCESSING', 'NEEDS_ATTENTION'],
    });
    const itself = paid({ state: 'PROCESSING', fulfilmentStatus: 'NOT_REQUIRED' });
    expect(refusalOf(itself, cancelLines(['line-1', 1]))).toMatchObject({ cause: 'DELIVERY_UNDER_WAY' });
  });
});

describe('a refund by staff', () => {
  const order = paid({
    totalMinor: 1_500n, paidMinor: 1_500n, taxMinor: 240n,
    lines: [aLine({ quantity: 3, totalMinor: 1_000n, taxMinor: 160n })],
  }); // prettier-ignore

  test('of pieces that were not delivered takes them off the delivery', () => {
    const after = run(order, refund({ lines: [{ lineId: 'line-1', quantity: 2 }] }));
    expect(after).toMatchObject({ state: 'PAID', refundPendingMinor: 666n, lines: [{ cancelledQuantity: 2, refundedQuantity: 2 }] }); // prettier-ignore
  });

  test('of delivered pieces leaves the order as it is, and restocks what is back', () => {
    const done = run(order, commands.Fulfil);
    const decision = decide(done, refund({ lines: [{ lineId: 'line-1', quantity: 2 }], restock: true }), inTime);
    expect(decision).toMatchObject({ events: [{ type: 'RefundRequested', amountMinor: 666n, taxMinor: 106n, restock: [{ lineId: 'line-1', quantity: 2 }] }] }); // prettier-ignore
    expect(apply(done, decision)).toMatchObject({ state: 'COMPLETED', lines: [{ cancelledQuantity: 0, refundedQuantity: 2 }] }); // prettier-ignore
  });

  test('restocks no piece that an open return waits for, and none a second time that came back', () => {
    const done = run(order, commands.Fulfil);
    const of = (quantity: number, change: object = {}) => refund({ lines: [{ lineId: 'line-1', quantity }], restock: true, ...change }); // prettier-ignore
    const returning = [{ lineId: 'line-1', quantity: 2 }];
    expect(refusalOf(done, of(2, { returning }))).toMatchObject({ cause: 'RETURN_OPEN' });
    expect(decide(done, of(1, { returning }), inTime)).toMatchObject({ events: [{ restock: [{ lineId: 'line-1', quantity: 1 }] }] }); // prettier-ignore
    expect(decide(done, of(2, { returning, restock: false }), inTime)).toMatchObject({ events: [{ restock: [] }] });
    const back = {
      ...done,
      lines: done.lines.map((line) => ({ ...line, returnedQuantity: 1, unrefundedReturnQuantity: 1 })),
    };
    expect(decide(back, of(1), inTime)).toMatchObject({ events: [{ restock: [] }] });
    const all = decide(back, of(3), inTime);
    expect(all).toMatchObject({ events: [{ lines: [{ quantity: 3 }], restock: [{ lineId: 'line-1', quantity: 2 }] }] });
  });

  test.each([false, true])('restocks no piece that came back after others were refunded (put back then: %s)', (restock) => {
    const done = run(order, commands.Fulfil, refund({ lines: [{ lineId: 'line-1', quantity: 2 }], restock }));
    const received = run(done, { ...commands.RequestReturn, returns: [] }, commands.DecideReturn, commands.ReceiveReturn); // prettier-ignore
    expect(received.lines).toMatchObject([{ returnedQuantity: 1, unrefundedReturnQuantity: 1, restockedQuantity: restock ? 2 : 0 }]); // prettier-ignore
    const more = { ...commands.RequestReturn, returnId: 'return-2', returns: [{ ...aReturn, state: 'RECEIVED' as const }] }; // prettier-ignore
    expect(refusalOf(received, more)).toMatchObject({ __typename: 'ValidationError' });
    const last = decide(received, refund({ lines: [{ lineId: 'line-1', quantity: 1 }], restock: true }), inTime);
    expect(last).toMatchObject({ events: [{ lines: [{ quantity: 1 }], restock: [] }] });
    expect(apply(received, last).lines).toMatchObject([{ refundedQuantity: 3, unrefundedReturnQuantity: 0 }]);
  }); // prettier-ignore

  test('takes delivered pieces first', () => {
    const begun = run(order, { ...commands.Fulfil, lines: [{ lineId: 'line-1', quantity: 2 }] });
    expect(run(begun, refund({ lines: [{ lineId: 'line-1', quantity: 2 }] }))).toMatchObject({ state: 'PROCESSING', lines: [{ cancelledQuantity: 0, refundedQuantity: 2 }] }); // prettier-ignore
    expect(run(begun, refund({ lines: [{ lineId: 'line-1', quantity: 3 }] }))).toMatchObject({ state: 'COMPLETED', lines: [{ cancelledQuantity: 1, refundedQuantity: 3 }] }); // prettier-ignore
  });

  test('of shipping gives what the lines leave of the total, once', () => {
    const done = run(order, commands.Fulfil);
    const after = run(done, refund({ withShipping: true }));
    expect(after).toMatchObject({ refundPendingMinor: 500n, shippingRefundedMinor: 500n, refundedTaxMinor: 80n });
    expect(refusalOf(after, refund({ withShipping: true }))).toMatchObject({ path: ['input', 'shipping'] });
  });

  test('of an amount takes the tax in proportion, and with the last money all that is left of it', () => {
    const done = run(order, commands.Fulfil);
    const after = run(done, refund({ amountMinor: 100n }));
    expect(after).toMatchObject({ refundPendingMinor: 100n, refundedTaxMinor: 16n });
    expect(run(after, refund({ amountMinor: 1_400n }))).toMatchObject({ state: 'COMPLETED', refundPendingMinor: 1_500n, refundedTaxMinor: 240n }); // prettier-ignore
  });

  test('of more than is left is refused with what is left, and nothing is an error', () => {
    const after = run(order, refund({ amountMinor: 100n }));
    expect(refusalOf(after, refund({ amountMinor: 1_401n }))).toMatchObject({ __typename: 'RefundLimitError', refundable: { amount: 1_400, currency: 'EUR' } }); // prettier-ignore
    expect(refusalOf(order, refund({}))).toMatchObject({ __typename: 'ValidationError', path: ['input'] });
    expect(refusalOf(order, refund({ amountMinor: 0n }))).toMatchObject({ path: ['input', 'amount', 'amount'] });
    expect(refusalOf(anOrder(), refund({ amountMinor: 1n }))).toMatchObject({ __typename: 'OrderStateError' });
    expect(refusalOf(order, refund({ amountMinor: 1n, isTopUp: true }))).toMatchObject({ cause: 'WALLET_TOP_UP' });
  });

  test('of all that is left, before anything was delivered, ends the order as REFUNDED', () => {
    for (const whole of [refund({ amountMinor: 1_500n }), refund({ lines: [{ lineId: 'line-1', quantity: 3 }] }), refund({ lines: [{ lineId: 'line-1', quantity: 3 }], withShipping: true })]) {
      const after = run(order, whole);
      expect([after.state, refundPendingMinor(after), after.refundedTaxMinor]).toEqual(['REFUNDED', 1_500n, 240n]);
    }
    expect(refusalOf(order, refund({ lines: [{ lineId: 'line-1', quantity: 3 }], amountMinor: 900n }))).toMatchObject({ path: ['input', 'amount'] }); // prettier-ignore
  }); // prettier-ignore

  test('of all that is left, after a part was delivered, has the rest not delivered', () => {
    const begun = run(order, { ...commands.Fulfil, lines: [{ lineId: 'line-1', quantity: 1 }] });
    expect(run(begun, refund({ amountMinor: 1_500n }))).toMatchObject({ state: 'COMPLETED', lines: [{ fulfilledQuantity: 1, cancelledQuantity: 2 }] }); // prettier-ignore
    const recorded = run(begun, { ...commands.RecordRefund, amountMinor: 1_500n });
    expect(recorded).toMatchObject({ state: 'COMPLETED', paymentStatus: 'REFUNDED', lines: [{ fulfilledQuantity: 1, cancelledQuantity: 2 }] }); // prettier-ignore
  });
});

describe('money that the order did not take', () => {
  const twice: OrderCommand = { ...commands.MarkPaid, paymentId: 'payment-2', paidAt: inTime };
  const ofRefused = { ...commands.RecordRefund, paymentId: 'payment-2', refundId: 'refund-2', known: { received: true, refused: true, refundIds: [], refundedMinor: 0n } }; // prettier-ignore
  const taxed = paid({ taxMinor: 800n });

  test('is on its way back from the start, and takes no tax with it', () => {
    const double = run(taxed, twice);
    expect(double).toMatchObject({ state: 'PAID', paidMinor: 10_000n, refundPendingMinor: 5_000n });
    expect(refundableMinor(double)).toBe(5_000n);
    const part = run(double, { ...ofRefused, amountMinor: 2_000n });
    expect(part).toMatchObject({ state: 'PAID', refundPendingMinor: 3_000n, refundedTaxMinor: 0n });
    expect(run(part, { ...ofRefused, refundId: 'refund-3', amountMinor: 3_000n })).toMatchObject({ state: 'PAID', refundPendingMinor: 0n, refundedTaxMinor: 0n }); // prettier-ignore
    expect(run(double, refund({ amountMinor: 2_500n }))).toMatchObject({ refundedTaxMinor: 400n });
  });

  test('pays for nothing: an order whose own money is given back is over', () => {
    const double = run(taxed, twice);
    expect(refusalOf(double, refund({ amountMinor: 5_001n }))).toMatchObject({ refundable: { amount: 5_000 } });
    expect(run(double, refund({ amountMinor: 5_000n }))).toMatchObject({ state: 'REFUNDED', refundedTaxMinor: 800n });
    const recorded = run(double, { ...commands.RecordRefund, amountMinor: 5_000n });
    expect([recorded.state, refundPendingMinor(recorded)]).toEqual(['REFUNDED', 5_000n]);
    expect(run(recorded, { ...ofRefused, amountMinor: 5_000n })).toMatchObject({ paymentStatus: 'REFUNDED' });
    const late = run(anOrder(), { ...twice, amountMinor: 3_000n, paidAt: expiresAt });
    expect(late).toMatchObject({ state: 'PENDING_PAYMENT', refundPendingMinor: 3_000n });
    expect(balanceDueMinor(late, inTime)).toBe(5_000n);
    expect(run(late, { ...commands.MarkPaid, amountMinor: 2_000n, paidAt: inTime })).toMatchObject({ state: 'PENDING_PAYMENT' }); // prettier-ignore
  });

  test('goes back with the rest of an order that is over', () => {
    const late = run(anOrder(), { ...twice, amountMinor: 3_000n, paidAt: expiresAt });
    const expired = apply(late, decide(late, commands.Expire, expiresAt));
    expect([expired.refundPendingMinor, refundPendingMinor(expired)]).toEqual([0n, 3_000n]);
    const closed = run(run(taxed, commands.Cancel), twice);
    expect([closed.refundPendingMinor, refundPendingMinor(closed)]).toEqual([0n, 10_000n]);
    expect(refundPendingMinor(run(closed, { ...ofRefused, amountMinor: 5_000n }))).toBe(5_000n);
  });

  test('and was gone before it was heard of takes no tax either', () => {
    const early = { ...commands.RecordRefund, paymentId: 'payment-2', amountMinor: 2_000n, known: { received: false, refused: false, refundIds: [], refundedMinor: 0n } }; // prettier-ignore
    const gone = run(taxed, early);
    expect(gone).toMatchObject({ state: 'PAID', paidMinor: 7_000n, refundedTaxMinor: 0n });
    const known = { received: false, refused: false, refundIds: ['refund-1'], refundedMinor: 2_000n };
    expect(run(gone, { ...twice, known })).toMatchObject({ paidMinor: 10_000n, refundPendingMinor: 3_000n });
  });
});

describe('an order that delivers itself', () => {
  test('is not begun again once all of its money is on its way back', () => {
    const itself = paid({ state: 'PROCESSING', fulfilmentStatus: 'NOT_REQUIRED', lines: [aLine({ needsFulfilment: false })] }); // prettier-ignore
    const given = run(itself, refund({ amountMinor: 5_000n }));
    expect(given).toMatchObject({ state: 'PROCESSING', refundPendingMinor: 5_000n });
    expect(run(given, commands.PostponeAdvance)).toMatchObject({ state: 'REFUNDED', refundPendingMinor: 0n });
    const again = run(given, commands.StartProcessing);
    expect([again.state, refundPendingMinor(again)]).toEqual(['REFUNDED', 5_000n]);
    expect(run(given, commands.Complete)).toMatchObject({ state: 'COMPLETED', refundPendingMinor: 5_000n });
  });
});

/** A paid order of one to three lines with shipping, whose amounts don't divide. */
const anyPaidOrder: fc.Arbitrary<Order> = fc
  .record({
    lines: fc.array(fc.record({ quantity: fc.integer({ min: 1, max: 5 }), totalMinor: fc.bigInt({ min: 1n, max: 9_999n }), taxPpm: fc.bigInt({ min: 0n, max: 250_000n }), needsFulfilment: fc.boolean() }), { minLength: 1, maxLength: 3 }), // prettier-ignore
    shippingMinor: fc.bigInt({ min: 0n, max: 999n }),
    shippingTaxMinor: fc.bigInt({ min: 0n, max: 99n }),
  })
  .map(({ lines, shippingMinor, shippingTaxMinor }) => {
    const stored = lines.map(({ taxPpm, ...line }, index) => aLine({ ...line, id: `line-${index + 1}`, taxMinor: (line.totalMinor * taxPpm) / 1_000_000n })); // prettier-ignore
    const sum = (of: (line: Line) => bigint) => stored.reduce((total, line) => total + of(line), 0n);
    const totalMinor = sum((line) => line.totalMinor) + shippingMinor;
    const taxMinor = sum((line) => line.taxMinor) + (shippingTaxMinor < shippingMinor ? shippingTaxMinor : shippingMinor); // prettier-ignore
    const needs = stored.some(({ needsFulfilment }) => needsFulfilment);
    return paid({ lines: stored, totalMinor, paidMinor: totalMinor, taxMinor, fulfilmentStatus: needs ? 'UNFULFILLED' : 'NOT_REQUIRED' }); // prettier-ignore
  });

const lineIds = fc.constantFrom('line-1', 'line-2', 'line-3');
const pieces = fc.array(fc.record({ lineId: lineIds, quantity: fc.integer({ min: 1, max: 3 }) }), { minLength: 1, maxLength: 2 }); // prettier-ignore
const anyDeed = fc.oneof(
  pieces.map((lines): OrderCommand => ({ ...commands.CancelLines, lines })),
  pieces.map((lines): OrderCommand => ({ ...commands.Fulfil, lines })),
  fc.record({ lines: fc.oneof(fc.constant([]), pieces), withShipping: fc.boolean(), restock: fc.boolean(), amountMinor: fc.option(fc.bigInt({ min: 1n, max: 3_000n })) }).map((change) => refund(change)), // prettier-ignore
  fc.constantFrom<OrderCommand>(commands.Cancel, commands.StartProcessing, commands.Complete, commands.NeedAttention, { ...commands.ResolveAttention, to: 'REFUNDED' }), // prettier-ignore
  fc.bigInt({ min: 1n, max: 3_000n }).map((amountMinor): OrderCommand => ({ ...commands.RecordRefund, requestId: 'asked', amountMinor })), // prettier-ignore
  fc.bigInt({ min: 1n, max: 3_000n }).map((amountMinor): OrderCommand => ({ ...commands.RecordRefund, amountMinor })),
  fc
    .bigInt({ min: 1n, max: 3_000n })
    .map((amountMinor): OrderCommand => ({ ...commands.MarkPaid, paymentId: 'too-much', amountMinor })),
);
/** What is done with returns; which one is meant, and what is known of it, the sequence says. */
const anyReturnDeed = fc.oneof(
  pieces.map((lines): OrderCommand => ({ ...commands.RequestReturn, lines })),
  fc.integer({ min: 0, max: 3 }).map((die) => die > 0).map((approve): OrderCommand => ({ ...commands.DecideReturn, approve, reason: approve ? null : 'worn' })),
  fc.record({ restock: fc.integer({ min: 0, max: 2 }), requestId: fc.constantFrom(null, 'asked') })
    .map(({ restock, requestId }): OrderCommand => ({ ...commands.ReceiveReturn, requestId, lines: [{ lineId: 'line-1', quantity: 1, restock }] })),
  fc.constant<OrderCommand>(commands.CancelReturn),
); // prettier-ignore

/** A deed as a command at its place in the sequence; null where there is nothing that it could be done with. */
function commandOf(deed: OrderCommand, index: number, order: Order, returns: readonly ReturnFacts[]) {
  const inState = (...states: ReturnFacts['state'][]) => returns.find(({ state }) => states.includes(state));
  switch (deed.type) {
    case 'RecordRefund':
      // The payment service never gives more back than is here.
      return deed.amountMinor > order.paidMinor - order.refundedMinor ? null : { ...deed, refundId: `refund-${index}` };
    case 'Refund':
      return { ...deed, returning: returningPieces(returns) };
    case 'RequestReturn':
      return { ...deed, returnId: `return-${index}`, returns };
    case 'DecideReturn':
    case 'CancelReturn': {
      const known = deed.type === 'DecideReturn' ? inState('REQUESTED') : inState('APPROVED', 'REQUESTED');
      return known ? { ...deed, known } : null;
    }
    case 'ReceiveReturn': {
      const known = inState('APPROVED');
      const restock = deed.lines[0]?.restock ?? 0;
      return known ? { ...deed, known, lines: known.lines.map(({ lineId, quantity }) => ({ lineId, quantity: Math.max(quantity - restock, 1), restock: Math.min(restock, Math.max(quantity - restock, 1)) })) } : null; // prettier-ignore
    }
    default:
      return deed;
  }
}

/** The returns after an event. */
function returnsAfter(returns: readonly ReturnFacts[], event: OrderEvent): readonly ReturnFacts[] {
  const to = (returnId: string, state: ReturnFacts['state']) => returns.map((each) => (each.id === returnId ? { ...each, state } : each)); // prettier-ignore
  switch (event.type) {
    case 'ReturnRequested':
      return [...returns, { ...aReturn, id: event.returnId, lines: event.lines.map((line) => ({ ...line, receivedQuantity: 0, restockedQuantity: 0 })) }]; // prettier-ignore
    case 'ReturnDecided':
      return to(event.returnId, event.approved ? 'APPROVED' : 'REJECTED');
    case 'ReturnReceived':
      return to(event.returnId, event.requestId === null ? 'RECEIVED' : 'REFUNDED');
    case 'ReturnCancelled':
      return to(event.returnId, 'CANCELLED');
    default:
      return returns;
  }
}

/** The order after what of the deeds it allows; each step is checked. */
function play(begin: Order, deeds: readonly OrderCommand[]): Order {
  let order = begin;
  let returns: readonly ReturnFacts[] = [];
  const goods = new Pieces(order.lines);
  for (const [index, deed] of deeds.entries()) {
    const command = commandOf(deed, index, order, returns);
    const decision = command && decide(order, command, inTime);
    if (!decision || 'refusal' in decision) continue;
    const before = order;
    order = apply(order, decision);
    for (const event of decision.events) {
      returns = returnsAfter(returns, event);
      goods.follow(event, { returning: returningPieces(returns), restocks: command.type === 'Refund' && command.restock }); // prettier-ignore
    }
    goods.agreesWith(order.lines);
    holds(before, order, command);
  }
  finish(order);
  return order;
}

describe('after any sequence of deliveries, cancellings, refunds and returns', () => {
  test('nothing is delivered that was refunded, nothing refunded twice, and the sums are exact', () => {
    const ends = new Set<string>();
    fc.assert(
      fc.property(anyPaidOrder, fc.array(fc.oneof(anyDeed, anyReturnDeed), { maxLength: 14 }), (begin, deeds) => {
        ends.add(play(begin, deeds).state);
      }),
      { numRuns: 2_000 },
    );
    // Otherwise the sequences were not worth their name.
    for (const end of ['CANCELLED', 'REFUNDED', 'COMPLETED', 'PROCESSING', 'PAID']) expect(ends).toContain(end);
  });

  test('no piece of a delivered line goes into the stock twice', () => {
    const few = fc.integer({ min: 1, max: 2 }).map((quantity) => [{ lineId: 'line-1', quantity }]);
    const deed = fc.oneof(
      anyReturnDeed,
      few.map((lines): OrderCommand => ({ ...commands.RequestReturn, lines })),
      fc.record({ lines: few, restock: fc.boolean() }).map((change) => refund(change)),
    );
    const begin = run(paid({ lines: [aLine({ quantity: 5 })] }), commands.Fulfil);
    const ends: Line[] = [];
    fc.assert(
      fc.property(fc.array(deed, { minLength: 4, maxLength: 16 }), (deeds) => {
        ends.push(...play(begin, deeds).lines);
      }),
      { numRuns: 1_000 },
    );
    expect(ends.filter((line) => line.returnedQuantity > 0 && line.restockedQuantity > 0).length).toBeGreaterThan(3);
    expect(ends.filter((line) => line.unrefundedReturnQuantity > 0).length).toBeGreaterThan(3);
  });
});

function holds(before: Order, order: Order, command: OrderCommand): void {
  for (const line of order.lines) {
    expect(openQuantity(line)).toBeGreaterThanOrEqual(0);
    expect(line.refundedQuantity).toBeLessThanOrEqual(line.quantity);
    expect(line.cancelledQuantity).toBeLessThanOrEqual(line.refundedQuantity);
  }
  expect(refundableMinor(order)).toBeGreaterThanOrEqual(0n);
  expect(order.refundPendingMinor).toBeGreaterThanOrEqual(0n);
  expect(order.refundedTaxMinor).toBeGreaterThanOrEqual(0n);
  expect(order.refundedTaxMinor).toBeLessThanOrEqual(order.taxMinor);
  const delivered = (one: Order) => one.lines.reduce((sum, { fulfilledQuantity }) => sum + fulfilledQuantity, 0);
  if (before.state === 'REFUNDED' || before.state === 'CANCELLED') expect(delivered(order)).toBe(delivered(before));
  if (order.state === 'REFUNDED') expect(delivered(order)).toBe(0);
  if (command.type === 'Fulfil') expect(refundableMinor(order)).toBeGreaterThan(0n);
}

/** All that is left goes back, line by line or at once: then the tax of it all cancels exactly. */
function finish(order: Order): void {
  const whole = worthOf(order.lines, order.lines.map(({ id, quantity, refundedQuantity }) => ({ lineId: id, quantity: quantity - refundedQuantity }))); // prettier-ignore
  expect(whole.amountMinor).toBeGreaterThanOrEqual(0n);
  const left = order.paidMinor - order.refundedMinor;
  if (left === 0n) return;
  const done = run(order, { ...commands.RecordRefund, refundId: 'last', amountMinor: left });
  expect(done.refundedMinor).toBe(order.paidMinor);
  expect([done.refundPendingMinor, done.refundedTaxMinor]).toEqual([0n, order.taxMinor]);
}

test('the shares of a line sum to the line, in whatever steps its pieces go back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 12n }), fc.bigInt({ min: 0n, max: 10n ** 11n }), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 }), (totalMinor, taxMinor, steps) => {
      let line = aLine({ quantity: steps.reduce((sum, step) => sum + step, 0), totalMinor, taxMinor });
      let [amount, tax] = [0n, 0n];
      for (const quantity of steps) {
        const worth = worthOf([line], [{ lineId: line.id, quantity }]);
        [amount, tax] = [amount + worth.amountMinor, tax + worth.taxMinor];
        line = { ...line, refundedQuantity: line.refundedQuantity + quantity };
      }
      expect([amount, tax]).toEqual([totalMinor, taxMinor]);
    }),
    { numRuns: 1_000 },
  );
}); // prettier-ignore
