import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addDays } from '../../../subgraphs/shared/values/local-date.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { confirmationCodeOf, isConfirmationCode } from '../../../subgraphs/order/domain/confirmation-code.ts';
import { decide, evolve } from '../../../subgraphs/order/domain/order.ts';
import { checkInput } from '../../../subgraphs/order/domain/pricing/check-input.ts';
import { type ProductSnapshot, priceLines } from '../../../subgraphs/order/domain/pricing/price-lines.ts';
import type { LineInput } from '../../../subgraphs/order/domain/line.ts';
import { showsCode } from '../../../subgraphs/order/domain/redemption.ts';
import { lapsesAt, maxDaysAhead, maxNights } from '../../../subgraphs/order/domain/stay.ts';
import { booking } from '../../../subgraphs/order/types/booking.ts';
import { digital } from '../../../subgraphs/order/types/digital.ts';
import { standard } from '../../../subgraphs/order/types/standard.ts';
import { after, anInput, anOrder, commands, inTime, snapshot } from './fixtures.ts';

const today = '2027-03-20';
const euros = (amount: number) => ({ amount, currency: 'EUR' });
const breakfast = { code: 'BREAKFAST', name: 'Breakfast', unitPrice: euros(1_200), perPerson: true, perNight: true };
const cleaning = { code: 'CLEANING', name: 'Cleaning', unitPrice: euros(4_000), perPerson: false, perNight: false };
const room = (change: Partial<ProductSnapshot> = {}) =>
  snapshot({ kind: 'BOOKABLE', maxGuests: 2, price: euros(9_000), addOns: [breakfast, cleaning], ...change });
const stay = (productId: string, change: Partial<LineInput> = {}): LineInput => ({
  productId, quantity: 1, stayFrom: '2027-03-27', stayTo: '2027-03-30', guests: 2, ...change,
}); // prettier-ignore

const place = (products: readonly ProductSnapshot[], lines: readonly LineInput[], type = booking) => {
  const checked = checkInput(anInput({ lines }), type);
  if (checked.refusals.length > 0) return { items: [], refusals: checked.refusals };
  const known = new Map(products.map((product) => [product.id, product]));
  return priceLines(checked.lines, known, { currency: 'EUR', type, today, newId, seesDrafts: () => true });
};
const priced = (...args: Parameters<typeof place>) => {
  const result = place(...args);
  if (result.refusals.length > 0) throw new Error(JSON.stringify(result.refusals));
  const lines = result.items.map(({ line }) => line);
  return { lines, totalMinor: lines.reduce((sum, { subtotalMinor }) => sum + subtotalMinor, 0n) };
};
const refusals = (...args: Parameters<typeof place>) => place(...args).refusals;
const pathOf = (field: string, index = 0) => ['input', 'lines', String(index), field];

