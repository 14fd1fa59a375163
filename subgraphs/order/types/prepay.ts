import type { OrderType } from './order-type.ts';
import { refuseTopUp } from './top-up.ts';

/** Goods that are paid from the customer's wallet while the order is placed: paid with the answer, or not placed at all. */
export const prepay: OrderType = {
  code: 'PREPAY',
  name: 'Prepaid order',
  numberPrefix: 'PO',
  paymentWindowSeconds: null,
  payFlow: 'PREPAY_WALLET',
  productKind: null,
  extension: null,
  redeemable: false,
  refuses: refuseTopUp,
  needsFulfilment: (kind) => kind !== 'DIGITAL',
  deliver: async () => undefined,
  deliveryLifeSeconds: 86_400,
};
