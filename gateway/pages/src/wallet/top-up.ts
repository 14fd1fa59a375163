const topUpSkuPrefix = 'TOPUP-';

/** Money for the wallet is bought by an order of type TOPUP of its own, and known by its SKU. */
export const isTopUp = ({ sku }: { readonly sku: string }): boolean => sku.startsWith(topUpSkuPrefix);
