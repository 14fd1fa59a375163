import { applyPromotions } from './apply-promotions.ts';
import type { OfferedPromotion } from './promotion.ts';
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
export const promotionDiscounts =
  ({ promotions, isTaken, ...offer }: Offer): DiscountRule =>
  (items, shippingMinor) => {
    const { applied, ...promoted } = applyPromotions({
      ...offer,
      // For nothing that there is: so each code is refused, for what it is.
      promotions: isTaken ? promotions : promotions.map((each) => ({ ...each, productIds: [], categoryIds: [] })),
      lines: items.map(({ line, product }) => ({ ...line, categoryIds: product.categoryIds })),
      shippingMinor,
    });
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