describe('the price of a stay', () => {
  test('is nightly price × nights, and food × guests × nights when chosen', () => {
    const one = room();
    const { lines, totalMinor } = priced([one], [stay(one.id, { addOns: ['BREAKFAST'] })]);
    expect(totalMinor).toBe(3n * 9_000n + 3n * 2n * 1_200n);
    expect(lines).toMatchObject([
      {
        unitPriceMinor: 9_000n, quantity: 1, stay: { from: '2027-03-27', to: '2027-03-30', guests: 2 }, needsFulfilment: false,
        addOns: [{ code: 'BREAKFAST', unitPriceMinor: 1_200, quantity: 6 }],
      },
    ]); // prettier-ignore
  });

  test('for whatever rooms, nights, guests and extras there are, is the sum of its parts', () => {
    const given = fc.record({
      rooms: fc.integer({ min: 1, max: 5 }), nights: fc.integer({ min: 1, max: maxNights }), guests: fc.integer({ min: 1, max: 10 }),
      first: fc.integer({ min: 0, max: maxDaysAhead }), price: fc.integer({ min: 1, max: 1_000_000 }),
      extra: fc.record({ price: fc.integer({ min: 0, max: 100_000 }), perPerson: fc.boolean(), perNight: fc.boolean() }),
    }); // prettier-ignore
    fc.assert(
      fc.property(given, ({ rooms, nights, guests, first, price, extra }) => {
        const product = room({
          maxGuests: 10,
          price: euros(price),
          addOns: [{ ...breakfast, ...extra, unitPrice: euros(extra.price) }],
        });
        const stayFrom = addDays(today, first);
        const line = stay(product.id, { quantity: rooms, guests, stayFrom, stayTo: addDays(stayFrom, nights), addOns: ['BREAKFAST'] }); // prettier-ignore
        const portions = (extra.perPerson ? guests : rooms) * (extra.perNight ? nights : 1);
        expect(priced([product], [line]).totalMinor).toBe(BigInt(price * nights * rooms + extra.price * portions));
      }),
    );
  });

  test('counts a night in which clocks change as one night', () => {
    const one = room();
    expect(priced([one], [stay(one.id, { stayFrom: '2027-03-27', stayTo: '2027-03-29' })]).totalMinor).toBe(18_000n);
    expect(priced([one], [stay(one.id, { stayFrom: '2027-10-30', stayTo: '2027-11-01' })]).totalMinor).toBe(18_000n);
  });

  test('stays of the same days are two lines, each with its own guests', () => {
    const one = room();
    const { lines } = priced([one], [stay(one.id), stay(one.id, { guests: 1 })]);
    expect(lines.map((line) => [line.quantity, line.stay?.guests])).toEqual([
      [1, 2],
      [1, 1],
    ]);
  });

  test('of another price than was shown is refused with both', () => {
    const one = room();
    expect(refusals([one], [stay(one.id, { expectedUnitPrice: 8_000 })])).toMatchObject([{ code: 'PRICE_CHANGED', expected: euros(8_000), actual: euros(9_000) }]); // prettier-ignore
  });
});

describe('a stay is refused', () => {
  const one = room();
  const cases: [string, Partial<LineInput>, string][] = [
    ['without a first night', { stayFrom: null }, 'stayFrom'],
    ['without a day of departure', { stayTo: undefined }, 'stayTo'],
    ['on a day that the calendar has not', { stayFrom: '2027-02-29' }, 'stayFrom'],
    ['without a night', { stayTo: '2027-03-27' }, 'stayTo'],
    ['that ends before it begins', { stayTo: '2027-03-26' }, 'stayTo'],
    [`of more than ${maxNights} nights`, { stayTo: addDays('2027-03-27', maxNights + 1) }, 'stayTo'],
    ['without guests', { guests: null }, 'guests'],
    ['with 0 guests', { guests: 0 }, 'guests'],
    ['with -1 guests', { guests: -1 }, 'guests'],
    ['with more guests than the room takes', { guests: 3 }, 'guests'],
    ['with more guests than all the rooms take', { quantity: 2, guests: 5 }, 'guests'],
    ['that began yesterday', { stayFrom: '2027-03-19' }, 'stayFrom'],
    ['too far ahead', { stayFrom: addDays(today, maxDaysAhead + 1), stayTo: addDays(today, maxDaysAhead + 2) }, 'stayFrom'], // prettier-ignore
  ];
  test.each(cases)('%s', (_, change, field) => {
    expect(refusals([one], [stay(one.id, change)])).toMatchObject([
      { __typename: 'ValidationError', path: pathOf(field) },
    ]);
  });

  test('but not tonight, for as long and with as many guests as may be, or as far ahead as may be', () => {
    for (const change of [
      { stayFrom: today, stayTo: addDays(today, maxNights) },
      { stayFrom: addDays(today, maxDaysAhead), stayTo: addDays(today, maxDaysAhead + 1) },
      { quantity: 2, guests: 4 },
    ])
      expect(refusals([one], [stay(one.id, change)])).toEqual([]);
  });

  test('with more than 366 nights in one order', () => {
    const long = stay(one.id, { stayTo: addDays('2027-03-27', 90) });
    expect(refusals([one], [long, long, long, long])).toEqual([]);
    expect(refusals([one], [long, long, long, long, stay(one.id, { stayTo: addDays('2027-03-27', 7) })])).toMatchObject(
      [{ path: ['input', 'lines'] }],
    );
  });

  test('in an order of a type without stays, and goods in one with stays', () => {
    const mug = snapshot();
    for (const type of [standard, digital])
      expect(refusals([one], [stay(one.id)], type).map(({ path }) => path)).toEqual(
        ['stayFrom', 'stayTo', 'guests'].map((field) => pathOf(field)),
      );
    expect(refusals([one], [{ productId: one.id, quantity: 1 }], standard)).toMatchObject([
      { __typename: 'ProductUnavailableError', productId: one.id },
    ]);
    expect(refusals([mug], [stay(mug.id)])).toMatchObject([
      { __typename: 'ProductUnavailableError', productId: mug.id },
    ]);
    expect(refusals([mug], [{ productId: mug.id, quantity: 1 }])).toHaveLength(3);
  });
});

