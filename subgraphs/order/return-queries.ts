import { isId } from '../shared/values/ids.ts';
import {
  type List,
  type Page,
  type PageArguments,
  foreignCursor,
  pageArguments,
  toPage,
} from '../shared/values/paging.ts';
import type { OrderDeps } from './deps.ts';
import type { ReturnState } from './domain/return-model.ts';
import { type StoredReturn, countReturns, listReturns as readPage } from './return-store.ts';

export type ReturnListArguments = PageArguments & { readonly state?: readonly ReturnState[] | null };

/** A page of all returns, newest first; `totalCount` counts only when it is called. Throws BAD_USER_INPUT. */
export async function listReturns(
  { db }: Pick<OrderDeps, 'db'>,
  args: ReturnListArguments,
): Promise<Page<StoredReturn> & { readonly totalCount: () => Promise<number> }> {
  const states = args.state && args.state.length > 0 ? [...new Set(args.state)].toSorted() : null;
  const list: List = { name: 'returns', keyLength: 1, selection: { states } };
  const page = pageArguments(args, list);
  const [beyond = null] = (page.isBackward ? page.before : page.after) ?? [];
  if (beyond !== null && !isId(beyond)) throw foreignCursor(page.isBackward ? 'before' : 'after');
  const found = await readPage(db.em(), { states, beyond, newestFirst: !page.isBackward, limit: page.first + 1 });
  return { ...toPage(found, page, ({ id }) => [id]), totalCount: () => countReturns(db.em(), states) };
}
