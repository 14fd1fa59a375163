import { type AuditContext, type TextRow, broken } from './context.ts';

/** I1: `on_hand ≥ allocated ≥ 0`; allocated is the sum of what is held; the counters are the replay of the movements. */
export async function auditStock(context: AuditContext): Promise<string[]> {
  const product = context.schema('product');
  const bounds = await broken(
    context,
    `select hex(product_id) id, on_hand, allocated from ${product}.stock where allocated < 0 or on_hand < allocated`,
    (row) => `product ${row['id']}: ${row['allocated']} allocated of ${row['on_hand']} on hand`,
  );
  const held = await broken(
    context,
    `select hex(s.product_id) id, s.allocated, coalesce(h.quantity, 0) held from ${product}.stock s
     left join (select product_id, sum(quantity) quantity from ${product}.stock_reservation where state = 'HELD' group by product_id) h using (product_id)
     where s.allocated <> coalesce(h.quantity, 0)`,
    (row) => `product ${row['id']}: ${row['allocated']} allocated, ${row['held']} held by reservations`,
  );
  const replay = await broken(
    context,
    `select hex(s.product_id) id, s.on_hand, s.allocated, coalesce(m.on_hand, 0) moved_on_hand, coalesce(m.allocated, 0) moved_allocated, coalesce(m.rows_, 0) rows_, coalesce(m.last_, 0) last_
     from ${product}.stock s
     left join (select product_id, sum(on_hand_delta) on_hand, sum(allocated_delta) allocated, count(*) rows_, max(seq) last_ from ${product}.stock_movement group by product_id) m using (product_id)
     where s.on_hand <> coalesce(m.on_hand, 0) or s.allocated <> coalesce(m.allocated, 0) or coalesce(m.rows_, 0) <> coalesce(m.last_, 0)`,
    (row) =>
      `product ${row['id']}: counters ${row['on_hand']}/${row['allocated']}, movements replayed ${row['moved_on_hand']}/${row['moved_allocated']}, ${row['rows_']} movements up to seq ${row['last_']}`,
  );
  const running = await broken(
    context,
    `select hex(product_id) id, seq from (
       select product_id, seq, on_hand_after, allocated_after,
         sum(on_hand_delta) over w on_hand, sum(allocated_delta) over w allocated
       from ${product}.stock_movement window w as (partition by product_id order by seq)
     ) replayed where on_hand <> on_hand_after or allocated <> allocated_after`,
    (row) => `product ${row['id']}: movement ${row['seq']} does not lead to the balance that it tells`,
  );
  return [...bounds, ...held, ...replay, ...running];
}

/** I1 for nights: held and sold rooms are those of the orders and no more than there are; the counters are the replay of the movements. */
export async function auditNights(context: AuditContext): Promise<string[]> {
  const product = context.schema('product');
  const name = (row: TextRow) => `product ${row['id']}, night of ${row['night']}`;
  const bounds = await broken(
    context,
    `select hex(product_id) id, night, capacity, on_hand, allocated from ${product}.night where allocated < 0 or on_hand < allocated or capacity < on_hand`,
    (row) => `${name(row)}: ${row['allocated']} held of ${row['on_hand']} unsold of ${row['capacity']} rooms`,
  );
  const booked = await broken(
    context,
    `select hex(n.product_id) id, n.night, n.allocated, n.capacity - n.on_hand sold_, coalesce(b.held, 0) held, coalesce(b.sold, 0) sold from ${product}.night n
     left join (
       select o.product_id, o.night, sum(if(r.state = 'HELD', o.quantity, 0)) held, sum(if(r.state = 'COMMITTED', o.quantity, 0)) sold
       from ${product}.night_reservation o join ${product}.stock_reservation r on r.order_id = o.order_id and r.product_id = o.product_id group by o.product_id, o.night
     ) b on b.product_id = n.product_id and b.night = n.night
     where n.allocated <> coalesce(b.held, 0) or n.capacity - n.on_hand <> coalesce(b.sold, 0)`,
    (row) =>
      `${name(row)}: ${row['allocated']} held and ${row['sold_']} sold, by reservations ${row['held']} and ${row['sold']}`,
  );
  const replay = await broken(
    context,
    `select hex(n.product_id) id, n.night, n.on_hand, n.allocated, coalesce(m.on_hand, 0) moved_on_hand, coalesce(m.allocated, 0) moved_allocated, coalesce(m.rows_, 0) rows_, coalesce(m.last_, 0) last_
     from ${product}.night n
     left join (select product_id, night, sum(on_hand_delta) on_hand, sum(allocated_delta) allocated, count(*) rows_, max(seq) last_ from ${product}.night_movement group by product_id, night) m
       on m.product_id = n.product_id and m.night = n.night
     where n.on_hand <> coalesce(m.on_hand, 0) or n.allocated <> coalesce(m.allocated, 0) or coalesce(m.rows_, 0) <> coalesce(m.last_, 0)`,
    (row) =>
      `${name(row)}: counters ${row['on_hand']}/${row['allocated']}, movements replayed ${row['moved_on_hand']}/${row['moved_allocated']}, ${row['rows_']} movements up to seq ${row['last_']}`,
  );
  const running = await broken(
    context,
    `select hex(product_id) id, night, seq from (
       select product_id, night, seq, on_hand_after, allocated_after,
         sum(on_hand_delta) over w on_hand, sum(allocated_delta) over w allocated
       from ${product}.night_movement window w as (partition by product_id, night order by seq)
     ) replayed where on_hand <> on_hand_after or allocated <> allocated_after`,
    (row) => `${name(row)}: movement ${row['seq']} does not lead to the balance that it tells`,
  );
  return [...bounds, ...booked, ...replay, ...running];
}

