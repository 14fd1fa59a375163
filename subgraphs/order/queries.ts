import {
  type List,
  type Page,
  type PageArguments,
  type PageRequest,
  foreignCursor,
  pageArguments,
  toPage,
} from '../shared/values/paging.ts';
import type { Sql } from '../shared/database/database.ts';
import { badUserInput } from '../shared/errors/errors.ts';
import { isId } from '../shared/values/ids.ts';
import { type JournalEntry, withTexts } from './domain/journal.ts';
import type { Saga, SagaState } from './domain/saga.ts';
import {
  type Beyond,
  type OrderFilter,
  type OrderScope,
  countOrders,
  listOrders as readPage,
} from './order-list-store.ts';
import { customersOf } from './customers.ts';
import type { OrderDeps } from './deps.ts';
import { listSagas as readSagas } from './saga-store.ts';
import type { StoredOrder } from './stored-order.ts';

// What resolvers and subscriptions read as it is stored.
export { type FeedEntry, feedHead, numberFeed, readFeed } from './feed-store.ts';
export { readJournal } from './journal-store.ts';
export { customersOf } from './customers.ts';
export { type OrderFilter, matchingOrders } from './order-list-store.ts';

export type OrderSort = { readonly by: 'PLACED_AT' | 'UPDATED_AT' | 'TOTAL' | 'NUMBER'; readonly descending: boolean };
export type OrderListArguments = PageArguments & {
  readonly filter?: OrderFilter | null;
  readonly sort?: OrderSort | null;
};
export type OrderConnection = Page<StoredOrder> & { readonly totalCount: () => Promise<number> };

const columns = { PLACED_AT: 'placed_at', UPDATED_AT: 'updated_at', TOTAL: 'total_minor', NUMBER: 'number' } as const;

const keyOf = (sort: OrderSort) => (order: StoredOrder) => {
  const value = {
    PLACED_AT: order.placedAt.toISOString(),
    UPDATED_AT: order.updatedAt.toISOString(),
    TOTAL: Number(order.totalMinor),
    NUMBER: order.number,
  }[sort.by];
  return [value, order.id] as const;
};

const newestFirst: OrderSort = { by: 'PLACED_AT', descending: true };

/** Orders as their cursors know them. */
export const orderList = (
  scope: OrderScope,
  filter: OrderFilter | null = null,
  sort: OrderSort = newestFirst,
): List => ({
  name: 'orders',
  keyLength: 2,
  selection: { scope, filter: filter ?? {}, sort },
});

/** A page of orders; `totalCount` counts only when it is called. Throws BAD_USER_INPUT. */
export async function listOrders(
  deps: Pick<OrderDeps, 'db' | 'call' | 'now'>,
  scope: OrderScope,
  args: OrderListArguments,
  traceId?: string,
): Promise<OrderConnection> {
  const sql = deps.db.em();
  const sort = args.sort ?? newestFirst;
  const page = pageArguments(args, orderList(scope, args.filter, sort));
  const filter = args.filter ?? {};
  const selection = { scope, filter, at: deps.now(), customerIds: await customersOf(deps, { scope, filter, traceId }) };
  const orders = await readPage(sql, selection, {
    column: columns[sort.by],
    descending: sort.descending !== page.isBackward,
    beyond: beyondOf(sort, page),
    limit: page.first + 1,
  });
  return { ...toPage(orders, page, keyOf(sort)), totalCount: () => countOrders(sql, selection) };
}

/** Where the cursor of a page stands; null without one. Throws BAD_USER_INPUT for one that is of no such list. */
function beyondOf(sort: OrderSort, { after, before }: PageRequest): Beyond | null {
  const key = after ?? before;
  if (key === null) return null;
  const [value, id]: readonly unknown[] = key;
  const isTime = sort.by === 'PLACED_AT' || sort.by === 'UPDATED_AT';
  const fits = sort.by === 'TOTAL' ? Number.isSafeInteger(value) : typeof value === 'string';
  if (!fits || !isId(id) || (isTime && Number.isNaN(Date.parse(String(value)))))
    throw foreignCursor(after === null ? 'before' : 'after');
  return { id, value: isTime ? new Date(String(value)) : (value as string | number) };
}

/** What is asked of an order's journal; it begins after the larger of `afterSeq` and the cursor. Throws BAD_USER_INPUT. */
export function historyPage(
  orderId: string,
  args: { first?: number | null; after?: string | null; afterSeq?: number | null },
): PageRequest & { readonly afterSeq: number } {
  const list = { name: 'order history', keyLength: 1, selection: orderId };
  const page = pageArguments({ first: args.first ?? 50, after: args.after ?? null }, list);
  const cursor = page.after?.[0] ?? 0;
  if (typeof cursor !== 'number' || !Number.isSafeInteger(cursor) || cursor < 0) throw foreignCursor();
  if (args.afterSeq && args.afterSeq < 0) throw badUserInput('afterSeq: must not be negative.');
  const afterSeq = Math.max(cursor, args.afterSeq ?? 0);
  return { ...page, after: afterSeq > 0 ? [afterSeq] : null, afterSeq };
}

/** A page of one order's journal from `first + 1` entries. */
export const toHistory = (entries: readonly JournalEntry[], page: PageRequest): Page<JournalEntry> =>
  toPage(entries, page, (entry) => [entry.seq]);

/** Sagas, newest first, `first` after the saga with id `after`. */
export async function listSagas(
  sql: Sql,
  args: { first?: number | null; after?: string | null; state?: readonly SagaState[] | null },
): Promise<Saga[]> {
  const { first } = pageArguments({ first: args.first ?? null }, { name: 'sagas', keyLength: 1 });
  if (args.after && !isId(args.after)) throw badUserInput('after: is not the id of a saga.');
  const states = args.state ?? null;
  if (states?.length === 0) return [];
  return readSagas(sql, { before: args.after || null, states, limit: first });
}

/** Notes of staff that aren't public lose their text for anybody but staff; the entry itself stays, so the journal has no gap. */
export const forReader = (entry: JournalEntry, staff: boolean): JournalEntry =>
  !staff && entry.type === 'NoteAdded' && entry.data?.['public'] !== true
    ? { ...entry, data: null, texts: null }
    : withTexts(entry);
