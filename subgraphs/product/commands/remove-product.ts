import { requireUser } from '../../shared/auth/viewer.ts';
import { orRefusals } from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { type Asker, recordAct } from '../../shared/tables/staff-acts.ts';
import { type ProductDeps, changeProduct } from '../deps.ts';
import { archiveProduct, productById } from '../product-store.ts';
import { type ProductPayload, refusedProduct, requireEditable, requireSeller } from './editing.ts';

/**
 * Archives a product: nothing can order it any more, but its row stays for the orders that have it. Its stock and what
 * open orders hold of it are left alone. Archiving it again succeeds.
 */
export async function removeProduct(
  deps: Pick<ProductDeps, 'db' | 'now' | 'cacheVersions' | 'kickRelay'>,
  asker: Asker,
  id: string,
  idempotencyKey: string | null | undefined,
): Promise<ProductPayload> {
  const user = requireUser(asker.viewer);
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
        if (product.status !== 'ARCHIVED')
          await recordAct(tx, deps, asker, {
            action: 'product.archived',
            subject: `product:${product.id}`,
            before: { status: product.status },
            after: { status: 'ARCHIVED' },
          });
        return false;
      }),
    );
    return { product: await productById(deps.db.em(), id), replayed, userErrors: [] };
  }, refusedProduct);
}
