import { type Expression, type ExpressionBuilder, type SqlBool, sql as raw } from 'kysely';
import { type Sql, toDate } from '../shared/database/database.ts';
import { findOfEach } from '../shared/database/find-of-each.ts';
import { byIndex, find, prepare } from '../shared/database/tables.ts';
import { badUserInput } from '../shared/errors/errors.ts';
import { idFromBytes, idToBytes, isId, typedNumber } from '../shared/values/ids.ts';
import { typedIdentifier } from '../shared/values/text.ts';
import { closingGraceMs } from './domain/order.ts';
import type { FulfilmentStatus, OrderState, PaymentStatus } from './domain/order-model.ts';
import { type Way, areReturnsMany, changedWithin, findFew, waysOf } from './order-query-store.ts';
import { toOrder } from './order-store.ts';
import { type OrderTables, tables } from './records.ts';
import type { StoredOrder } from './stored-order.ts';

export type OrderFilter = {
  readonly state?: readonly OrderState[] | null;
  readonly paymentStatus?: readonly PaymentStatus[] | null;
  readonly fulfilmentStatus?: readonly FulfilmentStatus[] | null;
  readonly type?: readonly string[] | null;
  readonly customerId?: string | null;
  readonly productId?: string | null;
  readonly number?: string | null;
  readonly query?: string | null;
  readonly placedFrom?: Date | null;
  readonly placedTo?: Date | null;
  readonly totalMin?: number | null;
  readonly totalMax?: number | null;
  readonly updatedFrom?: Date | null;
  readonly updatedTo?: Date | null;
  readonly needsFulfilment?: boolean | null;
  readonly hasReturn?: boolean | null;
  readonly customerQuery?: string | null;
};
/** Whose orders: one customer's without the archived ones unless asked for by number, or everybody's. */
export type OrderScope = { readonly customerId: string } | 'all';
/** What may be in a list. */
export type OrderSelection = {
  readonly scope: OrderScope;
  readonly filter: OrderFilter;
  /** When: past its deadline an unpaid order is EXPIRED. */
  readonly at: Date;
  /** Whom the filter's `customerQuery` finds; null where it asks for nobody. */
  readonly customerIds?: readonly string[] | null;
};
export type SortColumn = 'placed_at' | 'updated_at' | 'total_minor' | 'number';

const maxFilterValues = 50;

type Condition = Expression<SqlBool>;
type Conditions = ExpressionBuilder<OrderTables, 'orders'>;
const none: Condition = raw<SqlBool>`false`;

/** `query`: the ways in which the filter's query finds orders, of which one is enough. Throws BAD_USER_INPUT. */
const selected =
  ({ scope, filter, at, customerIds }: OrderSelection, query: readonly Way[] = queryOf(filter)) =>
  (eb: Conditions): Condition => {
    const conditions: Condition[] = [];
    const oneOf = <Column extends 'payment_status' | 'fulfilment_status' | 'type'>(
      column: Column,
      values: readonly (Column extends 'type' ? string : PaymentStatus | FulfilmentStatus)[] | null | undefined,
    ) => {
      if (!values) return;
      if (values.length > maxFilterValues) throw badUserInput(`filter: takes at most ${maxFilterValues} values each.`);
      conditions.push(values.length === 0 ? none : eb(column, 'in', values as never));
    };
    if (scope !== 'all') {
      conditions.push(eb('customer_id', '=', idToBytes(scope.customerId)));
      if (!filter.number) conditions.push(eb('archived_at', 'is', null));
    }
    if (filter.state) conditions.push(hasState(eb, filter.state, at));
    oneOf('payment_status', filter.paymentStatus);
    oneOf('fulfilment_status', filter.fulfilmentStatus);
    oneOf('type', filter.type);
    const { customerId, productId } = filter;
    if (customerId) conditions.push(isId(customerId) ? eb('customer_id', '=', idToBytes(customerId)) : none);
    if (productId) conditions.push(isId(productId) ? hasProduct(eb, productId) : none);
    if (filter.number) conditions.push(eb('number', '=', typedNumber(filter.number)));
    if (query.length > 0) conditions.push(eb.or(query.map((way) => way.finds(eb))));
    if (filter.placedFrom) conditions.push(eb('placed_at', '>=', filter.placedFrom));
    if (filter.placedTo) conditions.push(eb('placed_at', '<', filter.placedTo));
    if (filter.totalMin !== null && filter.totalMin !== undefined) conditions.push(eb('total_minor', '>=', filter.totalMin)); // prettier-ignore
    if (filter.totalMax !== null && filter.totalMax !== undefined) conditions.push(eb('total_minor', '<=', filter.totalMax)); // prettier-ignore
    if (filter.updatedFrom) conditions.push(eb('updated_at', '>=', filter.updatedFrom));
    if (filter.updatedTo) conditions.push(eb('updated_at', '<', filter.updatedTo));
    if (filter.needsFulfilment === true) conditions.push(needsFulfilment(eb));
    if (filter.needsFulfilment === false) conditions.push(eb.not(needsFulfilment(eb)));
    if (filter.hasReturn === true) conditions.push(hasReturn(eb));
    if (filter.hasReturn === false) conditions.push(eb.not(hasReturn(eb)));
    if (customerIds) conditions.push(customerIds.length === 0 ? none : eb('customer_id', 'in', customerIds.map(idToBytes))); // prettier-ignore
    return eb.and(conditions);
  };

