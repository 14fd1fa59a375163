import { requireUser } from '../../shared/auth/viewer.ts';
import { RefusedError, conflictError, notFoundError, orRefusals } from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { type Asker, recordAct } from '../../shared/tables/staff-acts.ts';
import { deleteCategory, lockCategory, lockTree } from '../category-store.ts';
import { type ProductDeps, changeCatalogue } from '../deps.ts';
import { hasProducts } from '../product-store.ts';
import { type CategoryPayload, refusedCategory, requireCatalogueStaff } from './save-category.ts';

/**
 * Removes a category that has neither categories below it nor products, whatever their status. Its row is locked, so no
 * product is put into it meanwhile. Staff only.
 */
export async function removeCategory(
  deps: Pick<ProductDeps, 'db' | 'now' | 'cacheVersions' | 'kickRelay'>,
  asker: Asker,
  id: string,
  idempotencyKey: string,
): Promise<CategoryPayload> {
  const user = requireUser(asker.viewer);
  return orRefusals(async () => {
    requireCatalogueStaff(user);
    const replayed = await changeCatalogue(deps, [], () =>
      deps.db.transaction(async (tx) => {
        const claim = { ownerId: user.userId, operation: 'removeCategory', key: idempotencyKey, input: { id } };
        if ((await claimKey(tx, claim, {})).replayed) return true;
        const tree = await lockTree(tx);
        if (!(await lockCategory(tx, id)))
          throw new RefusedError(notFoundError('There is no such category.', id, ['id']));
        if (tree.childrenOf(id).length > 0) throw kept('The category still has categories below it.');
        if (await hasProducts(tx, id)) throw kept('The category still has products.');
        await deleteCategory(tx, id);
        await recordAct(tx, deps, asker, {
          action: 'category.removed',
          subject: `category:${id}`,
          before: tree.byId(id) ?? null,
        });
        return false;
      }),
    );
    return { category: null, replayed, userErrors: [] };
  }, refusedCategory);
}

const kept = (message: string): RefusedError => new RefusedError({ ...conflictError(message), path: ['id'] });