/**
 * Reservations agree with their orders: as many units as its lines, held while payable, committed once paid, given back
 * once closed. None is without an order, and no order that has or had stock is without one.
 */
export async function auditReservations(context: AuditContext): Promise<string[]> {
  const [product, order] = [context.schema('product'), context.schema('order')];
  const settled = (column: string) => `${column} < utc_timestamp(3) - interval ${context.graceSeconds} second`;
  // A booking that was refunded before there was REFUNDED left its nights to others and stayed PAID.
  const returned = "(o.state = 'PAID' and o.lapses_at is not null and o.refunded_minor >= o.paid_minor)";
  const states = await broken(
    context,
    `select o.number, o.state, r.state reservation from ${product}.stock_reservation r join ${order}.orders o on o.id = r.order_id
     where ${settled('o.updated_at')} and not (
       (r.state = 'HELD' and o.state in ('PLACING', 'PENDING_PAYMENT'))
       or (r.state = 'COMMITTED' and o.state in ('PAID', 'PROCESSING', 'COMPLETED', 'LAPSED', 'NEEDS_ATTENTION')
         and not ${returned})
       or (r.state = 'RELEASED' and ${returned})
       or (r.state in ('RELEASED', 'EXPIRED') and o.state in ('CANCELLED', 'EXPIRED', 'FAILED', 'REFUNDED')))`,
    (row) => `order ${row['number']} is ${row['state']}, its reservation ${row['reservation']}`,
  );
  const strangers = await broken(
    context,
    `select hex(r.order_id) id, r.quantity from ${product}.stock_reservation r left join ${order}.orders o on o.id = r.order_id
     where o.id is null and ${settled('r.created_at')}`,
    (row) => `${row['quantity']} units are reserved for order ${row['id']}, which does not exist`,
  );
  const units = await broken(
    context,
    `select o.number, o.state, l.quantity, r.quantity reserved from ${order}.orders o
     join (select order_id, product_id, sum(quantity - cancelled_quantity) quantity from ${order}.order_line group by order_id, product_id) l on l.order_id = o.id
     left join ${product}.stock_reservation r on r.order_id = l.order_id and r.product_id = l.product_id
     where o.state in ('PENDING_PAYMENT', 'PAID', 'PROCESSING', 'COMPLETED', 'LAPSED', 'NEEDS_ATTENTION') and ${settled('o.updated_at')}
       and coalesce(r.quantity, 0) <> l.quantity`,
    (row) => `order ${row['number']} is ${row['state']} with ${row['quantity']} units, reserved are ${row['reserved']}`,
  );
  const stays = await broken(
    context,
    `select o.number, o.state, l.nights, coalesce(n.nights, 0) reserved from ${order}.orders o
     join (
       select order_id, product_id, sum(coalesce((quantity - cancelled_quantity) * datediff(stay_to, stay_from), 0)) nights from ${order}.order_line group by order_id, product_id
     ) l on l.order_id = o.id
     left join (select order_id, product_id, sum(quantity) nights from ${product}.night_reservation group by order_id, product_id) n
       on n.order_id = l.order_id and n.product_id = l.product_id
     where o.state in ('PENDING_PAYMENT', 'PAID', 'PROCESSING', 'COMPLETED', 'LAPSED', 'NEEDS_ATTENTION') and ${settled('o.updated_at')}
       and l.nights <> coalesce(n.nights, 0)`,
    (row) =>
      `order ${row['number']} is ${row['state']} with ${row['nights']} room nights, reserved are ${row['reserved']}`,
  );
  return [...states, ...strangers, ...units, ...stays];
}
