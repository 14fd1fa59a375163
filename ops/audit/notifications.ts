import { type AuditContext, broken } from './context.ts';

/** Events that always tell their customer something, by the service whose they are; a condition where not all of them do. */
const telling: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  order: {
    'order.paid': 'true',
    'order.shipped': 'true',
    'order.delivered': 'true',
    'order.return_decided': 'true',
    'order.closed': "json_unquote(json_extract(o.data, '$.state')) in ('CANCELLED', 'EXPIRED')",
  },
  payment: { 'payment.refunded': 'true' },
};

/**
 * I22: each event that tells a customer something, and was handled, has its one record (a unique index holds that there are not
 * two), and each message that is out, or given up, carries no code and no address any more.
 */
export async function auditNotifications(context: AuditContext): Promise<string[]> {
  const user = context.schema('user');
  const findings: string[] = [];
  for (const [service, types] of Object.entries(telling)) {
    for (const [type, condition] of Object.entries(types)) {
      const sql = `select hex(o.id) id from ${context.schema(service)}.outbox o
        join ${user}.inbox i on i.event_id = o.id
        join ${user}.user_account a on a.id = unhex(replace(json_unquote(json_extract(o.data, '$.customerId')), '-', ''))
        left join ${user}.notification n on n.event_id = o.id and n.user_id = a.id
        where o.type = '${type}' and a.status in ('ACTIVE', 'SUSPENDED') and ${condition} and n.id is null`;
      findings.push(
        ...(await broken(context, sql, (row) => `${type} ${row['id']} was handled, and its customer not told`)),
      );
    }
  }
  const kept = `select hex(notification_id) id, channel from ${user}.notification_delivery
    where state in ('SENT', 'DEAD') and (secret is not null or address is not null or next_try_at is not null)`;
  findings.push(
    ...(await broken(context, kept, (row) => `${row['channel']} of ${row['id']} is over and keeps what it carried`)),
  );
  return findings;
}
