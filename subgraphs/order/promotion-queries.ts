import { type List, type Page, foreignCursor, pageArguments, toPage } from '../shared/values/paging.ts';
import { isId } from '../shared/values/ids.ts';
import type { OrderDeps } from './deps.ts';
import type { Promotion } from './domain/pricing/promotion.ts';
import { countPromotions, listPromotions as readPage } from './promotion-store.ts';

export type PromotionListArguments = {
  readonly first?: number | null;
  readonly after?: string | null;
  readonly activeOnly?: boolean | null;
};

/** A page of promotions, newest first; `totalCount` counts only when it is called. Throws BAD_USER_INPUT. */
export async function listPromotions(
  { db, now }: Pick<OrderDeps, 'db' | 'now'>,
  args: PromotionListArguments,
): Promise<Page<Promotion> & { readonly totalCount: () => Promise<number> }> {
  const current = args.activeOnly ?? false;
  const list: List = { name: 'promotions', keyLength: 1, selection: { current } };
  const page = pageArguments(args, list);
  const [before = null] = page.after ?? [];
  if (before !== null && !isId(before)) throw foreignCursor();
  const at = now();
  const found = await readPage(db.em(), { before, limit: page.first + 1, current, at });
  return { ...toPage(found, page, ({ id }) => [id]), totalCount: () => countPromotions(db.em(), { current, at }) };
}
