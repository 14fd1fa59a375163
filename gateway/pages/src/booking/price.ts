import type { Money } from '../types.ts';

type StayAddOn = {
  readonly code: string;
  readonly name: string;
  readonly unitPrice: Money;
  readonly perPerson: boolean;
  readonly perNight: boolean;
};

/** How an extra is counted, for people. */
export const addOnBasis = ({ perPerson, perNight }: Pick<StayAddOn, 'perPerson' | 'perNight'>): string =>
  `${perPerson ? 'each guest' : 'each room'}${perNight ? ' and night' : ''}`;

/** What a stay will cost by the prices that are shown; what it does cost, the server says. */
export function estimate(
  { price, addOns }: { price: Money; addOns: readonly StayAddOn[] },
  { nights, rooms, guests, chosen }: { nights: number; rooms: number; guests: number; chosen: readonly string[] },
): Money {
  const extras = addOns
    .filter((addOn) => chosen.includes(addOn.code))
    .map((addOn) => addOn.unitPrice.amount * (addOn.perPerson ? guests : rooms) * (addOn.perNight ? nights : 1));
  const amount = price.amount * nights * rooms + extras.reduce((sum, extra) => sum + extra, 0);
  return { amount, currency: price.currency };
}
