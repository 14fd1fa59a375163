import { type AuditContext, broken } from './context.ts';

/**
 * I6 after the sale: no more pieces go back, come back or are taken off than there are, none is delivered that was taken off,
 * and what orders have on its way back is what payment still owes them.
 */
export async function auditGivenBack(context: AuditContext): Promise<string[]> {
  const [order, payment] = [context.schema('order'), context.schema('payment')];
  const settled = (column: string) => `${column} < utc_timestamp(3) - interval ${context.graceSeconds} second`;
  const lines = await broken(
    context,
    `select o.number, l.position, l.quantity, l.fulfilled_quantity, l.cancelled_quantity, l.refunded_quantity, l.returned_quantity from ${order}.order_line l
     join ${order}.orders o on o.id = l.order_id
     where l.cancelled_quantity < 0 or l.refunded_quantity < l.cancelled_quantity or l.refunded_quantity > l.quantity
       or l.fulfilled_quantity + l.cancelled_quantity > l.quantity or l.returned_quantity < 0 or l.returned_quantity > l.quantity - l.cancelled_quantity`,
    (row) =>
      `order ${row['number']}, line ${row['position']}: of ${row['quantity']} pieces ${row['fulfilled_quantity']} are delivered, ${row['cancelled_quantity']} taken off, ${row['refunded_quantity']} refunded, ${row['returned_quantity']} returned`,
  );
  const money = await broken(
    context,
    `select o.number, o.state, o.paid_minor, o.refunded_minor, o.refund_pending_minor, o.tax_minor, o.refunded_tax_minor, o.shipping_refunded_minor from ${order}.orders o
     where o.refund_pending_minor < 0 or o.refund_pending_minor > o.paid_minor - o.refunded_minor or o.refunded_tax_minor < 0 or o.refunded_tax_minor > o.tax_minor
       or o.shipping_refunded_minor < 0 or o.shipping_refunded_minor > o.total_minor
       or (o.refund_pending_minor > 0 and ${settled('o.updated_at')})
       or (o.state in ('REFUNDED', 'COMPLETED') and o.refunded_minor = o.paid_minor and o.paid_minor > 0 and o.refunded_tax_minor <> o.tax_minor)`,
    (row) =>
      `order ${row['number']} is ${row['state']}: ${row['refund_pending_minor']} on its way of ${row['paid_minor']} less ${row['refunded_minor']}, tax ${row['refunded_tax_minor']} of ${row['tax_minor']}`,
  );
  const requests = await broken(
    context,
    `select o.number, r.amount_minor, coalesce(g.given, 0) given from ${payment}.refund_request r join ${order}.orders o on o.id = r.order_id
     left join (select request_id, sum(amount_minor) given from ${payment}.refund where state = 'SUCCEEDED' group by request_id) g on g.request_id = r.id
     where r.amount_minor is not null and coalesce(g.given, 0) < r.amount_minor and o.refunded_minor < o.paid_minor and ${settled('r.created_at')}`,
    (row) => `order ${row['number']} has asked for ${row['amount_minor']} and got ${row['given']}`,
  );
  return [...lines, ...money, ...requests];
}
