import { defineOrderType } from './define-order-type.ts';
import type { OrderType } from './order-type.ts';
import { isTopUpProduct } from './top-up-products.ts';

/** Code of the type whose delivery fills a wallet. */
export const topUpCode = 'TOPUP';

/** What a top-up needs of the payment service. */
export type CreditTopUp = (order: {
  readonly id: string;
  readonly number: string;
  readonly traceId: string;
}) => Promise<void>;

/** Money for the customer's wallet: paid from outside, its delivery credits the wallet with what was paid. */
export const topUp = (creditTopUp: CreditTopUp): OrderType =>
  defineOrderType({
    code: topUpCode,
    name: 'Wallet top-up',
    numberPrefix: 'TU',
    productKind: 'DIGITAL',
    taxed: false,
    refuses: (product) =>
      isTopUpProduct(product)
        ? null
        : `${product.name} is no money for the wallet; orders of type TOPUP take only that.`,
    // The wallet gets what was paid.
    takesPromotions: false,
    needsFulfilment: () => false,
    deliver: creditTopUp,
    // Money is not sent back to the shop.
    returnWindowDays: 0,
  });
