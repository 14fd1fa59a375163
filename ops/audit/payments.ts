import { type AuditContext, broken } from './context.ts';

/** I2: at most one charge of an order keeps its money, and the provider's own journal tells the same as ours. */
export async function auditCharges(context: AuditContext): Promise<string[]> {
  const [payment, provider] = [context.schema('payment'), context.schema('simulated')];
  const settled = (column: string) => `${column} < utc_timestamp(3) - interval ${context.graceSeconds} second`;
  const charges = `select c.id, c.intent_id, c.amount, c.created_at, json_unquote(json_extract(c.metadata, '$.orderId')) order_id,
    coalesce((select sum(r.amount) from ${provider}.refund r where r.intent_id = c.intent_id), 0) refunded from ${provider}.charge c`;
  const doubles = await broken(
    context,
    `select order_id, count(*) charges from (${charges}) c where c.amount > c.refunded and ${settled('c.created_at')} group by order_id having count(*) > 1`,
    (row) => `order ${row['order_id']} was charged ${row['charges']} times`,
  );
  const unknown = await broken(
    context,
    `select c.id, c.intent_id, a.state from ${provider}.charge c
     left join ${payment}.attempt a on a.provider = 'simulated' and a.provider_intent_id = c.intent_id
     where (a.id is null or a.state <> 'SUCCEEDED') and ${settled('c.created_at')}`,
    (row) => `the provider took charge ${row['id']} of intent ${row['intent_id']}, our attempt is ${row['state']}`,
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
     where (p.id is null or p.state <> 'SUCCEEDED' or p.amount_minor <> r.amount) and ${settled('r.created_at')}`,
    (row) =>
      `the provider refunded ${row['amount']} (${row['id']}), ours is ${row['number']} ${row['state']} ${row['amount_minor']}`,
  );
  const promised = await broken(
    context,
    `select p.number, p.state from ${payment}.refund p left join ${provider}.refund r on r.id = p.provider_refund_id
     where (p.state = 'SUCCEEDED' and r.id is null) or (p.state <> 'SUCCEEDED' and ${settled('p.created_at')})`,
    (row) => `refund ${row['number']} is ${row['state']}, the provider does not say so`,
  );
  return [...doubles, ...unknown, ...invented, ...refunds, ...promised];
}

/** I6, as far as there is money without a wallet: payments equal their refunds and journals, orders equal their payments. */
export async function auditMoney(context: AuditContext): Promise<string[]> {
  const [payment, order] = [context.schema('payment'), context.schema('order')];
  const settled = (column: string) => `${column} < utc_timestamp(3) - interval ${context.graceSeconds} second`;
  const refunds = await broken(
    context,
    `select p.number, p.refunded_minor, coalesce(r.amount, 0) amount from ${payment}.payment p
     left join (select payment_id, sum(amount_minor) amount from ${payment}.refund where state = 'SUCCEEDED' and surplus = 0 group by payment_id) r on r.payment_id = p.id
     where p.refunded_minor <> coalesce(r.amount, 0)`,
    (row) => `payment ${row['number']}: ${row['refunded_minor']} refunded, its refunds are ${row['amount']}`,
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
  return [...refunds, ...orders, ...strangers];
}
