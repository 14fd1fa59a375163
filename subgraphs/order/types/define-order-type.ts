import type { OrderType } from './order-type.ts';
import { refuseTopUp } from './top-up-products.ts';

/** What a type is in all that it doesn't say: an order of any goods that is placed, then paid, then shipped by staff. */
const usual: Omit<OrderType, 'code' | 'name' | 'numberPrefix'> = {
  paymentWindowSeconds: null,
  returnWindowDays: null,
  payFlow: 'ORDER_THEN_PAY',
  productKind: null,
  extension: null,
  taxed: true,
  redeemable: false,
  refuses: refuseTopUp,
  price: null,
  validate: null,
  takesPromotions: true,
  needsFulfilment: (kind) => kind !== 'DIGITAL',
  mayAdvance: null,
  // Nothing to do by hand is nothing to do at all: what is bought is the product itself.
  deliver: async () => undefined,
  deliveryLifeSeconds: 86_400,
  onFinish: null,
  onAbnormal: null,
};

/**
 * An order type from what sets it apart:
 *
 *     export const sample = defineOrderType({ code: 'SAMPLE', name: 'Sample', numberPrefix: 'SA', returnWindowDays: 0 });
 */
export const defineOrderType = (
  own: Pick<OrderType, 'code' | 'name' | 'numberPrefix'> & Partial<OrderType>,
): OrderType => ({ ...usual, ...own });
