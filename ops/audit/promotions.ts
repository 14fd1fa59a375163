import { toJson } from '../../subgraphs/shared/database/database.ts';
import { idFromBytes } from '../../subgraphs/shared/values/ids.ts';
import { type AuditContext, broken } from './context.ts';

const pageSize = 2_000;

/** I13: a promotion counts just the orders that have it, in all and by customer, and never more than it may. */
export async function auditPromotions(context: AuditContext): Promise<string[]> {
  const order = context.schema('order');
  const above = await broken(
    context,
    `select name, used, usage_limit from ${order}.promotion where used > usage_limit`,
    (row) => `promotion ${row['name']} is used ${row['used']} times, ${row['usage_limit']} are allowed`,
  );
  const uses = await usesOfOrders(context);
  const wrong = [
    ...(await differing(context, uses, `select id promotion_id, null customer_id, used from ${order}.promotion`)),
    ...(await differing(context, uses, `select promotion_id, customer_id, used from ${order}.promotion_customer`)),
  ];
  const unknown = [...uses].map(([key, count]) => `${key}: ${count} orders have it, and nothing counts them`);
  return [...above, ...wrong, ...unknown];
}

const keyOf = (promotionId: string, customerId: string | null): string =>
  `promotion ${promotionId}${customerId === null ? '' : ` of customer ${customerId}`}`;

/** How many orders that are neither closed nor given back have each promotion, in all and by customer. */
async function usesOfOrders(context: AuditContext): Promise<Map<string, number>> {
  const uses = new Map<string, number>();
  let after: Buffer = Buffer.alloc(16);
  for (;;) {
    const rows = await context.select(
      `select id, customer_id, promotion_ids from ${context.schema('order')}.orders
       where promotion_ids is not null and state not in ('CANCELLED', 'EXPIRED', 'FAILED', 'REFUNDED') and id > ? order by id limit ${pageSize}`,
      [after],
    );
    for (const row of rows) {
      const customerId = idFromBytes(row['customer_id'] as Buffer);
      for (const promotionId of toJson<readonly string[]>(row['promotion_ids']))
        for (const key of [keyOf(promotionId, null), keyOf(promotionId, customerId)])
          uses.set(key, (uses.get(key) ?? 0) + 1);
    }
    const last = rows.at(-1);
    if (!last || rows.length < pageSize) return uses;
    after = last['id'] as Buffer;
  }
}

/** Counters that count something else than the orders. What they count is taken out of `uses`. */
async function differing(context: AuditContext, uses: Map<string, number>, counters: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const row of await context.select(counters)) {
    const customer = row['customer_id'] as Buffer | null;
    const key = keyOf(idFromBytes(row['promotion_id'] as Buffer), customer === null ? null : idFromBytes(customer));
    const [counted, found] = [Number(row['used']), uses.get(key) ?? 0];
    if (counted !== found) wrong.push(`${key}: ${counted} uses are counted, ${found} orders have it`);
    uses.delete(key);
  }
  return wrong;
}
