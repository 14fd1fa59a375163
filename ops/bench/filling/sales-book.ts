import { idToBytes } from '../../../subgraphs/shared/values/ids.ts';
import { dateIn } from '../../../subgraphs/shared/values/local-date.ts';
import { type Sales, addSales, noSales, refundedOfSale } from '../../../subgraphs/order/domain/sales.ts';
import type { StoredOrder } from '../../../subgraphs/order/stored-order.ts';
import type { Batch } from './batch.ts';
import type { Wanted } from './order-life.ts';

/** The platform's default. */
const timeZone = 'UTC';

/** The sums of sales, as following the feed would have made them. */
export class SalesBook {
  readonly #days = new Map<string, Sales>();
  readonly #products = new Map<string, { day: string; productId: string; quantity: number; grossMinor: bigint }>();

  #add(at: Date, sales: Partial<Sales>): string {
    const day = dateIn(timeZone, at);
    this.#days.set(day, addSales(this.#days.get(day) ?? noSales, { ...noSales, ...sales }));
    return day;
  }

  /** Counts a paid order as it is at the end; `refundedAt`: when the last of its money went back. */
  count(batch: Batch, order: StoredOrder, wanted: readonly Wanted[], refundedAt: Date | null): void {
    if (order.paidAt === null) return;
    const { subtotalMinor: grossMinor, discountMinor, shippingMinor, taxMinor, totalMinor } = order;
    const items = wanted.reduce((sum, { quantity }) => sum + quantity, 0);
    const day = this.#add(order.paidAt, {
      orders: 1,
      items,
      grossMinor,
      discountMinor,
      shippingMinor,
      taxMinor,
      totalMinor,
    });
    const refundedMinor = refundedOfSale(order);
    if (refundedMinor > 0n) this.#add(refundedAt ?? order.paidAt, { refundedMinor });
    batch.add('order', 'sale', { order_id: idToBytes(order.id), day, currency: order.currency, refunded_minor: refundedMinor }); // prettier-ignore
    for (const { article, quantity } of wanted) {
      const key = `${day} ${article.id}`;
      const sum = this.#products.get(key) ?? { day, productId: article.id, quantity: 0, grossMinor: 0n };
      sum.quantity += quantity;
      sum.grossMinor += BigInt(article.priceMinor * quantity);
      this.#products.set(key, sum);
    }
  }

  /** Adds all sums. */
  write(batch: Batch): void {
    for (const [day, sales] of this.#days)
      batch.add('order', 'sales_day', {
        currency: 'EUR', day, orders: sales.orders, items: sales.items, gross_minor: sales.grossMinor, discount_minor: sales.discountMinor, shipping_minor: sales.shippingMinor,
        tax_minor: sales.taxMinor, total_minor: sales.totalMinor, refunded_minor: sales.refundedMinor,
      }); // prettier-ignore
    for (const { day, productId, quantity, grossMinor } of this.#products.values())
      batch.add('order', 'sales_product', { currency: 'EUR', day, product_id: idToBytes(productId), quantity, gross_minor: grossMinor }); // prettier-ignore
  }
}
