import { type AuditContext, broken } from './context.ts';

const refunded = 'least(o.total_minor, greatest(0, o.total_minor - (o.paid_minor - o.refunded_minor)))';

/** I21: the sums that reports are made of are those of the orders that they have counted, and no paid order is left out. */
export async function auditSales(context: AuditContext): Promise<string[]> {
  const order = context.schema('order');
  /** Orders of which the sums have every entry. */
  const folded = `not exists (
    select 1 from ${order}.order_event e, ${order}.sales_position p
    where e.order_id = o.id and (e.feed_seq is null or e.feed_seq > p.feed_seq))`;
  const orders = await broken(
    context,
    `select o.number, s.refunded_minor counted, ${refunded} refunded from ${order}.orders o
     left join ${order}.sale s on s.order_id = o.id
     where o.paid_at is not null and (s.order_id is null or s.refunded_minor <> ${refunded}) and ${folded}`,
    (row) => `order ${row['number']}: ${row['counted']} of it count as refunded, it has ${row['refunded']}`,
  );
  const days = await broken(
    context,
    `select coalesce(d.currency, t.currency) currency, coalesce(d.day, t.day) day, d.orders counted, t.orders_ orders_
     from ${order}.sales_day d
     left join (
       select s.currency, s.day, count(*) orders_, sum(o.subtotal_minor) gross, sum(o.discount_minor) discount,
         sum(o.shipping_minor) shipping, sum(o.tax_minor) tax, sum(o.total_minor) total,
         sum((select sum(l.quantity) from ${order}.order_line l where l.order_id = s.order_id)) items
       from ${order}.sale s join ${order}.orders o on o.id = s.order_id group by s.currency, s.day
     ) t on t.currency = d.currency and t.day = d.day
     where d.orders <> coalesce(t.orders_, 0) or d.items <> coalesce(t.items, 0) or d.gross_minor <> coalesce(t.gross, 0)
       or d.discount_minor <> coalesce(t.discount, 0) or d.shipping_minor <> coalesce(t.shipping, 0)
       or d.tax_minor <> coalesce(t.tax, 0) or d.total_minor <> coalesce(t.total, 0)`,
    (row) =>
      `${row['day']} in ${row['currency']}: the sums have ${row['counted']} orders, there are ${row['orders_']}, or their amounts differ`,
  );
  const sums = await broken(
    context,
    `select d.currency, d.orders_ counted, s.orders_ orders_, d.refunded counted_back, s.refunded back
     from (select currency, sum(orders) orders_, sum(refunded_minor) refunded from ${order}.sales_day group by currency) d
     left join (select currency, count(*) orders_, sum(refunded_minor) refunded from ${order}.sale group by currency) s on s.currency = d.currency
     where d.orders_ <> coalesce(s.orders_, 0) or d.refunded <> coalesce(s.refunded, 0)`,
    (row) =>
      `${row['currency']}: the days have ${row['counted']} orders and ${row['counted_back']} refunded, the sales ${row['orders_']} and ${row['back']}`,
  );
  const products = await broken(
    context,
    `select p.currency, p.day, p.quantity counted, t.quantity sold from
       (select currency, day, sum(quantity) quantity, sum(gross_minor) gross from ${order}.sales_product group by currency, day) p
     left join (
       select s.currency, s.day, sum(l.quantity) quantity, sum(l.subtotal_minor) gross
       from ${order}.sale s join ${order}.order_line l on l.order_id = s.order_id group by s.currency, s.day
     ) t on t.currency = p.currency and t.day = p.day
     where p.quantity <> coalesce(t.quantity, 0) or p.gross <> coalesce(t.gross, 0)`,
    (row) =>
      `${row['day']} in ${row['currency']}: the products' sums have ${row['counted']} pieces, ${row['sold']} were sold`,
  );
  return [...orders, ...days, ...sums, ...products];
}
