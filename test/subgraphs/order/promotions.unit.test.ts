import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type Promoted, applyPromotions } from '../../../subgraphs/order/domain/pricing/apply-promotions.ts';
import { couponCode } from '../../../subgraphs/order/domain/pricing/promotion.ts';
import { roundedQuotient, splitByWeight } from '../../../subgraphs/order/domain/pricing/shares.ts';
import { aLine, aPromotion, anOrder, anyOrder, at, bundle, fixed, freeShipping, hoursLater } from './promotion-fixtures.ts'; // prettier-ignore

const sum = (amounts: Iterable<bigint>): bigint => [...amounts].reduce((total, amount) => total + amount, 0n);
const applied = ({ applied: all }: Promoted) => all.map(({ name, amountMinor }) => [name, amountMinor]);
const refused = ({ refusals }: Promoted) => refusals.map(({ code, coupon }) => [code, coupon]);
const discounts = (promoted: Promoted, lines: readonly { id: string }[]) =>
  lines.map(({ id }) => promoted.lineDiscounts.get(id) ?? 0n);

describe('[CH-5] any cart with any promotions and codes', () => {
  test('discounts of lines and shipping are what the adjustments say, and take no line below zero', () => {
    fc.assert(
      fc.property(anyOrder, (order) => {
        const promoted = applyPromotions(order);
        const lines = sum(promoted.lineDiscounts.values());
        expect(lines + promoted.shippingDiscountMinor).toBe(
          sum(promoted.applied.map(({ amountMinor }) => amountMinor)),
        );
        for (const { id, subtotalMinor } of order.lines) {
          const discount = promoted.lineDiscounts.get(id) ?? 0n;
          expect(discount >= 0n && discount <= subtotalMinor).toBe(true);
        }
        const shippingMinor = order.shippingMinor(promoted.lineDiscounts) ?? 0n;
        expect([0n, shippingMinor]).toContain(promoted.shippingDiscountMinor);
        for (const { amountMinor } of promoted.applied)
          expect(amountMinor > 0n || order.shippingMinor(promoted.lineDiscounts) === null).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('the sequence of codes and of promotions changes nothing', () => {
    const shuffled = anyOrder.chain((order) =>
      fc.record({
        order: fc.constant(order),
        codes: fc.shuffledSubarray([...order.codes], { minLength: order.codes.length }),
        promotions: fc.shuffledSubarray([...order.promotions], { minLength: order.promotions.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ order, codes, promotions }) => {
        const one = applyPromotions(order);
        const other = applyPromotions({ ...order, codes, promotions });
        expect(other.lineDiscounts).toEqual(one.lineDiscounts);
        expect(other.applied).toEqual(one.applied);
        expect(other.shippingDiscountMinor).toBe(one.shippingDiscountMinor);
        const reasons = ({ refusals }: Promoted) =>
          new Map(refusals.map(({ code, coupon }) => [couponCode(String(coupon)) ?? coupon, code]));
        expect(reasons(other)).toEqual(reasons(one));
      }),
      { numRuns: 2_000 },
    );
  });

  test('every code is either applied or refused, and a refused one is as good as not given', () => {
    fc.assert(
      fc.property(anyOrder, (order) => {
        const promoted = applyPromotions(order);
        const refusedCodes = new Set(promoted.refusals.map(({ coupon }) => couponCode(String(coupon)) ?? coupon));
        const appliedCodes = new Set(promoted.applied.map(({ code }) => code));
        for (const typed of order.codes) {
          const code = couponCode(typed) ?? typed;
          expect([refusedCodes.has(code), appliedCodes.has(code)].filter(Boolean)).toHaveLength(1);
        }
        const codes = order.codes.filter((typed) => !refusedCodes.has(couponCode(typed) ?? typed));
        expect(applyPromotions({ ...order, codes })).toEqual({ ...promoted, refusals: [] });
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('[CH-5] what a promotion takes off', () => {
  test('PERCENT is rounded once for all lines and split by largest remainder', () => {
    const lines = [aLine(333n), aLine(333n), aLine(333n)];
    const promoted = applyPromotions(anOrder({ lines, promotions: [aPromotion()] }));
    expect(discounts(promoted, lines)).toEqual([34n, 33n, 33n]);
    expect(applied(promoted)).toEqual([['Ten off', 100n]]);
  });

  test('FIXED is split in proportion, and at most what the lines cost', () => {
    const lines = [aLine(1_000n), aLine(2_000n), aLine(1n)];
    const some = applyPromotions(anOrder({ lines, promotions: [fixed(100n)] }));
    expect(discounts(some, lines)).toEqual([33n, 67n, 0n]);
    const all = applyPromotions(anOrder({ lines, promotions: [fixed(99_999n)] }));
    expect(discounts(all, lines)).toEqual([1_000n, 2_000n, 1n]);
  });

  test('BUY_X_GET_Y gives the cheapest pieces of all lines together', () => {
    const lines = [aLine(3_000n, { quantity: 3 }), aLine(1_000n, { quantity: 2 }), aLine(7_000n)];
    const promoted = applyPromotions(anOrder({ lines, promotions: [bundle(2, 1)] }));
    // Six pieces are two threes: the two of 5.00 are got.
    expect(discounts(promoted, lines)).toEqual([0n, 1_000n, 0n]);
    const more = applyPromotions(anOrder({ lines, promotions: [bundle(1, 1)] }));
    expect(discounts(more, lines)).toEqual([1_000n, 1_000n, 0n]);
    const half = applyPromotions(anOrder({ lines, promotions: [bundle(2, 1, { valuePpm: 500_000 })] }));
    expect(discounts(half, lines)).toEqual([0n, 500n, 0n]);
    const few = applyPromotions(anOrder({ lines: [aLine(500n, { quantity: 2 })], promotions: [bundle(2, 1)] }));
    expect(refused(few)).toEqual([['NOT_APPLICABLE', 'BUNDLE']]);
  });

  test('FREE_SHIPPING takes the price of shipping, which may depend on the other discounts', () => {
    const lines = [aLine(10_000n)];
    const shippingMinor = (off: ReadonlyMap<string, bigint>) => (sum(off.values()) > 0n ? 700n : 0n);
    const promoted = applyPromotions(anOrder({ lines, promotions: [freeShipping(), aPromotion()], shippingMinor }));
    expect(promoted.shippingDiscountMinor).toBe(700n);
    expect(applied(promoted)).toEqual([['Ten off', 1_000n], ['Free shipping', 700n]]); // prettier-ignore
    const free = applyPromotions(anOrder({ promotions: [freeShipping()], shippingMinor: () => 0n }));
    expect(refused(free)).toEqual([['NOT_APPLICABLE', 'SHIP']]);
    const unknown = applyPromotions(anOrder({ promotions: [freeShipping()], shippingMinor: () => null }));
    expect([refused(unknown), applied(unknown)]).toEqual([[], [['Free shipping', 0n]]]);
  });

  test('it is for its products, and for its categories with all below them', () => {
    const [product, category] = [newId(), newId()];
    const lines = [aLine(1_000n, { productId: product }), aLine(1_000n, { categoryIds: [newId(), category] }), aLine(1_000n)]; // prettier-ignore
    const off = (change: Parameters<typeof aPromotion>[0]) =>
      discounts(applyPromotions(anOrder({ lines, promotions: [aPromotion(change)] })), lines);
    expect(off({ productIds: [product] })).toEqual([100n, 0n, 0n]);
    expect(off({ categoryIds: [category] })).toEqual([0n, 100n, 0n]);
    expect(off({ productIds: [product], categoryIds: [category] })).toEqual([100n, 100n, 0n]);
  });

  test('they are applied by kind and age, each to what is left', () => {
    const line = aLine(10_000n, { quantity: 2 });
    const half = aPromotion({ name: 'half', code: 'HALF', valuePpm: 500_000 });
    const order = anOrder({
      lines: [line],
      promotions: [fixed(3_000n), half, bundle(1, 1), fixed(3_000n, { code: 'LATER', name: 'Later' })],
    });
    const promoted = applyPromotions(order);
    // 10,000, half of the pieces off: 5,000; half of it: 2,500; the first fixed one takes the rest and leaves nothing.
    expect(applied(promoted)).toEqual([['Bundle', 5_000n], ['half', 2_500n], ['Fixed', 2_500n]]); // prettier-ignore
    expect(refused(promoted)).toEqual([['NOT_APPLICABLE', 'LATER']]);
  });
});

describe('[CH-5] a code is refused', () => {
  const spent = { usageLimit: 3, used: 3 };
  test.each([
    ['UNKNOWN', { active: false }],
    ['NOT_STARTED', { startsAt: hoursLater(1) }],
    ['ENDED', { endsAt: at }],
    ['EXHAUSTED', spent],
    ['CUSTOMER_LIMIT', { usagePerCustomer: 1, customerUses: 1 }],
    ['MINIMUM_NOT_REACHED', { minimumMinor: 10_001n, currency: 'EUR' }],
    ['NOT_APPLICABLE', { productIds: [newId()] }],
    ['NOT_APPLICABLE', { currency: 'USD' }],
  ])('as %s, and by the same measure not when it just fits', (code, change) => {
    const refusing = applyPromotions(anOrder({ promotions: [aPromotion(change)] }));
    expect([refused(refusing), applied(refusing)]).toEqual([[[code, 'TEN']], []]);
    const fitting = { active: true, startsAt: at, endsAt: hoursLater(1), usageLimit: 3, used: 2, usagePerCustomer: 2, customerUses: 1, minimumMinor: 10_000n, currency: 'EUR', productIds: null }; // prettier-ignore
    expect(refused(applyPromotions(anOrder({ promotions: [aPromotion(fitting)] })))).toEqual([]);
  });

  test('with its place and the code as it was typed; in any case, once however often it is given', () => {
    const { refusals, applied: given } = applyPromotions(
      anOrder({ promotions: [aPromotion()], codes: ['ten', 'no such', ' Ten\u200b', 'no such'] }),
    );
    expect(given).toHaveLength(1);
    expect(refusals).toEqual([
      { __typename: 'CouponError', code: 'UNKNOWN', message: 'There is no such coupon.', path: ['input', 'couponCodes', '1'], coupon: 'no such' },
    ]); // prettier-ignore
  });

  test('that needs a minimum says how much, in the currency’s own digits', () => {
    const message = (currency: string) =>
      applyPromotions(anOrder({ currency, promotions: [aPromotion({ minimumMinor: 12_345n, currency })] })).refusals[0]
        ?.message;
    expect(message('EUR')).toContain('at least 123.45 EUR');
    expect(message('JPY')).toContain('at least 12345 JPY');
    expect(message('KWD')).toContain('at least 12.345 KWD');
  });
});

describe('[CH-5] combining', () => {
  const one = aPromotion({ name: 'one', code: 'ONE' });
  const two = aPromotion({ name: 'two', code: 'TWO' });
  const alone = aPromotion({ name: 'alone', code: 'ALONE', combinable: false });
  const automatic = aPromotion({ name: 'automatic', code: null });
  const jealous = (valuePpm: number) => aPromotion({ name: `jealous ${valuePpm}`, code: null, combinable: false, valuePpm }); // prettier-ignore

  test('codes join each other and what applies by itself', () => {
    const promoted = applyPromotions(anOrder({ promotions: [one, two, automatic] }));
    expect(applied(promoted)).toEqual([['one', 1_000n], ['two', 900n], ['automatic', 810n]]); // prettier-ignore
  });

  test('a code that can not be combined is refused beside another one, and alone stands in for what applies by itself', () => {
    const both = applyPromotions(anOrder({ promotions: [alone, one, automatic] }));
    expect(refused(both)).toEqual([['NOT_COMBINABLE', 'ALONE']]);
    expect(applied(both).map(([name]) => name)).toEqual(['one', 'automatic']);
    const promoted = applyPromotions(anOrder({ promotions: [alone, automatic, jealous(900_000)] }));
    expect(applied(promoted)).toEqual([['alone', 1_000n]]);
  });

  test('beside a code that does not count, it counts', () => {
    const promoted = applyPromotions(anOrder({ promotions: [alone], codes: ['ALONE', 'NONE'] }));
    expect([refused(promoted), applied(promoted)]).toEqual([[['UNKNOWN', 'NONE']], [['alone', 1_000n]]]);
  });

  test('without a code, one that can not be combined applies where it takes more than all the others', () => {
    const small = applyPromotions(anOrder({ promotions: [automatic, jealous(100_000), jealous(50_000)] }));
    expect(applied(small)).toEqual([['automatic', 1_000n]]);
    const large = applyPromotions(anOrder({ promotions: [automatic, jealous(200_000), jealous(300_000)] }));
    expect(applied(large)).toEqual([['jealous 300000', 3_000n]]);
    const coded = applyPromotions(anOrder({ promotions: [one, automatic, jealous(900_000)] }));
    expect(applied(coded).map(([name]) => name)).toEqual(['one', 'automatic']);
  });

  test('an order has at most 20 promotions: its codes, and the oldest of the others', () => {
    const others = Array.from({ length: 30 }, (_, index) => fixed(1n, { code: null, name: `${index}` }));
    const promoted = applyPromotions(anOrder({ promotions: [...others.toReversed(), fixed(5n, { name: 'code' })] }));
    expect(promoted.applied.map(({ name }) => name)).toEqual([...others.slice(0, 19).map(({ name }) => name), 'code']);
  });

  test('one that applies by itself and takes nothing off uses none of the 20 places', () => {
    const elsewhere = (index: number) => freeShipping({ code: null, name: `idle ${index}` });
    const idle = Array.from({ length: 45 }, (_, index) => elsewhere(index));
    const young = Array.from({ length: 25 }, (_, index) => fixed(1n, { code: null, name: `${index}` }));
    const promoted = applyPromotions(anOrder({ promotions: [...idle, ...young, fixed(5n, { name: 'code' })], shippingMinor: () => 0n })); // prettier-ignore
    expect(promoted.applied.map(({ name }) => name)).toEqual([...young.slice(0, 19).map(({ name }) => name), 'code']);
    // All of the line is taken by the older ones: the rest have nothing to take, however many there are.
    const all = Array.from({ length: 60 }, (_, index) => fixed(10_000n, { code: null, name: `${index}` }));
    expect(applied(applyPromotions(anOrder({ promotions: all })))).toEqual([['0', 10_000n]]);
  });

  test('a code that takes nothing off leaves the order to what applies by itself', () => {
    const idle = freeShipping({ combinable: false, name: 'idle', code: 'IDLE' });
    const promoted = applyPromotions(anOrder({ promotions: [idle, jealous(300_000)], shippingMinor: () => 0n }));
    expect([refused(promoted), applied(promoted)]).toEqual([[['NOT_APPLICABLE', 'IDLE']], [['jealous 300000', 3_000n]]]); // prettier-ignore
  });
});

describe('shares', () => {
  const weights = fc.array(fc.bigInt({ min: 0n, max: 1_000_000n }), { minLength: 1, maxLength: 30 });

  test('sum to the amount, are within one of their proportion, and never above their weight', () => {
    const split = weights.chain((own) => fc.record({ own: fc.constant(own), amount: fc.bigInt({ min: 0n, max: sum(own) }) })); // prettier-ignore
    fc.assert(
      fc.property(split, ({ own, amount }) => {
        const shares = splitByWeight(amount, own);
        const total = sum(own);
        expect(sum(shares)).toBe(total === 0n ? 0n : amount);
        for (const [index, share] of shares.entries()) {
          const weight = own[index] ?? 0n;
          expect(share >= 0n && share <= weight).toBe(true);
          const error = share * total - amount * weight;
          expect(error < total && error > -total).toBe(total > 0n);
        }
      }),
    );
  });

  test('halves are rounded up', () => {
    expect([1n, 2n, 3n, 4n, 5n].map((each) => roundedQuotient(each, 2n))).toEqual([1n, 1n, 2n, 2n, 3n]);
    expect([1n, 2n].map((each) => roundedQuotient(each, 3n))).toEqual([0n, 1n]);
  });
});
