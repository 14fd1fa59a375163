import {
  type List,
  type Page,
  type PageRequest,
  foreignCursor,
  pageArguments,
  toPage,
} from '../shared/values/paging.ts';
import { type Sql, placeholders, select } from '../shared/database/database.ts';
import { badUserInput } from '../shared/errors/errors.ts';
import { idToBytes, isId, typedNumber } from '../shared/values/ids.ts';
import { firstOf, typedIdentifier } from '../shared/values/text.ts';
import type { JournalEntry } from './domain/journal.ts';
import { closingGraceMs } from './domain/order.ts';
import type { OrderState } from './domain/order-model.ts';
import { maxClientReferenceLength } from './domain/pricing.ts';
import type { Saga, SagaState } from './domain/saga.ts';
import { toJournalEntry, toOrder, toSaga } from './rows.ts';
import type { StoredOrder } from './stored-order.ts';

export type OrderFilter = {
  readonly state?: readonly OrderState[] | null;
  readonly paymentStatus?: readonly string[] | null;
  readonly fulfilmentStatus?: readonly string[] | null;
  readonly type?: readonly string[] | null;
  readonly customerId?: string | null;
  readonly productId?: string | null;
  readonly number?: string | null;
  readonly query?: string | null;
  readonly placedFrom?: Date | null;
  readonly placedTo?: Date | null;
  readonly totalMin?: number | null;
  readonly totalMax?: number | null;
};
export type OrderSort = { readonly by: 'PLACED_AT' | 'UPDATED_AT' | 'TOTAL' | 'NUMBER'; readonly descending: boolean };
export type OrderListArguments = {
  readonly first?: number | null;
  readonly after?: string | null;
  readonly filter?: OrderFilter | null;
  readonly sort?: OrderSort | null;
};
/** Whose orders: one customer's without the archived ones unless asked for by number, or everybody's. */
export type OrderScope = { readonly customerId: string } | 'all';

export type OrderConnection = Page<StoredOrder> & { readonly totalCount: () => Promise<number> };

type Parameter = string | number | Date | Buffer;
type Condition = readonly [string, ...Parameter[]];

const columns = { PLACED_AT: 'placed_at', UPDATED_AT: 'updated_at', TOTAL: 'total_minor', NUMBER: 'number' } as const;
const maxFilterValues = 50;

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

/** A page of orders by keyset; `totalCount` counts only when it is called. Throws BAD_USER_INPUT. */
export async function listOrders(
  sql: Sql,
  scope: OrderScope,
  args: OrderListArguments,
  at: Date,
): Promise<OrderConnection> {
  const sort = args.sort ?? newestFirst;
  const page = pageArguments(args, orderList(scope, args.filter, sort));
  const conditions = conditionsOf(scope, args.filter ?? {}, at);
  const column = columns[sort.by];
  const comparison = sort.descending ? '<' : '>';
  const direction = sort.descending ? 'desc' : 'asc';
  const beyond: Condition[] = [];
  if (page.after) {
    const [value, id] = page.after;
    const time = sort.by === 'PLACED_AT' || sort.by === 'UPDATED_AT';
    const fits = sort.by === 'TOTAL' ? Number.isSafeInteger(value) : typeof value === 'string';
    if (value === undefined || !fits || !isId(id) || (time && Number.isNaN(Date.parse(String(value)))))
      throw foreignCursor();
    const limit = time ? new Date(value) : value;
    // The first comparison is the one that an index can follow: neither server does so for a pair.
    beyond.push([`${column} ${comparison}= ? and (${column}, id) ${comparison} (?, ?)`, limit, limit, idToBytes(id)]);
  }
  const all = [...conditions, ...beyond];
  const rows = await select(
    sql,
    `select * from orders where ${all.map(([text]) => text).join(' and ') || 'true'} order by ${column} ${direction}, id ${direction} limit ?`,
    [...all.flatMap(([, ...parameters]) => parameters), page.first + 1],
  );
  return {
    ...toPage(rows.map(toOrder), page, keyOf(sort)),
    totalCount: async () => {
      const [row] = await select(
        sql,
        `select count(*) as total from orders where ${conditions.map(([text]) => text).join(' and ') || 'true'}`,
        conditions.flatMap(([, ...parameters]) => parameters),
      );
      return Number(row?.['total'] ?? 0);
    },
  };
}

