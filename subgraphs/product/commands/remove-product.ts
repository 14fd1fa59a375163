import { type Viewer, requireUser } from '../../shared/auth/viewer.ts';
import { orRefusals } from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { type ProductDeps, changeProduct } from '../deps.ts';
import { archiveProduct, productById } from '../product-store.ts';
import { type ProductPayload, refusedProduct, requireEditable, requireSeller } from './editing.ts';

/**
 * Archives a product: nothing can order it any more, but its row stays for the orders that have it. Its stock and what
 * open orders hold of it are left alone. Archiving it again succeeds.
 */
export async function removeProduct(
  deps: Pick<ProductDeps, 'db' | 'now' | 'cacheVersions'>,
  viewer: Viewer,
  id: string,
  idempotencyKey: string | null | undefined,
): Promise<ProductPayload> {
  const user = requireUser(viewer);
  return orRefusals(async () => {
    requireSeller(user);
    const replayed = await changeProduct(deps, id, () =>
      deps.db.transaction(async (tx) => {
        const claim = await claimKey(
          tx,
          { ownerId: user.userId, operation: 'removeProduct', key: idempotencyKey, input: { id } },
          { id },
        );
        if (claim.replayed) return true;
        const product = requireEditable(user, await productById(tx, id), id, ['id']);
        await archiveProduct(tx, product.id, deps.now());
        return false;
      }),
    );
    return { product: await productById(deps.db.em(), id), replayed, userErrors: [] };
  }, refusedProduct);
}
