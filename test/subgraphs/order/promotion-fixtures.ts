import fc from 'fast-check';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import type { PromotedOrder } from '../../../subgraphs/order/domain/pricing/apply-promotions.ts';
import {
  type OfferedPromotion,
  type PromotedLine,
  promotionKinds,
} from '../../../subgraphs/order/domain/pricing/promotion.ts';

export const at = new Date('2026-12-01T12:00:00.000Z');
export const hoursLater = (hours: number): Date => new Date(at.getTime() + hours * 3_600_000);

/** 10 % off everything by the code TEN, which can be combined. */
export const aPromotion = (change: Partial<OfferedPromotion> = {}): OfferedPromotion => ({
  id: newId(),
  name: 'Ten off',
  kind: 'PERCENT',
  code: 'TEN',
  valuePpm: change.kind === undefined || change.kind === 'PERCENT' ? 100_000 : null,
  valueMinor: null,
  currency: null,
  buyQuantity: null,
  getQuantity: null,
  productIds: null,
  categoryIds: null,
  minimumMinor: null,
  combinable: true,
  startsAt: hoursLater(-1),
  endsAt: null,
  usageLimit: null,
  usagePerCustomer: null,
  used: 0,
  active: true,
  version: 1,
  customerUses: 0,
  ...change,
});
export const fixed = (valueMinor: bigint, change: Partial<OfferedPromotion> = {}): OfferedPromotion =>
  aPromotion({ kind: 'FIXED', valueMinor, currency: 'EUR', name: 'Fixed', code: 'FIXED', ...change });
export const bundle = (buyQuantity: number, getQuantity: number, change: Partial<OfferedPromotion> = {}) =>
  aPromotion({ kind: 'BUY_X_GET_Y', buyQuantity, getQuantity, name: 'Bundle', code: 'BUNDLE', ...change });
export const freeShipping = (change: Partial<OfferedPromotion> = {}): OfferedPromotion =>
  aPromotion({ kind: 'FREE_SHIPPING', name: 'Free shipping', code: 'SHIP', ...change });

export const aLine = (subtotalMinor: bigint, change: Partial<PromotedLine> = {}): PromotedLine => ({
  id: newId(),
  productId: newId(),
  categoryIds: [],
  quantity: 1,
  subtotalMinor,
  ...change,
});

/** One line of 100.00 EUR, shipped for 5.00, with all the promotions' codes unless told otherwise. */
export function anOrder(change: Partial<PromotedOrder> = {}): PromotedOrder {
  const promotions = change.promotions ?? [];
  return {
    lines: [aLine(10_000n)],
    currency: 'EUR',
    promotions,
    codes: promotions.flatMap(({ code }) => code ?? []),
    at,
    shippingMinor: () => 500n,
    ...change,
  };
}

const products = Array.from({ length: 4 }, newId);
const categories = Array.from({ length: 3 }, newId);
const scope = (ids: readonly string[]) => fc.option(fc.subarray([...ids], { minLength: 1 }));

const anyLine: fc.Arbitrary<PromotedLine> = fc
  .record({
    productId: fc.constantFrom(...products),
    categoryIds: fc.subarray(categories),
    quantity: fc.integer({ min: 1, max: 12 }),
    unit: fc.bigInt({ min: 0n, max: 100_000n }),
  })
  .map(({ unit, ...line }) => ({ ...line, id: newId(), subtotalMinor: unit * BigInt(line.quantity) }));

const anyPromotion: fc.Arbitrary<OfferedPromotion> = fc
  .record({
    kind: fc.constantFrom(...promotionKinds),
    code: fc.option(fc.constantFrom('A', 'B', 'C', 'D', 'E')),
    valuePpm: fc.integer({ min: 1, max: 1_000_000 }),
    valueMinor: fc.bigInt({ min: 1n, max: 200_000n }),
    buyQuantity: fc.integer({ min: 1, max: 4 }),
    getQuantity: fc.integer({ min: 1, max: 3 }),
    productIds: scope(products),
    categoryIds: scope(categories),
    minimumMinor: fc.option(fc.bigInt({ min: 1n, max: 300_000n })),
    combinable: fc.boolean(),
    startsIn: fc.constantFrom(-1, -1, -1, 1),
    endsIn: fc.option(fc.constantFrom(1, 0), { freq: 3 }),
    usageLimit: fc.option(fc.integer({ min: 1, max: 3 })),
    used: fc.integer({ min: 0, max: 2 }),
    usagePerCustomer: fc.option(fc.integer({ min: 1, max: 2 })),
    customerUses: fc.integer({ min: 0, max: 1 }),
    active: fc.constantFrom(true, true, true, false),
  })
  .map(({ startsIn, endsIn, ...promotion }) => ({
    ...promotion,
    id: newId(),
    name: promotion.kind,
    version: 1,
    currency: 'EUR',
    startsAt: hoursLater(startsIn),
    endsAt: endsIn === null ? null : hoursLater(endsIn),
  }));

/** Any cart with any promotions, each code of one promotion at most; some codes are of none. */
export const anyOrder: fc.Arbitrary<PromotedOrder> = fc
  .record({
    lines: fc.array(anyLine, { minLength: 1, maxLength: 8 }),
    promotions: fc.array(anyPromotion, { maxLength: 8 }),
    codes: fc.array(fc.constantFrom('A', 'b', 'C', ' d ', 'E', 'NONE', 'no code!'), { maxLength: 6 }),
    shipping: fc.constantFrom(0n, 499n, null),
  })
  .map(({ promotions, shipping, ...order }) => {
    const codes = new Set<string>();
    const distinct = promotions.filter(({ code }) => code === null || !codes.has(code) && codes.add(code) !== undefined); // prettier-ignore
    return { ...order, promotions: distinct, currency: 'EUR', at, shippingMinor: () => shipping };
  });
