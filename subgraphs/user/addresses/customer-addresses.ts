import { isId } from '../../shared/values/ids.ts';
import type { PostalAddress } from '../../shared/values/postal-address.ts';
import type { UserDeps } from '../dependencies.ts';
import { readAddresses } from './address-store.ts';

/** What an order is placed with: an id, or null for the default address. */
export type Wanted = {
  readonly customerId: string;
  readonly shippingAddressId?: string | null;
  readonly billingAddressId?: string | null;
};

/** The addresses of a customer's book that an order asks for. One statement. */
export async function customerAddresses(
  deps: Pick<UserDeps, 'db'>,
  { customerId, shippingAddressId = null, billingAddressId = null }: Wanted,
): Promise<{ shipping: PostalAddress | null; billing: PostalAddress | null }> {
  const addresses = isId(customerId) ? await readAddresses(deps.db.em(), [customerId]) : [];
  const found = (id: string | null, isDefault: 'isDefaultShipping' | 'isDefaultBilling') =>
    addresses.find((address) => (id === null ? address[isDefault] : address.id === id))?.address ?? null;
  return {
    shipping: found(shippingAddressId, 'isDefaultShipping'),
    billing: found(billingAddressId, 'isDefaultBilling'),
  };
}