const needsFulfilment = (eb: Conditions): Condition =>
  eb.and([
    eb('state', 'in', ['PAID', 'PROCESSING']),
    eb('fulfilment_status', 'in', ['UNFULFILLED', 'PARTIALLY_FULFILLED']),
  ]);

const hasReturn = (eb: Conditions): Condition => eb('id', 'in', tables.selectFrom('order_return').select('order_id'));
/** The same, looked for order by order: of a number the database makes no join, whose rows it would sort. */
const hasReturnEach = (eb: Conditions): Condition =>
  eb(eb.selectFrom('order_return').select((of) => of.fn.countAll().as('returns')).whereRef('order_return.order_id', '=', 'orders.id'), '>', 0); // prettier-ignore

const hasProduct = (eb: Conditions, productId: string): Condition =>
  eb('id', 'in', tables.selectFrom('order_line').select('order_id').where('product_id', '=', idToBytes(productId)));

function queryOf(filter: OrderFilter): readonly Way[] {
  const query = typedIdentifier(filter.query ?? '');
  return query === '' ? [] : waysOf(query);
}

/** Filters see the same state as readers: past its deadline an unpaid order is EXPIRED already. */
function hasState(eb: Conditions, states: readonly OrderState[], at: Date): Condition {
  const plain = states.filter((state) => state !== 'PENDING_PAYMENT');
  const parts: Condition[] = plain.length > 0 ? [eb('state', 'in', plain)] : [];
  // As `effectiveState` says it.
  const graceOver = new Date(at.getTime() - closingGraceMs);
  const unpaid = eb('state', '=', 'PENDING_PAYMENT');
  const isOpen = () =>
    eb.or([eb('expires_at', '>', at), eb.and([eb('is_paying', '=', true), eb('expires_at', '>', graceOver)])]);
  if (states.includes('PENDING_PAYMENT')) parts.push(eb.and([unpaid, isOpen()]));
  if (states.includes('EXPIRED')) parts.push(eb.and([unpaid, eb.not(isOpen())]));
  return parts.length === 0 ? none : eb.or(parts);
}

/** Where a page goes on: after the order with this value in the column that sorts, and this id. */
export type Beyond = { readonly value: string | number | Date; readonly id: string };

type Branch = { readonly column: 'state' | 'payment_status' | 'fulfilment_status' | 'type'; readonly value: string };
/** Indexes of a column, then the time of placing, then the id. */
const indexesByValue = {
  state: 'orders_state',
  payment_status: 'orders_payment',
  fulfilment_status: 'orders_delivery',
  type: 'orders_type',
} as const;

const isFree = (value: unknown): boolean => value === null || value === undefined || value === '';

