import type { Money } from '../types.ts';
import { t } from '../language/catalogue.ts';

type StayAddOn = {
  readonly code: string;
  readonly name: string;
  readonly unitPrice: Money;
  readonly perPerson: boolean;
  readonly perNight: boolean;
};

/** How an extra is counted, for people. */
export const addOnBasis = ({ perPerson, perNight }: Pick<StayAddOn, 'perPerson' | 'perNight'>): string =>
  t().booking.basis(perPerson, perNight);

type Counted = { nights: number; rooms: number; guests: number; chosen: readonly string[] };

/** What a stay will cost, part by part, by the prices that are shown; what it does cost, the server says. */
export function estimateParts(
  { price, addOns }: { price: Money; addOns: readonly StayAddOn[] },
  { nights, rooms, guests, chosen }: Counted,
): readonly { readonly name: string | null; readonly times: number; readonly unit: Money; readonly total: Money }[] {
  const part = (name: string | null, unit: Money, times: number) => ({
    name,
    times,
    unit,
    total: { amount: unit.amount * times, currency: price.currency },
  });
  const extras = addOns
    .filter(({ code }) => chosen.includes(code))
    .map((addOn) =>
      part(addOn.name, addOn.unitPrice, (addOn.perPerson ? guests : rooms) * (addOn.perNight ? nights : 1)),
    );
  return [part(null, price, nights * rooms), ...extras];
}

/** What a stay will cost in all. */
export function estimate(product: { price: Money; addOns: readonly StayAddOn[] }, counted: Counted): Money {
  const amount = estimateParts(product, counted).reduce((sum, { total }) => sum + total.amount, 0);
  return { amount, currency: product.price.currency };
}