/** What an order must be like to be in a list, as SQL. Throws BAD_USER_INPUT. */
export function conditionsOf(scope: OrderScope, filter: OrderFilter, at: Date): Condition[] {
  const conditions: Condition[] = [];
  const oneOf = (column: string, values: readonly string[] | null | undefined) => {
    if (!values) return;
    if (values.length > maxFilterValues) throw badUserInput(`filter: takes at most ${maxFilterValues} values each.`);
    conditions.push(values.length === 0 ? ['false'] : [`${column} in (${placeholders(values)})`, ...values]);
  };
  if (scope !== 'all') {
    conditions.push(['customer_id = ?', idToBytes(scope.customerId)]);
    if (!filter.number) conditions.push(['archived_at is null']);
  }
  if (filter.state) conditions.push(stateCondition(filter.state, at));
  oneOf('payment_status', filter.paymentStatus);
  oneOf('fulfilment_status', filter.fulfilmentStatus);
  oneOf('type', filter.type);
  if (filter.customerId)
    conditions.push(isId(filter.customerId) ? ['customer_id = ?', idToBytes(filter.customerId)] : ['false']);
  if (filter.productId)
    conditions.push(
      isId(filter.productId)
        ? ['id in (select order_id from order_line where product_id = ?)', idToBytes(filter.productId)]
        : ['false'],
    );
  if (filter.number) conditions.push(['number = ?', typedNumber(filter.number)]);
  const query = typedIdentifier(filter.query ?? '');
  if (query !== '') {
    const number = typedNumber(query);
    const asNumber = /^[0-9A-Z]+$/.test(number) ? beginningWith(number) : '';
    const asReference = beginningWith(firstOf(query, maxClientReferenceLength));
    conditions.push(['(number like ? or client_reference collate utf8mb4_general_ci like ?)', asNumber, asReference]);
  }
  if (filter.placedFrom) conditions.push(['placed_at >= ?', filter.placedFrom]);
  if (filter.placedTo) conditions.push(['placed_at < ?', filter.placedTo]);
  if (filter.totalMin !== null && filter.totalMin !== undefined) conditions.push(['total_minor >= ?', filter.totalMin]);
  if (filter.totalMax !== null && filter.totalMax !== undefined) conditions.push(['total_minor <= ?', filter.totalMax]);
  return conditions;
}

/** A pattern of LIKE. */
const beginningWith = (text: string): string => `${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;

/** Filters see the same state as readers: past its deadline an unpaid order is EXPIRED already. */
function stateCondition(states: readonly OrderState[], at: Date): Condition {
  const plain = states.filter((state) => state !== 'PENDING_PAYMENT');
  const parts: Condition[] = [];
  if (plain.length > 0) parts.push([`state in (${placeholders(plain)})`, ...plain]);
  // As `effectiveState` says it.
  const graceOver = new Date(at.getTime() - closingGraceMs);
  const open = '(expires_at > ? or (is_paying and expires_at > ?))';
  if (states.includes('PENDING_PAYMENT')) parts.push([`(state = 'PENDING_PAYMENT' and ${open})`, at, graceOver]);
  if (states.includes('EXPIRED')) parts.push([`(state = 'PENDING_PAYMENT' and not ${open})`, at, graceOver]);
  if (parts.length === 0) return ['false'];
  return [`(${parts.map(([text]) => text).join(' or ')})`, ...parts.flatMap(([, ...parameters]) => parameters)];
}

/** The newest orders of several customers, one statement for all: `first + 1` rows each. */
export async function listOrdersOfCustomers(
  sql: Sql,
  customerIds: readonly string[],
  first: number,
): Promise<StoredOrder[]> {
  const one =
    '(select * from orders where customer_id = ? and archived_at is null order by placed_at desc, id desc limit ?)';
  return (
    await select(
      sql,
      customerIds.map(() => one).join(' union all '),
      customerIds.flatMap((id) => [idToBytes(id), first + 1]),
    )
  ).map(toOrder);
}

/** Journal entries with a higher `seq`, oldest first. */
export async function readJournal(sql: Sql, orderId: string, afterSeq: number, limit: number): Promise<JournalEntry[]> {
  return (
    await select(sql, 'select * from order_event where order_id = ? and seq > ? order by seq limit ?', [
      idToBytes(orderId),
      afterSeq,
      limit,
    ])
  ).map(toJournalEntry);
}

/** As `readJournal` for several orders in one statement. */
export async function readJournals(
  sql: Sql,
  wanted: readonly { orderId: string; afterSeq: number }[],
  limit: number,
): Promise<JournalEntry[]> {
  const one = '(select * from order_event where order_id = ? and seq > ? order by seq limit ?)';
  return (
    await select(
      sql,
      wanted.map(() => one).join(' union all '),
      wanted.flatMap(({ orderId, afterSeq }) => [idToBytes(orderId), afterSeq, limit]),
    )
  ).map(toJournalEntry);
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
  const conditions = [...(args.after ? ['id < ?'] : []), ...(states ? [`state in (${placeholders(states)})`] : [])];
  const parameters = [...(args.after ? [idToBytes(args.after)] : []), ...(states ?? [])];
  return (
    await select(sql, `select * from saga where ${conditions.join(' and ') || 'true'} order by id desc limit ?`, [
      ...parameters,
      first,
    ])
  ).map(toSaga);
}

/** Notes of staff that aren't public lose their text for anybody but staff; the entry itself stays, so the journal has no gap. */
export const forReader = (entry: JournalEntry, staff: boolean): JournalEntry =>
  !staff && entry.type === 'NoteAdded' && entry.data?.['public'] !== true ? { ...entry, data: null } : entry;
