import type { OrderDeps } from './deps.ts';
import type { ShippingMethod } from './domain/pricing/shipping.ts';
import type { TaxRate } from './domain/pricing/tax.ts';
import { listMethods, listRates } from './price-rule-store.ts';

/** The shipping methods by code; those that are offered come from the price book. */
export const listShippingMethods = async (
  deps: Pick<OrderDeps, 'db' | 'priceBook'>,
  activeOnly: boolean,
): Promise<readonly ShippingMethod[]> =>
  activeOnly ? (await deps.priceBook.read()).methods : listMethods(deps.db.em());

/** The tax rates of a country, or all. */
export const listTaxRates = (deps: Pick<OrderDeps, 'db'>, countryCode: string | null): Promise<TaxRate[]> =>
  listRates(deps.db.em(), countryCode ?? undefined);
