import type { Refusal } from '../../../shared/errors/errors.ts';
import { decimalText } from '../../../shared/values/currencies.ts';
import { typedIdentifier } from '../../../shared/values/text.ts';

/*
 * What a promotion is, and whether it can apply to an order at all. How those that can are applied is in `apply-promotions.ts`.
 */

export const promotionKinds = ['PERCENT', 'FIXED', 'FREE_SHIPPING', 'BUY_X_GET_Y'] as const;
export type PromotionKind = (typeof promotionKinds)[number];

/** A rule that takes something off an order. Amounts in minor units of `currency`. */
export type Promotion = {
  readonly id: string;
  readonly name: string;
  readonly kind: PromotionKind;
  /** As `couponCode` gives it; null: applies by itself. */
  readonly code: string | null;
  /** PERCENT: what is taken off; BUY_X_GET_Y: what is taken off the pieces that are got, null for all. Parts per million. */
  readonly valuePpm: number | null;
  /** FIXED: what is taken off. */
  readonly valueMinor: bigint | null;
  /** Of orders in this currency only; null for any. */
  readonly currency: string | null;
  readonly buyQuantity: number | null;
  readonly getQuantity: number | null;
  /** For these products, and those of these categories or below them; both null for all. */
  readonly productIds: readonly string[] | null;
  readonly categoryIds: readonly string[] | null;
  /** What all lines of the order come to before discounts, at least. */
  readonly minimumMinor: bigint | null;
  readonly combinable: boolean;
  readonly startsAt: Date;
  /** It is over from here on. */
  readonly endsAt: Date | null;
  /** How many orders may have it, in all and of one customer. */
  readonly usageLimit: number | null;
  readonly usagePerCustomer: number | null;
  /** How many orders have it. */
  readonly used: number;
  readonly active: boolean;
  /** Raised by one whenever staff change it; not by its use. */
  readonly version: number;
};

/** A promotion, and how many orders of the customer have it: 0 for somebody who isn't known. */
export type OfferedPromotion = Promotion & { readonly customerUses: number };

/** A line as promotions see it. */
export type PromotedLine = {
  readonly id: string;
  readonly productId: string;
  /** The product's own category and those above it. */
  readonly categoryIds: readonly string[];
  readonly quantity: number;
  /** Before discounts, in minor units. */
  readonly subtotalMinor: bigint;
};

/** What an order has against a code; TOO_MANY_TRIES (`tooManyTries`) is against who tries them. */
export type CouponRefusal =
  | 'UNKNOWN'
  | 'NOT_STARTED'
  | 'ENDED'
  | 'EXHAUSTED'
  | 'CUSTOMER_LIMIT'
  | 'MINIMUM_NOT_REACHED'
  | 'NOT_APPLICABLE'
  | 'NOT_COMBINABLE';

/** How many codes an order may have. */
export const maxCouponCodes = 10;
const codeShape = /^[0-9A-Z_-]{1,32}$/;

/** A coupon's code in the one form in which it is kept, from what somebody typed; null for what can be no code. */
export function couponCode(typed: string): string | null {
  const code = typedIdentifier(typed.slice(0, 200)).toUpperCase();
  return codeShape.test(code) ? code : null;
}

/** Tells the lines that it is for. */
export function scopeOf({ productIds, categoryIds }: Pick<Promotion, 'productIds' | 'categoryIds'>) {
  if (productIds === null && categoryIds === null) return (): boolean => true;
  const [products, categories] = [new Set(productIds), new Set(categoryIds)];
  return (line: PromotedLine): boolean =>
    products.has(line.productId) || line.categoryIds.some((id) => categories.has(id));
}

/** Why the promotion can't apply to this order; null where it can. Of several reasons the first in this sequence. */
export function obstacle(
  promotion: OfferedPromotion,
  order: { readonly lines: readonly PromotedLine[]; readonly currency: string; readonly at: Date },
): CouponRefusal | null {
  const { startsAt, endsAt, usageLimit, usagePerCustomer, currency, minimumMinor } = promotion;
  if (!promotion.active) return 'UNKNOWN';
  if (order.at.getTime() < startsAt.getTime()) return 'NOT_STARTED';
  if (endsAt !== null && order.at.getTime() >= endsAt.getTime()) return 'ENDED';
  if (usageLimit !== null && promotion.used >= usageLimit) return 'EXHAUSTED';
  if (usagePerCustomer !== null && promotion.customerUses >= usagePerCustomer) return 'CUSTOMER_LIMIT';
  if (currency !== null && currency !== order.currency) return 'NOT_APPLICABLE';
  if (!order.lines.some(scopeOf(promotion))) return 'NOT_APPLICABLE';
  const subtotalMinor = order.lines.reduce((total, line) => total + line.subtotalMinor, 0n);
  if (minimumMinor !== null && subtotalMinor < minimumMinor) return 'MINIMUM_NOT_REACHED';
  return null;
}

/** What a client is told of a code that doesn't count; `index` is the code's place in the input. */
export function couponError(
  code: CouponRefusal,
  given: { readonly coupon: string; readonly index: number },
  promotion: Pick<Promotion, 'minimumMinor' | 'currency'> | null = null,
): Refusal {
  const { coupon, index } = given;
  return {
    __typename: 'CouponError',
    code,
    message: messageOf(code, promotion),
    path: ['input', 'couponCodes', String(index)],
    coupon,
  };
}

/** What a client is told of any code while it has tried too many that don't exist. */
export const tooManyTries = (given: { readonly coupon: string; readonly index: number }, waitMs: number): Refusal => {
  const minutes = Math.max(1, Math.ceil(waitMs / 60_000));
  return {
    __typename: 'CouponError',
    code: 'TOO_MANY_TRIES',
    message: `Too many coupon codes that do not exist were tried; try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}, or go on without.`,
    path: ['input', 'couponCodes', String(given.index)],
    coupon: given.coupon,
  };
};

function messageOf(code: CouponRefusal, promotion: Pick<Promotion, 'minimumMinor' | 'currency'> | null): string {
  switch (code) {
    case 'UNKNOWN':
      return 'There is no such coupon.';
    case 'NOT_STARTED':
      return 'The coupon is not valid yet.';
    case 'ENDED':
      return 'The coupon is not valid any more.';
    case 'EXHAUSTED':
      return 'The coupon was used as often as it may be. A use comes back when an order that has it closes unpaid.';
    case 'CUSTOMER_LIMIT':
      return 'You have used the coupon as often as one customer may.';
    case 'MINIMUM_NOT_REACHED': {
      const { minimumMinor = null, currency = null } = promotion ?? {};
      return minimumMinor === null || currency === null
        ? 'The order is too small for the coupon.'
        : `The coupon is for orders of at least ${decimalText(minimumMinor, currency)} ${currency}.`;
    }
    case 'NOT_APPLICABLE':
      return 'The coupon takes nothing off this order.';
    case 'NOT_COMBINABLE':
      return 'The coupon can not be combined with another one; use it alone.';
    default:
      return code satisfies never;
  }
}
