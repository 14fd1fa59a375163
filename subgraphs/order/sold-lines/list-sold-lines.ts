import { type Viewer, isStaff, requireUser } from '../../shared/auth/viewer.ts';
import { forbidden } from '../../shared/errors/errors.ts';
import { isId, typedNumber } from '../../shared/values/ids.ts';
import {
  type List,
  type Page,
  type PageArguments,
  foreignCursor,
  pageArguments,
  toPage,
} from '../../shared/values/paging.ts';
import type { OrderDeps } from '../deps.ts';
import { findIdByNumber } from '../order-store.ts';
import type { StoredLine } from '../stored-order.ts';
import { listSoldLines as readPage } from './sold-line-store.ts';

export type SoldLineArguments = PageArguments & {
  readonly sellerId?: string | null;
  readonly filter?: {
    readonly number?: string | null;
    readonly placedFrom?: Date | null;
    readonly placedTo?: Date | null;
  } | null;
};

/** Whose lines a viewer may list. Throws UNAUTHENTICATED or FORBIDDEN. */
function requireSeller(viewer: Viewer, sellerId: string | null | undefined): string {
  const { userId, roles } = requireUser(viewer);
  const wanted = sellerId ?? userId;
  if (isStaff(viewer) || (roles.includes('MERCHANT') && wanted === userId)) return wanted;
  throw forbidden('Merchants see what they sold, and staff what any merchant did.');
}

/** A page of what a seller sold, newest first. Throws UNAUTHENTICATED, FORBIDDEN or BAD_USER_INPUT. */
export async function listSoldLines(
  { db }: Pick<OrderDeps, 'db'>,
  viewer: Viewer,
  { sellerId: given, filter, ...args }: SoldLineArguments,
): Promise<Page<StoredLine>> {
  const sellerId = requireSeller(viewer, given);
  const { number = null, placedFrom = null, placedTo = null } = filter ?? {};
  const list: List = { name: 'soldLines', keyLength: 1, selection: { sellerId, number, placedFrom, placedTo } };
  const page = pageArguments(args, list);
  const [beyond = null] = (page.isBackward ? page.before : page.after) ?? [];
  if (beyond !== null && !isId(beyond)) throw foreignCursor(page.isBackward ? 'before' : 'after');
  const orderId = number === null ? null : await findIdByNumber(db.em(), typedNumber(number));
  const isNobodys = !isId(sellerId) || (number !== null && orderId === null);
  const span = { placedFrom, placedTo, newestFirst: !page.isBackward, limit: page.first + 1 };
  const found = isNobodys ? [] : await readPage(db.em(), { sellerId, orderId, beyond, ...span });
  return toPage(found, page, ({ id }) => [id]);
}
