import { type AuditContext, broken } from './context.ts';

/** I2: at most one charge of an order keeps its money, and the provider's own journal tells the same as ours. */
export async function auditCharges(context: AuditContext): Promise<string[]> {
  const [payment, provider] = [context.schema('payment'), context.schema('simulated')];
  const settled = (column: string) => `${column} < utc_timestamp(3) - interval ${context.graceSeconds} second`;
  const charges = `select c.id, c.intent_id, c.amount, c.created_at, json_unquote(json_extract(c.metadata, '$.orderId')) order_id,
    coalesce((select sum(r.amount) from ${provider}.refund r where r.intent_id = c.intent_id and r.status = 'succeeded'), 0) refunded from ${provider}.charge c`;
  const doubles = await broken(
    context,
    `select order_id, count(*) charges from (${charges}) c where c.amount > c.refunded and ${settled('c.created_at')} group by order_id having count(*) > 1`,
    (row) => `order ${row['order_id']} was charged ${row['charges']} times`,
  );
  const unknown = await broken(
    context,
    `select c.id, c.intent_id, c.amount, c.currency, a.state, p.amount_minor from ${provider}.charge c
     left join ${payment}.attempt a on a.provider = 'simulated' and a.provider_intent_id = c.intent_id
     left join ${payment}.payment p on p.id = a.payment_id
     where (p.id is null or a.state <> 'SUCCEEDED' or if(p.manual_capture, p.captured_minor, p.amount_minor) <> c.amount or p.currency <> c.currency) and ${settled('c.created_at')}`,
    (row) =>
      `the provider took ${row['amount']} ${row['currency']} (${row['id']} of intent ${row['intent_id']}), our attempt over ${row['amount_minor']} is ${row['state']}`,
  );
  const invented = await broken(
    context,
    `select a.number from ${payment}.attempt a left join ${provider}.charge c on c.intent_id = a.provider_intent_id
     where a.provider = 'simulated' and a.state = 'SUCCEEDED' and c.id is null`,
    (row) => `attempt ${row['number']} is SUCCEEDED, the provider knows of no charge`,
  );
  const refunds = await broken(
    context,
    `select r.id, r.amount, p.number, p.state, p.amount_minor from ${provider}.refund r
     left join ${payment}.refund p on p.provider_refund_id = r.id
     where r.status = 'succeeded' and (p.id is null or p.state <> 'SUCCEEDED' or p.amount_minor <> r.amount) and ${settled('r.created_at')}`,
    (row) =>
      `the provider refunded ${row['amount']} (${row['id']}), ours is ${row['number']} ${row['state']} ${row['amount_minor']}`,
  );
  const promised = await broken(
    context,
    `select p.number, p.state from ${payment}.refund p join ${payment}.attempt a on a.id = p.attempt_id and a.provider = 'simulated' and p.origin <> 'DISPUTE'
     left join ${provider}.refund r on r.id = p.provider_refund_id and r.status = 'succeeded'
     where (p.state = 'SUCCEEDED' and p.confirmed_by is null and r.id is null) or (p.state <> 'SUCCEEDED' and ${settled('p.created_at')})`,
    (row) => `refund ${row['number']} is ${row['state']}, the provider does not say so`,
  );
  return [...doubles, ...unknown, ...invented, ...refunds, ...promised];
}

