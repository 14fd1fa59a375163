import { defineOrderType } from './define-order-type.ts';

/** Goods that are paid from the customer's wallet while the order is placed: paid with the answer, or not placed at all. */
export const prepay = defineOrderType({
  code: 'PREPAY',
  name: 'Prepaid order',
  numberPrefix: 'PO',
  payFlow: 'PREPAY_WALLET',
});
