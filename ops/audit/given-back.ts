import { type AuditContext, broken } from './context.ts';

/**
 * I6 after the sale: no more pieces go back, come back or are taken off than there are, none is delivered that was taken off,
 * what orders have on its way back is what payment still owes them, and no piece goes into the stock twice.
 */
export async function auditGivenBack(context: AuditContext): Promise<string[]> {
  const [order, payment, product] = [context.schema('order'), context.schema('payment'), context.schema('product')];
  const settled = (column: string) => `${column} < utc_timestamp(3) - interval ${context.graceSeconds} second`;
  const lines = await broken(
    context,
    `select o.number, l.position, l.quantity, l.fulfilled_quantity, l.cancelled_quantity, l.refunded_quantity, l.returned_quantity, l.restocked_quantity, l.unrefunded_return_quantity from ${order}.order_line l
     join ${order}.orders o on o.id = l.order_id
     where l.cancelled_quantity < 0 or l.refunded_quantity < l.cancelled_quantity or l.refunded_quantity > l.quantity
       or l.fulfilled_quantity + l.cancelled_quantity > l.quantity or l.returned_quantity < 0 or l.restocked_quantity < 0 or l.returned_quantity + l.restocked_quantity > l.quantity - l.cancelled_quantity
       or l.unrefunded_return_quantity < 0 or l.unrefunded_return_quantity > l.returned_quantity or l.unrefunded_return_quantity > l.quantity - l.refunded_quantity`,
    (row) =>
      `order ${row['number']}, line ${row['position']}: of ${row['quantity']} pieces ${row['fulfilled_quantity']} are delivered, ${row['cancelled_quantity']} taken off, ${row['refunded_quantity']} refunded, ${row['returned_quantity']} returned (${row['unrefunded_return_quantity']} without their money), ${row['restocked_quantity']} put back by refunds`,
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
  const returns = await broken(
    context,
    `select o.number, l.position, l.returned_quantity, coalesce(r.received, 0) received from ${order}.order_line l join ${order}.orders o on o.id = l.order_id
     left join (select line_id, sum(received_quantity) received from ${order}.order_return_line group by line_id) r on r.line_id = l.id
     where l.returned_quantity <> coalesce(r.received, 0) or (l.returned_quantity > 0 and o.state <> 'COMPLETED')`,
    (row) =>
      `order ${row['number']}, line ${row['position']}: ${row['returned_quantity']} pieces came back, ${row['received']} by returns`,
  );
  const ofReturns = await broken(
    context,
    `select r.number, r.state from ${order}.order_return r left join ${order}.order_return_line l on l.return_id = r.id
     where l.quantity is null or l.quantity < 1 or l.received_quantity > l.quantity or l.restocked_quantity > l.received_quantity
       or l.restocked_quantity < 0 or (l.received_quantity > 0 and r.state not in ('RECEIVED', 'REFUNDED'))
       or (r.state = 'REFUNDED') <> (r.request_id is not null)
       or (r.request_id is not null and not exists (select 1 from ${order}.order_event e where e.order_id = r.order_id and e.type = 'RefundRequested'
         and unhex(replace(json_unquote(json_extract(e.data, '$.requestId')), '-', '')) = r.request_id))`,
    (row) => `return ${row['number']} is ${row['state']}: its pieces or its refund do not agree with that`,
  );
  const restocked = await broken(
    context,
    // Begun with the few movements: begun with the orders, MariaDB sums the movements of its product again for each.
    `select o.number, m.restocked, sum(p.restocked_quantity + coalesce((select sum(l.restocked_quantity) from ${order}.order_return r
       join ${order}.order_return_line l on l.return_id = r.id where r.order_id = p.order_id and l.line_id = p.id), 0)) back
     from (
       select order_id, product_id, sum(on_hand_delta) restocked from ${product}.stock_movement
       where type = 'RETURN' and reservation_id is null and order_id is not null group by order_id, product_id
     ) m straight_join ${order}.orders o on o.id = m.order_id
     straight_join ${order}.order_line p on p.order_id = m.order_id and p.product_id = m.product_id
     group by o.number, m.order_id, m.product_id, m.restocked
     having m.restocked > back`,
    (row) => `order ${row['number']}: ${row['restocked']} pieces went into the stock again, ${row['back']} were to`,
  );
  return [...lines, ...money, ...requests, ...returns, ...ofReturns, ...restocked];
}
