import type { Adjustment, ChosenShipping, OrderTax } from './domain/charges.ts';
import type { StoredOrder } from './stored-order.ts';

const amount = (minor: bigint | number, currency: string) => ({ amount: Number(minor), currency });

const presentAdjustment = ({ source, label, amountMinor }: Adjustment, currency: string) => ({
  source,
  label,
  amount: amount(amountMinor, currency),
});

const presentTax = ({ name, ratePpm, taxableMinor, amountMinor }: OrderTax, currency: string) => ({
  name,
  ratePpm,
  taxable: amount(taxableMinor, currency),
  amount: amount(amountMinor, currency),
});

const presentShipping = ({ priceMinor, taxMinor, ...method }: ChosenShipping, currency: string) => ({
  ...method,
  price: amount(priceMinor, currency),
  tax: amount(taxMinor, currency),
});

/** What of an `Order` tells of discounts, shipping and taxes. */
export const orderCharges = {
  adjustments: ({ adjustments, currency }: StoredOrder) =>
    (adjustments ?? []).map((each) => presentAdjustment(each, currency)),
  taxes: ({ taxes, currency }: StoredOrder) => (taxes ?? []).map((each) => presentTax(each, currency)),
  discountTotal: (order: StoredOrder) => amount(order.discountMinor, order.currency),
  shippingTotal: (order: StoredOrder) => amount(order.shippingMinor, order.currency),
  taxTotal: (order: StoredOrder) => amount(order.taxMinor, order.currency),
  shippingMethod: ({ shippingMethod, currency }: StoredOrder) =>
    shippingMethod && presentShipping(shippingMethod, currency),
};
