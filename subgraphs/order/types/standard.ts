import type { OrderType } from './order-type.ts';
import { refuseTopUp } from './top-up.ts';

/** Goods of a shop: stocked products are shipped by staff (`fulfilOrder`), digital ones need no shipping. */
export const standard: OrderType = {
  code: 'STANDARD',
  name: 'Standard order',
  numberPrefix: 'SO',
  paymentWindowSeconds: null,
  payFlow: 'ORDER_THEN_PAY',
  productKind: null,
  extension: null,
  redeemable: false,
  refuses: refuseTopUp,
  needsFulfilment: (kind) => kind !== 'DIGITAL',
  // Nothing to do by hand is nothing to do at all: what is bought is the product itself.
  deliver: async () => undefined,
  deliveryLifeSeconds: 86_400,
};
