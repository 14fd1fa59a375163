import { type UserViewer, isStaff, requireUser } from '../../shared/auth/viewer.ts';
import {
  type Refusal,
  RefusedError,
  conflictError,
  forbiddenError,
  isDuplicateKey,
  notFoundError,
  orRefusals,
} from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { type Asker, recordAct } from '../../shared/tables/staff-acts.ts';
import { categoriesByIds, insertCategory, lockTree, updateCategory } from '../category-store.ts';
import { type ProductDeps, changeCatalogue } from '../deps.ts';
import { type Category, checkCategory, checkPlace } from '../domain/category.ts';

/** Answer to a change of a category. */
export type CategoryPayload = {
  readonly category: Category | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

export type SaveCategoryInput = {
  readonly id?: string | null;
  readonly slug: string;
  readonly name: string;
  readonly parentId?: string | null;
};

export const refusedCategory = (userErrors: readonly Refusal[]): CategoryPayload => ({
  category: null,
  replayed: false,
  userErrors,
});

/** Refuses those who don't keep the tree. */
export function requireCatalogueStaff(user: UserViewer): void {
  if (!isStaff(user)) throw new RefusedError(forbiddenError('Only staff keep the categories.'));
}

/** Makes a category, or gives one another name, slug and place. Staff only. */
export async function saveCategory(
  deps: Pick<ProductDeps, 'db' | 'now' | 'newId' | 'cacheVersions' | 'kickRelay'>,
  asker: Asker,
  input: SaveCategoryInput,
  idempotencyKey: string,
): Promise<CategoryPayload> {
  const user = requireUser(asker.viewer);
  return orRefusals(async () => {
    requireCatalogueStaff(user);
    const category: Category = {
      id: input.id ?? deps.newId(),
      slug: input.slug,
      name: input.name.trim(),
      parentId: input.parentId ?? null,
    };
    const problems = checkCategory(category);
    if (problems.length > 0) throw new RefusedError(...problems);
    const claim = { ownerId: user.userId, operation: 'saveCategory', key: idempotencyKey, input };
    const claimed = await changeCatalogue(deps, [], () =>
      deps.db.transaction(async (tx) => {
        const claimedKey = await claimKey(tx, claim, { id: category.id });
        if (claimedKey.replayed) return claimedKey;
        const tree = await lockTree(tx);
        const { parentId } = category;
        const isNew = input.id === null || input.id === undefined;
        if (!isNew && !tree.byId(category.id)) throw missing(category.id, 'id');
        if (parentId !== null && !tree.byId(parentId)) throw missing(parentId, 'parentId');
        const misplaced = checkPlace(tree, category.id, parentId);
        if (misplaced.length > 0) throw new RefusedError(...misplaced);
        try {
          await (isNew ? insertCategory : updateCategory)(tx, category, deps.now());
        } catch (error) {
          if (!isDuplicateKey(error)) throw error;
          throw new RefusedError({
            ...conflictError(`There is already a category with the slug ${category.slug}.`),
            path: ['slug'],
          });
        }
        const before = isNew ? null : (tree.byId(category.id) ?? null);
        await recordAct(tx, deps, asker, {
          action: 'category.saved',
          subject: `category:${category.id}`,
          before,
          after: category,
        });
        return claimedKey;
      }),
    );
    const [saved = null] = await categoriesByIds(deps.db.em(), [claimed.result.id]);
    return { category: saved, replayed: claimed.replayed, userErrors: [] };
  }, refusedCategory);
}

const missing = (id: string, path: 'id' | 'parentId'): RefusedError =>
  new RefusedError(notFoundError('There is no such category.', id, [path]));
