import type { Refusal } from '../../../shared/errors/errors.ts';
import {
  type CouponRefusal,
  type OfferedPromotion,
  type PromotedLine,
  type PromotionKind,
  couponCode,
  couponError,
  obstacle,
  scopeOf,
} from './promotion.ts';
import { roundedQuotient, splitByWeight } from './shares.ts';

/*
 * Which promotions an order gets and what each takes off. The rules, in this sequence:
 *
 * 1. Each code that is given names one promotion; a code given twice counts once. A code that can't apply is refused, and the
 *    others count.
 * 2. A code that can't be combined is refused beside another one. Alone, it stands in for the promotions that apply by
 *    themselves.
 * 3. Without such a code, the combinable promotions that apply by themselves join the given codes: the oldest that take
 *    something off, up to 20 in all.
 * 4. Without any code, one that can't be combined applies instead of those where it takes more off; of several the one that
 *    takes most, and among equals the oldest.
 * 5. They are applied by kind: BUY_X_GET_Y, PERCENT, FIXED, FREE_SHIPPING; within a kind the oldest first. Each takes its part
 *    of what the ones before it have left of its lines, so that no line is below zero. One that finds nothing left to take
 *    does not count, and its code is refused.
 *
 * Nothing here depends on the sequence in which codes or promotions come.
 */

/** What a promotion takes off an order, as the order keeps it. */
export type AppliedPromotion = {
  readonly promotionId: string;
  /** That the amount was computed by. */
  readonly version: number;
  readonly name: string;
  readonly code: string | null;
  /** How many orders of one customer may have it. */
  readonly usagePerCustomer: number | null;
  /** Taken off lines and shipping together; positive, but 0 where the price of shipping isn't known. */
  readonly amountMinor: bigint;
};

export type PromotedOrder = {
  readonly lines: readonly PromotedLine[];
  readonly currency: string;
  /** Those that apply by themselves, and those of the codes; others don't matter. */
  readonly promotions: readonly OfferedPromotion[];
  /** As the client gave them. */
  readonly codes: readonly string[];
  readonly at: Date;
  /** The price of shipping lines with these discounts; null where it isn't known yet, 0 where nothing is to be paid. */
  readonly shippingMinor: (lineDiscounts: ReadonlyMap<string, bigint>) => bigint | null;
};

export type Promoted = {
  /** By line id; lines without a discount are left out. */
  readonly lineDiscounts: ReadonlyMap<string, bigint>;
  readonly shippingDiscountMinor: bigint;
  /** In the sequence of their application. */
  readonly applied: readonly AppliedPromotion[];
  /** `CouponError`s, in the sequence of the codes. */
  readonly refusals: readonly Refusal[];
};

/** How many promotions one order may have. */
const maxPromotions = 20;

const sequence: Readonly<Record<PromotionKind, number>> = { BUY_X_GET_Y: 0, PERCENT: 1, FIXED: 2, FREE_SHIPPING: 3 };
const millionPpm = 1_000_000n;

/** Applies promotions and codes to priced lines. Pure: the same for the same input, whatever the sequence of codes. */
export const applyPromotions = ({ shippingMinor, ...order }: PromotedOrder): Promoted =>
  promotionsFor(order)(shippingMinor);

/**
 * The same for one price of shipping after another: a quote asks for each of its shipping methods, and what is taken off lines is
 * computed once for all of them.
 */
export function promotionsFor(
  order: Omit<PromotedOrder, 'shippingMinor'>,
): (shippingMinor: PromotedOrder['shippingMinor']) => Promoted {
  const given = givenCodes(order);
  const reasons = new Map<string, CouponRefusal>();
  for (const { code, promotion } of given) {
    const reason = promotion === null ? 'UNKNOWN' : obstacle(promotion, order);
    if (reason !== null) reasons.set(code, reason);
  }
  const automatic = order.promotions.filter((each) => each.code === null && obstacle(each, order) === null);
  const onLines = new Map<string, OnLines>();
  const applied = (promotions: readonly OfferedPromotion[]): OnLines => {
    const key = promotions.map(({ id }) => id).join();
    const known = onLines.get(key) ?? applyToLines(order.lines, promotions);
    onLines.set(key, known);
    return known;
  };
  return (shippingMinor) => {
    const outcomeOf: Applying = (promotions) => withShipping(applied(promotions), shippingMinor);
    const choose = (coupons: readonly OfferedPromotion[]): Outcome => best(alternatives(automatic, coupons, outcomeOf));
    return chosenOf(given, new Map(reasons), choose);
  };
}