/**
 * The values of the one filter that a staff list has beside its time: an index has the orders with each of them in the list's order, so
 * a page reads no further than its end. None with other filters: these may leave few orders, which the database finds by itself.
 */
function branchesOf({ scope, filter, customerIds }: OrderSelection): readonly Branch[] {
  const { state, paymentStatus, fulfilmentStatus, type, placedFrom: _, placedTo: __, ...others } = filter;
  if (scope !== 'all' || !isFree(customerIds) || !Object.values(others).every(isFree)) return [];
  // An order that is EXPIRED to its readers may be PENDING_PAYMENT in its row.
  const states = state?.flatMap((each) => (each === 'EXPIRED' ? [each, 'PENDING_PAYMENT'] : [each]));
  const given = (
    [
      ['state', states],
      ['payment_status', paymentStatus],
      ['fulfilment_status', fulfilmentStatus],
      ['type', type],
    ] as const
  ).flatMap(([column, values]) => (values ? [{ column, values }] : []));
  const [only] = given;
  return only && given.length === 1 ? [...new Set(only.values)].map((value) => ({ column: only.column, value })) : [];
}

type Page = {
  readonly column: SortColumn;
  readonly descending: boolean;
  readonly beyond: Beyond | null;
  readonly limit: number;
};
type Sorted = { readonly [column in SortColumn]: unknown } & { readonly id: Buffer };

const inOrder = ({ column, descending }: Page) => {
  const valueOf = (row: Sorted): bigint | string => {
    if (column === 'number') return String(row.number);
    return column === 'total_minor' ? BigInt(row.total_minor as string) : BigInt(toDate(row[column])?.getTime() ?? 0);
  };
  return (one: Sorted, other: Sorted): number => {
    const [left, right] = [valueOf(one), valueOf(other)];
    const ascending = left < right ? -1 : left > right ? 1 : Buffer.compare(one.id, other.id);
    return descending ? -ascending : ascending;
  };
};

/** One page's orders, of those that the query finds in any of these ways. */
function pageOf(selection: OrderSelection, { column, descending, beyond, limit }: Page, query?: readonly Way[]) {
  const direction = descending ? 'desc' : 'asc';
  let listed = tables.selectFrom('orders').selectAll('orders').where(selected(selection, query)).orderBy(column, direction); // prettier-ignore
  const comparison = raw.raw(descending ? '<' : '>');
  const key = raw.ref(column);
  if (column === 'number') {
    // Unique: with the id behind it, no index would have the order.
    if (beyond) listed = listed.where(raw<SqlBool>`${key} ${comparison} ${beyond.value}`);
    return listed.limit(limit);
  }
  if (beyond) {
    // The first comparison is the one that an index can follow: neither server does so for a pair.
    listed = listed.where(
      raw<SqlBool>`${key} ${comparison}= ${beyond.value} and (${key}, ${raw.ref('id')}) ${comparison} (${beyond.value}, ${idToBytes(beyond.id)})`,
    );
  }
  return listed.orderBy('id', direction).limit(limit);
}

/** Indexes that have all orders in the order of a column. */
const indexesInOrder = {
  placed_at: 'orders_placed',
  updated_at: 'orders_updated',
  total_minor: 'orders_total',
  number: 'orders_number',
} as const;

/**
 * One page's orders of everybody that a query, or the time of the last change, finds: a SELECT for each way in which it does. One that finds few reads them by its own
 * index and sorts them; one that finds many goes through the list, of which a page is soon full.
 */
async function listFound(
  sql: Sql,
  selection: OrderSelection,
  page: Page,
  ways: readonly Way[],
): Promise<StoredOrder[]> {
  const { query: _, updatedFrom: __, updatedTo: ___, ...others } = selection.filter;
  const isAlone = isFree(selection.customerIds) && Object.values(others).every(isFree);
  const isFew = await findFew(sql, ways);
  const lists = ways.map((way, position) => {
    const found = pageOf(selection, page, [way]);
    if (isFew[position] === true) return byIndex(found, { table: 'orders', index: way.index });
    const { placed } = way;
    const within = placed ? found.where('placed_at', '>=', placed.from).where('placed_at', '<', placed.to) : found;
    return isAlone ? byIndex(within, { table: 'orders', index: indexesInOrder[page.column] }) : within;
  });
  const orders = (await findOfEach(sql, lists, { compare: inOrder(page), limit: ways.length * page.limit })).map(toOrder); // prettier-ignore
  // An order may be found in both ways.
  return [...new Map(orders.map((order) => [order.id, order])).values()].slice(0, page.limit);
}

