import { type Row, placeholders, toJson } from '../../subgraphs/shared/database/database.ts';
import type { AuditContext } from './context.ts';

const pageSize = 1_000;
type Quantities = readonly { readonly lineId: string; readonly quantity: number }[];

const textOf = (id: unknown): string => (id as Buffer).toString('hex');

/** I20: of each line as much counts as delivered as its deliveries say that were not cancelled, and never more than was bought. */
export async function auditDeliveries(context: AuditContext): Promise<string[]> {
  const order = context.schema('order');
  const wrong: string[] = [];
  for (let after: Buffer = Buffer.alloc(16); ;) {
    const orders = await context.select(
      `select id, number from ${order}.orders
       where id > ? and fulfilment_status not in ('NOT_REQUIRED', 'UNFULFILLED') order by id limit ${pageSize}`,
      [after],
    );
    const ids = orders.map((row) => row['id'] as Buffer);
    if (ids.length > 0) wrong.push(...(await wrongLines(context, orders, ids)));
    const last = ids.at(-1);
    if (!last || ids.length < pageSize) break;
    after = last;
  }
  const untouched = await context.select(
    `select o.number from ${order}.order_line l join ${order}.orders o on o.id = l.order_id
     where l.fulfilled_quantity <> 0 and o.fulfilment_status in ('NOT_REQUIRED', 'UNFULFILLED') limit 50`,
  );
  return [...wrong, ...untouched.map((row) => `order ${String(row['number'])}: pieces are delivered, but the order says that none is`)]; // prettier-ignore
}

async function wrongLines(context: AuditContext, orders: readonly Row[], ids: readonly Buffer[]): Promise<string[]> {
  const order = context.schema('order');
  const within = `order_id in (${placeholders(ids)})`;
  const fulfilments = await context.select(
    `select \`lines\` from ${order}.fulfilment where ${within} and cancelled_at is null`,
    ids,
  );
  const sent = new Map<string, number>();
  for (const { lineId, quantity } of fulfilments.flatMap((row) => toJson<Quantities>(row['lines']))) {
    const key = lineId.replaceAll('-', '');
    sent.set(key, (sent.get(key) ?? 0) + quantity);
  }
  const numbers = new Map(orders.map((row) => [textOf(row['id']), String(row['number'])]));
  const lines = await context.select(
    `select order_id, id, quantity, fulfilled_quantity from ${order}.order_line where ${within}`,
    ids,
  );
  return lines.flatMap((row) => {
    const delivered = Number(row['fulfilled_quantity']);
    const told = sent.get(textOf(row['id'])) ?? 0;
    if (delivered === told && delivered <= Number(row['quantity'])) return [];
    const number = numbers.get(textOf(row['order_id']));
    return [`order ${number}: ${delivered} of ${String(row['quantity'])} pieces of a line count as delivered, its deliveries have ${told}`]; // prettier-ignore
  });
}