describe('the life of a booking', () => {
  const departure = new Date('2027-03-30T00:00:00.000Z');
  const due = lapsesAt([{ stay: { from: '2027-03-27', to: '2027-03-30', guests: 1 } }, { stay: null }], 48);
  const booked = (change: Parameters<typeof anOrder>[0] = {}) =>
    anOrder({ lapsesAt: due, fulfilmentStatus: 'NOT_REQUIRED', lines: [], ...change });

  test('lapses so many hours after the beginning of the last day of departure', () => {
    expect(due).toEqual(after(departure, 48 * 3_600_000));
    expect(lapsesAt([{ stay: null }], 48)).toBeNull();
  });

  test('once paid, waits until then: not a millisecond less', () => {
    const paid = [{ ...commands.MarkPaid, advances: false }].flatMap((command) => {
      const decision = decide(booked(), command, inTime);
      return 'events' in decision ? decision.events : [];
    });
    const order = paid.reduce((current, event) => evolve(current, event, inTime), booked());
    expect(order).toMatchObject({ state: 'PAID', advanceAt: due });
    expect(decide(order, { type: 'Lapse' }, after(due as Date, -1))).toEqual({ events: [] });
    expect(decide(order, { type: 'Lapse' }, due as Date)).toEqual({ events: [{ type: 'OrderLapsed' }] });
  });

  test('whose money went back is neither redeemed nor lapses; part of it is no reason', () => {
    const refund = { type: 'RefundRecorded', paymentId: 'p', refundId: 'r', early: false } as const;
    const refunded = evolve(booked({ state: 'PAID', advanceAt: due }), { ...refund, amountMinor: 5_000n }, inTime);
    expect(refunded.advanceAt).toBeNull();
    expect(decide(refunded, commands.Redeem, inTime)).toMatchObject({ refusal: { cause: 'ORDER_REFUNDED' } });
    expect(decide(refunded, commands.Lapse, after(due as Date, 1))).toEqual({ events: [] });
    expect(showsCode(refunded)).toBe(false);
    const partly = evolve(booked({ state: 'PAID', advanceAt: due }), { ...refund, amountMinor: 4_999n }, inTime);
    expect(partly.advanceAt).toEqual(due);
    expect(decide(partly, commands.Redeem, inTime)).toEqual({ events: [{ type: 'OrderRedeemed' }] });
    expect(showsCode(partly)).toBe(true);
  });
});

describe('a confirmation code', () => {
  const bytes = fc.uint8Array({ minLength: 8, maxLength: 8 });

  test('is itself in small letters, with spaces and hyphens, and with look-alikes; and nothing else', () => {
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        const code = confirmationCodeOf(one);
        expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{8}$/);
        expect(isConfirmationCode(` ${code.slice(0, 4).toLowerCase()}-${code.slice(4)} `, code)).toBe(true);
        expect(isConfirmationCode(code.replaceAll('0', 'o').replaceAll('1', 'l'), code)).toBe(true);
        expect(isConfirmationCode(`\u202a${code.slice(0, 4)}\u2013${code.slice(4)}\u202c\u200b`, code)).toBe(true);
        const wide = Array.from(code, (letter) => String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfe_e0)).join(
          '',
        );
        expect(isConfirmationCode(wide, code)).toBe(true);
        const another = confirmationCodeOf(other);
        expect(isConfirmationCode(another, code)).toBe(another === code);
        expect(isConfirmationCode(code.slice(1), code)).toBe(false);
        expect(isConfirmationCode(`${code}0`, code)).toBe(false);
      }),
    );
    expect(isConfirmationCode('', confirmationCodeOf(new Uint8Array(8)))).toBe(false);
  });
});
