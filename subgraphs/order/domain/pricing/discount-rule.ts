import { promotionsFor } from './apply-promotions.ts';
import type { OfferedPromotion } from './promotion.ts';
import type { PricedItem } from './price-lines.ts';
import type { DiscountRule } from './quote.ts';

/** What is offered to an order: promotions, and the codes that its buyer gave. */
export type Offer = {
  readonly promotions: readonly OfferedPromotion[];
  readonly codes: readonly string[];
  readonly currency: string;
  readonly at: Date;
  /** False where the order's type takes no promotions. */
  readonly isTaken: boolean;
};

/** The discounts of promotions, as a quote asks for them. */
export function promotionDiscounts({ promotions, isTaken, ...offer }: Offer): DiscountRule {
  const promoterOf = (items: readonly PricedItem[]) =>
    promotionsFor({
      ...offer,
      // For nothing that there is: so each code is refused, for what it is.
      promotions: isTaken ? promotions : promotions.map((each) => ({ ...each, productIds: [], categoryIds: [] })),
      lines: items.map(({ line, product }) => ({ ...line, categoryIds: product.categoryIds })),
    });
  const kept = new WeakMap<readonly PricedItem[], ReturnType<typeof promoterOf>>();
  return (items, shippingMinor) => {
    const promoter = kept.get(items) ?? promoterOf(items);
    kept.set(items, promoter);
    const { applied, ...promoted } = promoter(shippingMinor);
    return {
      ...promoted,
      uses: applied,
      adjustments: applied
        .filter(({ amountMinor }) => amountMinor > 0n)
        .map(({ promotionId, name, amountMinor }) => ({
          source: `promotion:${promotionId}`,
          label: name,
          amountMinor: -Number(amountMinor),
        })),
    };
  };
}