function chosenOf(
  given: readonly GivenCode[],
  refused: Map<string, CouponRefusal>,
  choose: (coupons: readonly OfferedPromotion[]) => Outcome,
): Promoted {
  const fitting = given.flatMap(({ promotion, code }) => (promotion !== null && !refused.has(code) ? [promotion] : []));
  for (const { combinable, code } of fitting)
    if (!combinable && fitting.length > 1) refused.set(String(code), 'NOT_COMBINABLE');
  let coupons = fitting.filter(({ code }) => !refused.has(String(code)));
  let chosen = choose(coupons);
  // One that takes nothing off is as good as not given: it may have stood in the way of others.
  for (let useless = idle(coupons, chosen); useless.length > 0; useless = idle(coupons, chosen)) {
    for (const { code } of useless) refused.set(String(code), 'NOT_APPLICABLE');
    coupons = coupons.filter((each) => !useless.includes(each));
    chosen = choose(coupons);
  }
  const refusals = given.flatMap(({ code, promotion, ...typed }) => {
    const reason = refused.get(code);
    return reason === undefined ? [] : [couponError(reason, typed, promotion)];
  });
  return { ...chosen, refusals };
}

/** A code with its first place in the input, and its promotion. */
type GivenCode = {
  readonly code: string;
  readonly coupon: string;
  readonly index: number;
  readonly promotion: OfferedPromotion | null;
};

function givenCodes({ codes, promotions }: Pick<PromotedOrder, 'codes' | 'promotions'>): GivenCode[] {
  const found = new Map<string, GivenCode>();
  for (const [index, coupon] of codes.entries()) {
    const known = couponCode(coupon);
    // What can be no code is told apart by itself.
    const code = known ?? ` ${coupon}`;
    const promotion = promotions.find((each) => each.code !== null && each.code === known) ?? null;
    if (!found.has(code)) found.set(code, { code, coupon, index, promotion });
  }
  return [...found.values()];
}

/** Those that take nothing off. */
const idle = (coupons: readonly OfferedPromotion[], { applied }: Outcome): OfferedPromotion[] =>
  coupons.filter(({ id }) => !applied.some(({ promotionId }) => promotionId === id));

/** What may apply together comes to these: the one that takes most off is what the order gets. */
function alternatives(
  automatic: readonly OfferedPromotion[],
  coupons: readonly OfferedPromotion[],
  outcomeOf: Applying,
): Outcome[] {
  if (coupons.some(({ combinable }) => !combinable)) return [outcomeOf(coupons)];
  const together = joined(automatic.filter(({ combinable }) => combinable).toSorted(byId), coupons, outcomeOf);
  if (coupons.length > 0) return [together];
  const alone = automatic.filter(({ combinable }) => !combinable);
  return [together, ...alone.toSorted(byId).map((each) => outcomeOf([each]))];
}

/** The coupons with the oldest of `joining`: one that takes nothing off gives its place to the next. */
function joined(
  joining: readonly OfferedPromotion[],
  coupons: readonly OfferedPromotion[],
  outcomeOf: Applying,
): Outcome {
  let left = joining;
  for (;;) {
    const oldest = left.slice(0, maxPromotions - coupons.length);
    const outcome = outcomeOf([...coupons, ...oldest]);
    const useless = idle(oldest, outcome);
    if (useless.length === 0 || oldest.length === left.length) return outcome;
    left = left.filter((each) => !useless.includes(each));
  }
}

const byId = (one: { readonly id: string }, other: { readonly id: string }): number =>
  one.id < other.id ? -1 : one.id > other.id ? 1 : 0;

type Outcome = Omit<Promoted, 'refusals'>;
/** What promotions come to, all of which can apply. */
type Applying = (promotions: readonly OfferedPromotion[]) => Outcome;
const amountOf = ({ applied }: Outcome): bigint => applied.reduce((total, { amountMinor }) => total + amountMinor, 0n);

/** The one that takes most off; the earlier among equals. */
const best = (outcomes: readonly Outcome[]): Outcome =>
  outcomes.reduce((one, other) => (amountOf(other) > amountOf(one) ? other : one));

/** What promotions take off lines, and those that are to take off shipping. */
type OnLines = Pick<Outcome, 'lineDiscounts' | 'applied'> & { readonly freeShipping: readonly OfferedPromotion[] };

const applicationOf = (promotion: OfferedPromotion, amountMinor: bigint): AppliedPromotion => {
  const { id, version, name, code, usagePerCustomer } = promotion;
  return { promotionId: id, version, name, code, usagePerCustomer, amountMinor };
};

