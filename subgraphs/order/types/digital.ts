import { defineOrderType } from './define-order-type.ts';

/** Digital goods only: paid, then complete without anybody's help. */
export const digital = defineOrderType({
  code: 'DIGITAL',
  name: 'Digital order',
  numberPrefix: 'DO',
  productKind: 'DIGITAL',
  needsFulfilment: () => false,
});
