import type { UserViewer } from '../../shared/auth/viewer.ts';
import type { Sql } from '../../shared/database/database.ts';
import { type Refusal, RefusedError, forbiddenError, notFoundError } from '../../shared/errors/errors.ts';
import { lockCategory } from '../category-store.ts';
import { type Product, mayEdit, maySee, maySell } from '../domain/product.ts';

/** Answer to a change of a product. */
export type ProductPayload = {
  readonly product: Product | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

export const refusedProduct = (userErrors: readonly Refusal[]): ProductPayload => ({
  product: null,
  replayed: false,
  userErrors,
});

/** Refuses who may not sell at all. */
export function requireSeller(user: UserViewer): void {
  if (!maySell(user)) throw new RefusedError(forbiddenError('Only staff and merchants keep products.'));
}

/** The product, if this user may change it. Refuses with NotFoundError also where the user may not know of it. */
export function requireEditable(
  user: UserViewer,
  product: Product | null | undefined,
  id: string,
  path: readonly string[],
): Product {
  if (!product || !maySee(user, product)) throw new RefusedError(notFoundError('There is no such product.', id, path));
  if (!mayEdit(user, product))
    throw new RefusedError({ ...forbiddenError('Merchants change only what they sell.'), path });
  return product;
}

/** Refuses a category that there isn't; one that there is stays until the transaction's end. */
export async function requireCategory(tx: Sql, categoryId: string | null): Promise<void> {
  if (categoryId === null || (await lockCategory(tx, categoryId)) !== null) return;
  throw new RefusedError(notFoundError('There is no such category.', categoryId, ['input', 'categoryId']));
}
