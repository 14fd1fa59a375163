import type { Adjustment, ChosenShipping, OrderTax } from './domain/charges.ts';
import type { LineAddOn } from './domain/line.ts';
import type { StoredOrder } from './stored-order.ts';

const amount = (minor: bigint | number, currency: string) => ({ amount: Number(minor), currency });

/** As the API tells it. */
export const presentAdjustment = ({ source, label, amountMinor }: Adjustment, currency: string) => ({
  source,
  label,
  amount: amount(amountMinor, currency),
});

/** As the API tells it. */
export const presentTax = ({ name, ratePpm, taxableMinor, amountMinor }: OrderTax, currency: string) => ({
  name,
  ratePpm,
  taxable: amount(taxableMinor, currency),
  amount: amount(amountMinor, currency),
});

/** As the API tells it. */
export const presentShipping = ({ priceMinor, taxMinor, ...method }: ChosenShipping, currency: string) => ({
  ...method,
  price: amount(priceMinor, currency),
  tax: amount(taxMinor, currency),
});

/** Chosen extras as the API tells them. */
export const presentAddOns = (addOns: readonly LineAddOn[], currency: string) =>
  addOns.map(({ code, name, unitPriceMinor, quantity }) => ({
    code,
    name,
    quantity,
    unitPrice: amount(unitPriceMinor, currency),
    total: amount(BigInt(unitPriceMinor) * BigInt(quantity), currency),
  }));

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
