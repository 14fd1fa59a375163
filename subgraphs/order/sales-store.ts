import { sql as raw } from 'kysely';
import { type Database, type Sql, toDate } from '../shared/database/database.ts';
import { change, find } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import { dateIn } from '../shared/values/local-date.ts';
import { type Sales, addSales, noSales, refundedOfSale } from './domain/sales.ts';
import type { OrderEvent } from './domain/order-model.ts';
import { type StateChange, readStateChanges } from './state-change-store.ts';
import { findLines } from './line-store.ts';
import { findOrders } from './order-store.ts';
import { tables } from './records.ts';
import type { StoredLine, StoredOrder } from './stored-order.ts';

/*
 * Sums of sales follow the feed of all journals: a transaction takes the entries behind the position, counts the orders they
 * are of, and moves the position, all or nothing. So an entry counts once whoever dies when, no payment waits for the row of its
 * day, and a report that catches up first has everything that was committed before it.
 */

/** Entries of the feed that one transaction takes. */
const foldBatch = 1_000;
/** Those that change what a sale is. */
const moneyEvents = ['OrderPaid', 'PartPaymentReceived', 'PaymentRefused', 'RefundRecorded'] as const satisfies readonly OrderEvent['type'][]; // prettier-ignore

/**
 * Counts what the feed has numbered and the sums don't have yet. `onFolded` gets the changes of states among it, once each
 * over all processes, after their commit; a process that dies in between loses those.
 */
export async function foldSales(
  db: Database,
  timeZone: string,
  onFolded: (changes: readonly StateChange[]) => void,
): Promise<void> {
  for (;;) {
    const changes = await foldOnce(db, timeZone);
    if (changes === null) return;
    onFolded(changes);
  }
}

async function foldOnce(db: Database, timeZone: string): Promise<readonly StateChange[] | null> {
  const [at] = await find(db.em(), positions.select(['sales_position.feed_seq', 'journal_feed.head']));
  if (!at || Number(at.feed_seq) >= Number(at.head)) return null;
  return db.transaction(async (tx) => {
    const [position] = await find(tx, tables.selectFrom('sales_position').select('feed_seq').where('id', '=', 1).forUpdate()); // prettier-ignore
    const [feed] = await find(tx, tables.selectFrom('journal_feed').select('head').where('id', '=', 1));
    const after = Number(position?.feed_seq);
    const upTo = Math.min(Number(feed?.head), after + foldBatch);
    if (upTo <= after) return null;
    await countOrders(tx, await touchedOrders(tx, after, upTo), timeZone);
    await change(tx, tables.updateTable('sales_position').set({ feed_seq: upTo }).where('id', '=', 1), 1);
    return readStateChanges(tx, after, upTo);
  });
}

const positions = tables
  .selectFrom('sales_position')
  .innerJoin('journal_feed', 'journal_feed.id', 'sales_position.id')
  .where('sales_position.id', '=', 1);

/** The orders whose money these entries changed, and when they did so last. */
async function touchedOrders(tx: Sql, after: number, upTo: number): Promise<ReadonlyMap<string, Date>> {
  const rows = await find(
    tx,
    tables
      .selectFrom('order_event')
      .select((eb) => ['order_id', eb.fn.max('at').as('at')])
      .where('feed_seq', '>', after)
      .where('feed_seq', '<=', upTo)
      .where('type', 'in', moneyEvents)
      .groupBy('order_id'),
  );
  return new Map(rows.map((row) => [idFromBytes(row.order_id), toDate(row.at) as Date]));
}

const keyOf = (currency: string, day: string): string => `${currency} ${day}`;

async function countOrders(tx: Sql, touched: ReadonlyMap<string, Date>, timeZone: string): Promise<void> {
  if (touched.size === 0) return;
  const orders = (await findOrders(tx, [...touched.keys()])).filter(({ paidAt }) => paidAt !== null);
  if (orders.length === 0) return;
  const ids = orders.map(({ id }) => idToBytes(id));
  const counted = await find(tx, tables.selectFrom('sale').select(['order_id', 'refunded_minor']).where('order_id', 'in', ids)); // prettier-ignore
  const known = new Map(counted.map((row) => [idFromBytes(row.order_id), BigInt(row.refunded_minor)]));
  const fresh = orders.filter(({ id }) => !known.has(id));
  const lines = Map.groupBy(await findLines(tx, fresh.map(({ id }) => id)), (line) => line.orderId); // prettier-ignore
  const days = new Map<string, Sales>();
  const add = (currency: string, at: Date, sales: Partial<Sales>) => {
    const key = keyOf(currency, dateIn(timeZone, at));
    days.set(key, addSales(days.get(key) ?? noSales, { ...noSales, ...sales }));
  };
  for (const order of fresh) add(order.currency, order.paidAt as Date, saleOf(order, lines.get(order.id) ?? []));
  for (const order of orders) {
    const back = refundedOfSale(order) - (known.get(order.id) ?? 0n);
    if (back !== 0n) add(order.currency, touched.get(order.id) as Date, { refundedMinor: back });
  }
  await saveSales(tx, orders, timeZone);
  await saveDays(tx, days);
  await saveProducts(tx, fresh, { lines, timeZone });
}

