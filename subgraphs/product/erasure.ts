import { forgetKeys, forgetLettersOf } from '../shared/events/forget-events.ts';
import type { ProductDeps } from './deps.ts';
import { findSold } from './product-store.ts';

const shown = 20;
const maxExported = 500;

/** Products that a user still sells: they stand in the way of erasing the user. At most 20. */
export const obstaclesOf = async ({ db }: Pick<ProductDeps, 'db'>, userId: string) =>
  (await findSold(db.em(), userId, { onSaleOnly: true, limit: shown })).map(({ sku }) => ({
    kind: 'PRODUCT_ON_SALE',
    reference: sku,
  }));

/** Forgets keys and dead letters of a user; products name their seller by id only. False while some are on sale, or a letter waits. */
export async function eraseSeller(deps: Pick<ProductDeps, 'db'>, userId: string): Promise<boolean> {
  if ((await obstaclesOf(deps, userId)).length > 0) return false;
  await forgetKeys(deps.db.em(), userId);
  return forgetLettersOf(deps.db.em(), userId);
}

/** What this service keeps of a user: the newest 500 products that the user sells. */
export async function personalData({ db }: Pick<ProductDeps, 'db'>, userId: string): Promise<object> {
  const products = await findSold(db.em(), userId, { onSaleOnly: false, limit: maxExported + 1 });
  return { isComplete: { products: products.length <= maxExported }, products: products.slice(0, maxExported) };
}
