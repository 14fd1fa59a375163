import { addDays, daysBetween } from '../../shared/values/local-date.ts';
import type { Order } from './order-model.ts';

/** Sums of a time. Amounts in minor units of one currency. */
export type Sales = {
  readonly orders: number;
  readonly items: number;
  readonly grossMinor: bigint;
  readonly discountMinor: bigint;
  readonly shippingMinor: bigint;
  readonly taxMinor: bigint;
  readonly totalMinor: bigint;
  readonly refundedMinor: bigint;
};

export const noSales: Sales = { orders: 0, items: 0, grossMinor: 0n, discountMinor: 0n, shippingMinor: 0n, taxMinor: 0n, totalMinor: 0n, refundedMinor: 0n }; // prettier-ignore

export const addSales = (one: Sales, other: Sales): Sales => ({
  orders: one.orders + other.orders,
  items: one.items + other.items,
  grossMinor: one.grossMinor + other.grossMinor,
  discountMinor: one.discountMinor + other.discountMinor,
  shippingMinor: one.shippingMinor + other.shippingMinor,
  taxMinor: one.taxMinor + other.taxMinor,
  totalMinor: one.totalMinor + other.totalMinor,
  refundedMinor: one.refundedMinor + other.refundedMinor,
});

/** What of a paid order's total has gone back. Money beyond the total, which came twice and went back, is no part of the sale. */
export function refundedOfSale({
  totalMinor,
  paidMinor,
  refundedMinor,
}: Pick<Order, 'totalMinor' | 'paidMinor' | 'refundedMinor'>): bigint {
  const missing = totalMinor - (paidMinor - refundedMinor);
  return missing < 0n ? 0n : missing > totalMinor ? totalMinor : missing;
}

export type Interval = 'DAY' | 'WEEK' | 'MONTH';

/** The first day of the interval that `day` is in. Weeks begin on Monday, as in ISO 8601. */
function beginningOf(day: string, interval: Interval): string {
  switch (interval) {
    case 'DAY':
      return day;
    case 'WEEK':
      return addDays(day, -daysSinceMonday(day));
    case 'MONTH':
      return `${day.slice(0, 8)}01`;
    default:
      return interval satisfies never;
  }
}

const aMonday = '2024-01-01';
const daysSinceMonday = (day: string): number => ((daysBetween(aMonday, day) % 7) + 7) % 7;

export type Row = Sales & { readonly from: string };

/** A row for each interval from `from` to `to`, both included; the first begins with `from`. */
export function rowsOf(
  days: ReadonlyMap<string, Sales>,
  { from, to, interval }: { from: string; to: string; interval: Interval },
): Row[] {
  const rows = new Map<string, Row>();
  for (let day = from; day <= to; day = addDays(day, 1)) {
    const beginning = beginningOf(day, interval);
    const row = rows.get(beginning) ?? { ...noSales, from: beginning < from ? from : beginning };
    rows.set(beginning, { ...addSales(row, days.get(day) ?? noSales), from: row.from });
  }
  return [...rows.values()];
}
