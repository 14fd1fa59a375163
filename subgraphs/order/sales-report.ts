import { badUserInput } from '../shared/errors/errors.ts';
import { isCurrency } from '../shared/values/currencies.ts';
import { daysBetween } from '../shared/values/local-date.ts';
import type { OrderDeps } from './deps.ts';
import { type Interval, type Row, type Sales, addSales, noSales, rowsOf } from './domain/sales.ts';
import { numberFeed } from './feed-store.ts';
import { countStates } from './state-metrics.ts';
import { type ProductSales, foldSales, readDays, readTopProducts } from './sales-store.ts';

const maxDays = 366;
const topProducts = 10;

export type SalesReport = {
  readonly currency: string;
  readonly rows: readonly Row[];
  readonly total: Row;
  readonly topProducts: readonly ProductSales[];
};

/** Brings the sums up to date with all that is committed, and counts each change of a state for the metrics. */
export async function catchUpSales({
  db,
  config,
  metrics,
}: Pick<OrderDeps, 'db' | 'config' | 'metrics'>): Promise<void> {
  await numberFeed(db);
  await foldSales(db, config.shopTimeZone, (changes) => countStates(metrics, changes));
}

/** What was sold from one day of the shop to another, both included, in a currency. Throws BAD_USER_INPUT. */
export async function salesReport(
  deps: Pick<OrderDeps, 'db' | 'config' | 'metrics'>,
  asked: { from: string; to: string; interval: Interval; currency: string },
): Promise<SalesReport> {
  const { from, to, currency } = asked;
  if (!isCurrency(currency)) throw badUserInput('currency: is the code of a currency of ISO 4217, e.g. EUR.');
  const days = daysBetween(from, to) + 1;
  if (days < 1 || days > maxDays) throw badUserInput(`to: must be 1 to ${maxDays} days from \`from\`, both included.`);
  await catchUpSales(deps);
  const sql = deps.db.em();
  const [byDay, products] = await Promise.all([readDays(sql, asked), readTopProducts(sql, asked, topProducts)]);
  const rows = rowsOf(byDay, asked);
  const total = rows.reduce<Sales>(addSales, noSales);
  return { currency, rows, total: { ...total, from }, topProducts: products };
}
