import type { OrderType } from './order-type.ts';

/** Products whose SKU begins so are money for the wallet; orders of type TOPUP take them and nothing else. */
const topUpSkuPrefix = 'TOPUP-';

/** Code of the type whose delivery fills a wallet. */
export const topUpCode = 'TOPUP';

/** For every other type: money for the wallet that is bought by an order which does not credit it would be lost. */
export const refuseTopUp: OrderType['refuses'] = ({ sku, name }) =>
  sku.startsWith(topUpSkuPrefix) ? `${name} is bought with an order of type TOPUP.` : null;

/** What a top-up needs of the payment service. */
export type CreditTopUp = (order: {
  readonly id: string;
  readonly number: string;
  readonly traceId: string;
}) => Promise<void>;

/** Money for the customer's wallet: paid from outside, its delivery credits the wallet with what was paid. */
export const topUp = (creditTopUp: CreditTopUp): OrderType => ({
  code: topUpCode,
  name: 'Wallet top-up',
  numberPrefix: 'TU',
  paymentWindowSeconds: null,
  payFlow: 'ORDER_THEN_PAY',
  productKind: 'DIGITAL',
  extension: null,
  redeemable: false,
  refuses: ({ sku, name }) =>
    sku.startsWith(topUpSkuPrefix) ? null : `${name} is no money for the wallet; orders of type TOPUP take only that.`,
  needsFulfilment: () => false,
  deliver: creditTopUp,
  deliveryLifeSeconds: 86_400,
});
