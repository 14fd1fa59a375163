import type { OrderType } from './order-type.ts';

/** Products whose SKU begins so are money for the wallet; orders of type TOPUP take them and nothing else. */
const topUpSkuPrefix = 'TOPUP-';

export const isTopUpProduct = ({ sku }: { readonly sku: string }): boolean => sku.startsWith(topUpSkuPrefix);

/** For every other type: money for the wallet that is bought by an order which does not credit it would be lost. */
export const refuseTopUp: OrderType['refuses'] = (product) =>
  isTopUpProduct(product) ? `${product.name} is bought with an order of type TOPUP.` : null;