const isReturnedAlone = ({
  scope,
  filter: { hasReturn: has, placedFrom: _, placedTo: __, ...others },
  customerIds,
}: OrderSelection): boolean =>
  scope === 'all' && has === true && isFree(customerIds) && Object.values(others).every(isFree);

/** One page's orders by keyset. Throws BAD_USER_INPUT. */
export async function listOrders(sql: Sql, selection: OrderSelection, page: Page): Promise<StoredOrder[]> {
  const ways = queryOf(selection.filter);
  const { number, customerId, productId } = selection.filter;
  // Any of these leaves few orders, or has an index of its own.
  const isNarrow = selection.scope !== 'all' || ![number, customerId, productId].every(isFree);
  if (ways.length > 0 && !isNarrow) return listFound(sql, selection, page, ways);
  const { updatedFrom: from = null, updatedTo: to = null } = selection.filter;
  if ((from ?? to) !== null && !isNarrow && ways.length === 0 && page.column === 'placed_at')
    return listFound(sql, selection, page, [changedWithin({ from, to })]);
  if (isReturnedAlone(selection) && page.column === 'placed_at' && (await areReturnsMany(sql))) {
    const { filter, ...all } = selection;
    const listed = pageOf({ ...all, filter: { ...filter, hasReturn: null } }, page).where(hasReturnEach);
    return (await find(sql, byIndex(listed, { table: 'orders', index: indexesInOrder.placed_at }))).map(toOrder);
  }
  const ordered = pageOf(selection, page);
  const branches = page.column === 'placed_at' ? branchesOf(selection) : [];
  if (branches.length === 0) return (await find(sql, ordered)).map(toOrder);
  const lists = branches.map(({ column: of, value }) =>
    byIndex(ordered.where(of, '=', value as never), { table: 'orders', index: indexesByValue[of] }),
  );
  return (await findOfEach(sql, lists, { compare: inOrder(page), limit: page.limit })).map(toOrder);
}

/** Throws BAD_USER_INPUT. */
export async function countOrders(sql: Sql, selection: OrderSelection): Promise<number> {
  const counted = tables.selectFrom('orders').select((eb) => eb.fn.countAll().as('total')).where(selected(selection)); // prettier-ignore
  return Number((await find(sql, counted))[0]?.total ?? 0);
}

/** Those of `orderIds` whose order is in the selection. Throws BAD_USER_INPUT. */
export async function matchingOrders(
  sql: Sql,
  orderIds: readonly string[],
  selection: OrderSelection,
): Promise<ReadonlySet<string>> {
  const ids = [...new Set(orderIds)].map(idToBytes);
  // A selection that can't be is refused even where there is nothing to select from.
  const matching = tables.selectFrom('orders').select('id').where(selected(selection));
  if (ids.length === 0) return new Set();
  return new Set((await find(sql, matching.where('id', 'in', ids))).map(({ id }) => idFromBytes(id)));
}

const newest = prepare<{ customer: Buffer; limit: number }>()((param) =>
  tables
    .selectFrom('orders')
    .selectAll()
    .where('customer_id', '=', param.customer)
    .where('archived_at', 'is', null)
    .orderBy('placed_at', 'desc')
    .orderBy('id', 'desc')
    .limit(param.limit),
);

/** The newest orders of several customers, at most `limit` of each, in one statement. */
export async function newestOfCustomers(
  sql: Sql,
  customerIds: readonly string[],
  limit: number,
): Promise<StoredOrder[]> {
  const text = customerIds.map(() => `(${newest.text})`).join(' union all ');
  const parameters = customerIds.flatMap((id) => newest.bind({ customer: idToBytes(id), limit }));
  return (await sql.rows(text, parameters)).map(toOrder);
}