const saleOf = (order: StoredOrder, lines: readonly StoredLine[]): Partial<Sales> => ({
  orders: 1,
  items: lines.reduce((sum, { quantity }) => sum + quantity, 0),
  grossMinor: order.subtotalMinor,
  discountMinor: order.discountMinor,
  shippingMinor: order.shippingMinor,
  taxMinor: order.taxMinor,
  totalMinor: order.totalMinor,
});

/** What an upsert adds to a column. */
const plus = (name: string) => raw<number>`${raw.ref(name)} + values(${raw.ref(name)})`;

const saveSales = async (tx: Sql, orders: readonly StoredOrder[], timeZone: string): Promise<number> =>
  change(
    tx,
    tables
      .insertInto('sale')
      .values(
        orders.map((order) => ({
          order_id: idToBytes(order.id),
          day: dateIn(timeZone, order.paidAt as Date),
          currency: order.currency,
          refunded_minor: refundedOfSale(order),
        })),
      )
      .onDuplicateKeyUpdate({ refunded_minor: raw<bigint>`values(refunded_minor)` }),
    'any',
  );

async function saveDays(tx: Sql, days: ReadonlyMap<string, Sales>): Promise<void> {
  // Entries that were counted already, or that change no sale.
  if (days.size === 0) return;
  await change(
    tx,
    tables
      .insertInto('sales_day')
      .values(
        [...days].map(([key, sales]) => {
          const [currency = '', day = ''] = key.split(' ');
          return {
            currency,
            day,
            orders: sales.orders,
            items: sales.items,
            gross_minor: sales.grossMinor,
            discount_minor: sales.discountMinor,
            shipping_minor: sales.shippingMinor,
            tax_minor: sales.taxMinor,
            total_minor: sales.totalMinor,
            refunded_minor: sales.refundedMinor,
          };
        }),
      )
      .onDuplicateKeyUpdate({
        orders: plus('orders'),
        items: plus('items'),
        gross_minor: plus('gross_minor'),
        discount_minor: plus('discount_minor'),
        shipping_minor: plus('shipping_minor'),
        tax_minor: plus('tax_minor'),
        total_minor: plus('total_minor'),
        refunded_minor: plus('refunded_minor'),
      }),
    'any',
  );
}

type Product = { currency: string; day: string; product_id: Buffer; quantity: number; gross_minor: bigint };

async function saveProducts(
  tx: Sql,
  orders: readonly StoredOrder[],
  { lines, timeZone }: { lines: ReadonlyMap<string, readonly StoredLine[]>; timeZone: string },
): Promise<void> {
  const sums = new Map<string, Product>();
  for (const order of orders) {
    const { currency } = order;
    const day = dateIn(timeZone, order.paidAt as Date);
    for (const { productId, quantity, subtotalMinor } of lines.get(order.id) ?? []) {
      const key = `${currency} ${day} ${productId}`;
      const sum = sums.get(key) ?? { currency, day, product_id: idToBytes(productId), quantity: 0, gross_minor: 0n }; // prettier-ignore
      sums.set(key, { ...sum, quantity: sum.quantity + quantity, gross_minor: sum.gross_minor + subtotalMinor });
    }
  }
  if (sums.size === 0) return;
  const upsert = tables
    .insertInto('sales_product')
    .values([...sums.values()])
    .onDuplicateKeyUpdate({
      quantity: plus('quantity'),
      gross_minor: plus('gross_minor'),
    });
  await change(tx, upsert, 'any');
}

type Range = { readonly from: string; readonly to: string; readonly currency: string };

/** The sums of each day of a range that has any. */
export async function readDays(sql: Sql, { from, to, currency }: Range): Promise<ReadonlyMap<string, Sales>> {
  const rows = await find(
    sql,
    tables.selectFrom('sales_day').selectAll().where('currency', '=', currency).where('day', '>=', from).where('day', '<=', to), // prettier-ignore
  );
  return new Map(
    rows.map((row) => [
      row.day,
      {
        orders: row.orders,
        items: row.items,
        grossMinor: BigInt(row.gross_minor),
        discountMinor: BigInt(row.discount_minor),
        shippingMinor: BigInt(row.shipping_minor),
        taxMinor: BigInt(row.tax_minor),
        totalMinor: BigInt(row.total_minor),
        refundedMinor: BigInt(row.refunded_minor),
      },
    ]),
  );
}

export type ProductSales = { readonly productId: string; readonly quantity: number; readonly grossMinor: bigint };

/** The products of which most was sold in a range, by gross. */
export async function readTopProducts(sql: Sql, { from, to, currency }: Range, limit: number): Promise<ProductSales[]> {
  const rows = await find(
    sql,
    tables
      .selectFrom('sales_product')
      .select((eb) => [
        'product_id',
        eb.fn.sum<string>('quantity').as('quantity'),
        eb.fn.sum<string>('gross_minor').as('gross'),
      ]) // prettier-ignore
      .where('currency', '=', currency)
      .where('day', '>=', from)
      .where('day', '<=', to)
      .groupBy('product_id')
      .orderBy('gross', 'desc')
      .orderBy('product_id')
      .limit(limit),
  );
  return rows.map((row) => ({
    productId: idFromBytes(row.product_id),
    quantity: Number(row.quantity),
    grossMinor: BigInt(row.gross),
  }));
}
