import type { OrderType } from './order-type.ts';
import { refuseTopUp } from './top-up.ts';

/** Digital goods only: paid, then complete without anybody's help. */
export const digital: OrderType = {
  code: 'DIGITAL',
  name: 'Digital order',
  numberPrefix: 'DO',
  paymentWindowSeconds: null,
  payFlow: 'ORDER_THEN_PAY',
  productKind: 'DIGITAL',
  extension: null,
  redeemable: false,
  refuses: refuseTopUp,
  needsFulfilment: () => false,
  deliver: async () => undefined,
  deliveryLifeSeconds: 86_400,
};