/** I6, as far as there is money without a wallet: payments equal their charges, refunds and journals, orders their lines and payments. */
export async function auditMoney(context: AuditContext): Promise<string[]> {
  const [payment, order] = [context.schema('payment'), context.schema('order')];
  const settled = (column: string) => `${column} < utc_timestamp(3) - interval ${context.graceSeconds} second`;
  const refunds = await broken(
    context,
    `select p.number, p.refunded_minor, p.refunding_minor, coalesce(r.done, 0) done, coalesce(r.asked, 0) asked from ${payment}.payment p
     left join (select payment_id, sum(if(settled_at is not null and state <> 'FAILED', amount_minor, 0)) done, sum(if(state = 'FAILED', 0, amount_minor)) asked
       from ${payment}.refund where surplus = 0 group by payment_id) r on r.payment_id = p.id
     where p.refunded_minor <> coalesce(r.done, 0) or p.refunding_minor <> coalesce(r.asked, 0)`,
    (row) =>
      `payment ${row['number']}: ${row['refunded_minor']} refunded of ${row['refunding_minor']} asked for, its refunds are ${row['done']} of ${row['asked']}`,
  );
  const captured = await broken(
    context,
    `select p.number, p.captured_minor, coalesce(a.captures, 0) captures, coalesce(r.surplus, 0) surplus from ${payment}.payment p
     left join (select payment_id, count(*) captures from ${payment}.attempt where state = 'SUCCEEDED' group by payment_id) a on a.payment_id = p.id
     left join (select payment_id, sum(amount_minor) surplus from ${payment}.refund where surplus = 1 group by payment_id) r on r.payment_id = p.id
     where p.captured_minor + coalesce(r.surplus, 0) <> if(p.manual_capture and p.captured_minor > 0, p.captured_minor, p.amount_minor) * coalesce(a.captures, 0)`,
    (row) =>
      `payment ${row['number']}: ${row['captures']} attempts succeeded, ${row['captured_minor']} captured and ${row['surplus']} surplus`,
  );
  const journals = await broken(
    context,
    `select p.number, p.version, p.state, e.last_, e.rows_, l.to_state from ${payment}.payment p
     left join (select payment_id, max(seq) last_, count(*) rows_ from ${payment}.payment_event group by payment_id) e on e.payment_id = p.id
     left join ${payment}.payment_event l on l.payment_id = p.id and l.seq = e.last_
     where e.last_ is null or p.version <> e.last_ or p.version <> e.rows_ or p.state <> l.to_state`,
    (row) =>
      `payment ${row['number']} is ${row['state']} at version ${row['version']}, its journal has ${row['rows_']} entries up to ${row['last_']} (${row['to_state']})`,
  );
  const totals = await broken(
    context,
    `select o.number, o.subtotal_minor, l.amount from ${order}.orders o
     left join (select order_id, sum(subtotal_minor) amount from ${order}.order_line group by order_id) l on l.order_id = o.id
     where l.amount is null or o.subtotal_minor <> l.amount`,
    (row) => `order ${row['number']}: ${row['subtotal_minor']} in all, its lines are ${row['amount']}`,
  );
  const charges = await broken(
    context,
    `select o.number, o.subtotal_minor, o.discount_minor, o.shipping_minor, o.tax_minor, o.total_minor, l.* from ${order}.orders o
     join (select order_id, sum(discount_minor) discounts, sum(tax_minor) taxes, sum(coalesce(total_minor, subtotal_minor)) totals
       from ${order}.order_line group by order_id) l on l.order_id = o.id
     where o.total_minor <> o.subtotal_minor - o.discount_minor + o.shipping_minor + if(o.prices_include_tax, 0, o.tax_minor)
       or o.discount_minor <> l.discounts + o.shipping_discount_minor or o.tax_minor <> l.taxes + o.shipping_tax_minor
       or o.total_minor <> l.totals + o.shipping_minor - o.shipping_discount_minor + if(o.prices_include_tax, 0, o.shipping_tax_minor)`,
    (row) =>
      `order ${row['number']}: ${row['subtotal_minor']} less ${row['discount_minor']}, with ${row['shipping_minor']} for shipping and ${row['tax_minor']} tax, is ${row['total_minor']}; its lines have ${row['discounts']} off, ${row['taxes']} tax and are ${row['totals']}`,
  );
  const orders = await broken(
    context,
    `select o.number, o.paid_minor, o.refunded_minor, coalesce(p.captured, 0) captured, coalesce(p.refunded, 0) refunded from ${order}.orders o
     left join (select order_id, sum(captured_minor) captured, sum(refunded_minor) refunded from ${payment}.payment group by order_id) p on p.order_id = o.id
     where (o.paid_minor <> coalesce(p.captured, 0) or o.refunded_minor <> coalesce(p.refunded, 0)) and ${settled('o.updated_at')}`,
    (row) =>
      `order ${row['number']}: ${row['paid_minor']} paid and ${row['refunded_minor']} refunded, its payments say ${row['captured']} and ${row['refunded']}`,
  );
  const strangers = await broken(
    context,
    `select p.number from ${payment}.payment p left join ${order}.orders o on o.id = p.order_id where o.id is null or o.currency <> p.currency or o.customer_id <> p.customer_id`,
    (row) => `payment ${row['number']} does not belong to an order of its customer and currency`,
  );
  return [...refunds, ...captured, ...journals, ...totals, ...charges, ...orders, ...strangers];
}
