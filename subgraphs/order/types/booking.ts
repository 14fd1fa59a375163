import { defineOrderType } from './define-order-type.ts';

/** Nights in a place to stay: paid, then used when the merchant redeems the guest's confirmation code, or lapsed. */
export const booking = defineOrderType({
  code: 'BOOKING',
  name: 'Booking',
  numberPrefix: 'BO',
  productKind: 'BOOKABLE',
  redeemable: true,
  refuses: () => null,
  // It is redeemed, not delivered.
  needsFulfilment: () => false,
  // A night that was used can't be given back.
  returnWindowDays: 0,
});
