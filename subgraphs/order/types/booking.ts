import type { OrderType } from './order-type.ts';

/** Nights in a place to stay: paid, then used when the merchant redeems the guest's confirmation code, or lapsed. */
export const booking: OrderType = {
  code: 'BOOKING',
  name: 'Booking',
  numberPrefix: 'BO',
  paymentWindowSeconds: null,
  payFlow: 'ORDER_THEN_PAY',
  productKind: 'BOOKABLE',
  extension: null,
  redeemable: true,
  refuses: () => null,
  needsFulfilment: () => false,
  // It is redeemed, not delivered.
  deliver: async () => undefined,
  deliveryLifeSeconds: 86_400,
};
