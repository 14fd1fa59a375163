import { requireStaff } from '../shared/auth/viewer.ts';
import type * as Schema from '../../schema/generated/order.ts';
import type { OrderContext } from './context.ts';
import type { Row } from './domain/sales.ts';
import { salesReport as report } from './sales-report.ts';

/** `Query.salesReport`, for staff. */
export async function salesReport(_: unknown, asked: Schema.QuerySalesReportArgs, { deps, viewer }: OrderContext) {
  requireStaff(viewer);
  const { currency, rows, total, topProducts } = await report(deps, { ...asked, interval: asked.interval ?? 'DAY' });
  const money = (minor: bigint) => ({ amount: Number(minor), currency });
  const present = (row: Row) => ({
    from: row.from,
    orders: row.orders,
    items: row.items,
    gross: money(row.grossMinor),
    discounts: money(row.discountMinor),
    shipping: money(row.shippingMinor),
    tax: money(row.taxMinor),
    refunds: money(row.refundedMinor),
    net: money(row.totalMinor - row.refundedMinor),
  });
  return {
    rows: rows.map(present),
    total: present(total),
    topProducts: topProducts.map(({ productId, quantity, grossMinor }) => ({
      product: { __typename: 'Product', id: productId },
      quantity,
      gross: money(grossMinor),
    })),
  };
}
