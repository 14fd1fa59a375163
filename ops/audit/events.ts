import { subgraphNames } from '../../subgraphs/shared/values/subgraph-names.ts';
import { type AuditContext, broken } from './context.ts';

/** Who acts on which event. */
const consumers: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  order: {
    'order.paid': ['product', 'user'],
    'order.closed': ['product', 'payment', 'user'],
    'order.payment_refused': ['payment'],
    'order.nights_returned': ['product'],
    'order.lines_cancelled': ['product'],
    'order.stock_returned': ['product'],
    'order.refund_requested': ['payment'],
    'order.shipped': ['user'],
    'order.delivered': ['user'],
    'order.return_decided': ['user'],
    'staff.acted': ['user'],
  },
  payment: {
    'payment.succeeded': ['order'],
    'payment.refunded': ['order', 'user'],
    'payment.disputed': ['order'],
    'payment.failed': ['user'],
    'staff.acted': ['user'],
  },
  product: { 'product.low_stock': ['user'], 'staff.acted': ['user'] },
};

/** I5: every outbox event is published and handled once by each service that acts on it; none lies in a dead letter. */
export async function auditEvents(context: AuditContext): Promise<string[]> {
  const findings: string[] = [];
  const settled = `o.created_at < utc_timestamp(3) - interval ${context.graceSeconds} second`;
  for (const [service, types] of Object.entries(consumers)) {
    const outbox = `${context.schema(service)}.outbox`;
    findings.push(
      ...(await broken(
        context,
        `select hex(o.id) id, o.type from ${outbox} o where o.published_at is null and ${settled}`,
        (row) => `${row['type']} ${row['id']} is not published`,
      )),
    );
    for (const [type, handlers] of Object.entries(types)) {
      for (const handler of handlers) {
        // The user service learnt to handle events: those from before are gone from their streams.
        const since = handler === 'user' ? ` and o.created_at >= coalesce((select min(handled_at) from ${context.schema('user')}.inbox) - interval 1 minute, o.created_at)` : ''; // prettier-ignore
        const sql = `select hex(o.id) id from ${outbox} o left join ${context.schema(handler)}.inbox i on i.event_id = o.id
          where o.type = '${type}' and o.published_at is not null and i.event_id is null and ${settled}${since}`;
        findings.push(...(await broken(context, sql, (row) => `${type} ${row['id']} was not handled by ${handler}`)));
      }
    }
  }
  for (const service of subgraphNames) {
    const sql = `select hex(event_id) id, type, error from ${context.schema(service)}.dead_letter where replayed_at is null`;
    findings.push(
      ...(await broken(
        context,
        sql,
        (row) => `${row['type']} ${row['id']} is a dead letter of ${service}: ${row['error']}`,
      )),
    );
  }
  return findings;
}

/** I8: one effect per idempotency key: what a key answered with exists. A key itself is unique by the table's primary key. */
export async function auditIdempotency(context: AuditContext): Promise<string[]> {
  const order = context.schema('order');
  return broken(
    context,
    `select hex(k.owner_id) owner_, k.operation, json_unquote(json_extract(k.result, '$.orderId')) id from ${order}.idempotency k
     where k.operation = 'placeOrder' and json_extract(k.result, '$.orderId') is not null
       and not exists (select 1 from ${order}.orders o where o.id = unhex(replace(json_unquote(json_extract(k.result, '$.orderId')), '-', '')) and o.customer_id = k.owner_id)`,
    (row) => `a key of ${row['owner_']} answers ${row['operation']} with order ${row['id']}, which does not exist`,
  );
}