/** Applies these, all of which can apply, one after another. */
function applyToLines(all: readonly PromotedLine[], promotions: readonly OfferedPromotion[]): OnLines {
  const left = new Map(all.map(({ id, subtotalMinor }) => [id, subtotalMinor]));
  const lineDiscounts = new Map<string, bigint>();
  const applied: AppliedPromotion[] = [];
  const ordered = promotions.toSorted((one, other) => sequence[one.kind] - sequence[other.kind] || byId(one, other));
  for (const promotion of ordered.filter(({ kind }) => kind !== 'FREE_SHIPPING')) {
    const isForLine = scopeOf(promotion);
    const lines = all.filter(isForLine);
    const discounts = discountsOf(promotion, lines, lines.map(({ id }) => left.get(id) ?? 0n)); // prettier-ignore
    const amountMinor = discounts.reduce((total, discount) => total + discount, 0n);
    if (amountMinor === 0n) continue;
    for (const [at, { id }] of lines.entries()) {
      const discount = discounts[at] ?? 0n;
      if (discount === 0n) continue;
      left.set(id, (left.get(id) ?? 0n) - discount);
      lineDiscounts.set(id, (lineDiscounts.get(id) ?? 0n) + discount);
    }
    applied.push(applicationOf(promotion, amountMinor));
  }
  return { lineDiscounts, applied, freeShipping: ordered.filter(({ kind }) => kind === 'FREE_SHIPPING') };
}

/** Those for shipping come last, whose price may depend on what was taken off lines. */
function withShipping(onLines: OnLines, shippingMinor: PromotedOrder['shippingMinor']): Outcome {
  const { lineDiscounts, freeShipping } = onLines;
  const applied = [...onLines.applied];
  let shippingDiscountMinor = 0n;
  for (const promotion of freeShipping) {
    const priceMinor = shippingMinor(lineDiscounts);
    const amountMinor = priceMinor === null ? 0n : priceMinor - shippingDiscountMinor;
    shippingDiscountMinor += amountMinor;
    if (priceMinor === null || amountMinor > 0n) applied.push(applicationOf(promotion, amountMinor));
  }
  return { lineDiscounts, shippingDiscountMinor, applied };
}

/** What it takes off each of its lines, of which so much is left. */
function discountsOf(promotion: OfferedPromotion, lines: readonly PromotedLine[], left: readonly bigint[]): bigint[] {
  const leftMinor = left.reduce((total, each) => total + each, 0n);
  switch (promotion.kind) {
    case 'PERCENT':
      return splitByWeight(roundedQuotient(leftMinor * BigInt(promotion.valuePpm ?? 0), millionPpm), left);
    case 'FIXED': {
      const { valueMinor } = promotion;
      const value = valueMinor ?? 0n;
      return splitByWeight(value < leftMinor ? value : leftMinor, left);
    }
    case 'BUY_X_GET_Y':
      return discountsOfPieces(promotion, lines, left);
    case 'FREE_SHIPPING':
      return lines.map(() => 0n);
    default:
      return promotion.kind satisfies never;
  }
}

/**
 * Of each `buyQuantity + getQuantity` pieces, counted over all lines together, `getQuantity` are got: the cheapest of all. A
 * piece costs its part of its line's subtotal, extras included. A line's discount is rounded once, halves up.
 */
function discountsOfPieces(
  { buyQuantity, getQuantity, valuePpm }: OfferedPromotion,
  lines: readonly PromotedLine[],
  left: readonly bigint[],
): bigint[] {
  const buy = buyQuantity ?? 1;
  const get = getQuantity ?? 1;
  const pieces = lines.reduce((total, { quantity }) => total + quantity, 0);
  let got = Math.floor(pieces / (buy + get)) * get;
  const discounts = lines.map(() => 0n);
  const cheapestFirst = [...lines.entries()].toSorted(([oneAt, one], [otherAt, other]) => {
    const difference = one.subtotalMinor * BigInt(other.quantity) - other.subtotalMinor * BigInt(one.quantity);
    return difference === 0n ? oneAt - otherAt : difference < 0n ? -1 : 1;
  });
  for (const [at, { quantity }] of cheapestFirst) {
    const taken = Math.min(got, quantity);
    got -= taken;
    const part = (left[at] ?? 0n) * BigInt(taken) * (valuePpm === null ? millionPpm : BigInt(valuePpm));
    discounts[at] = roundedQuotient(part, BigInt(quantity) * millionPpm);
  }
  return discounts;
}
