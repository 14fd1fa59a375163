import { sql as raw } from 'kysely';
import { readerOf } from '../shared/database/reader.ts';
import type { Row, Sql } from '../shared/database/statements.ts';
import { change, findMany, prepare } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { Movement, MovementType } from './domain/stock.ts';
import { StockMovementRecord, tables } from './records.ts';

/** Who moves stock, and why; goes into the ledger. */
export type Cause = { readonly actor: string; readonly reason: string; readonly sagaBranch?: string | null };

/** A value that the ledger's row has, beside what is read from the counters. */
export const given = <T>(value: T) => raw<T>`${value}`;

const insertChange = prepare<{ product: Buffer; type: MovementType; delta: number; actor: string; reason: string }>()(
  (param) =>
    tables
      .insertInto('stock_movement')
      .columns(['product_id', 'seq', 'type', 'on_hand_delta', 'allocated_delta', 'on_hand_after', 'allocated_after', 'actor', 'reason', 'at'])
      .expression(
        tables
          .selectFrom('stock')
          .select(['product_id', 'version', given(param.type).as('type'), given(param.delta).as('delta'), raw<number>`0`.as('none'), 'on_hand', 'allocated', given(param.actor).as('actor'), given(param.reason).as('reason'), 'updated_at'])
          .where('product_id', '=', param.product),
      ), // prettier-ignore
);

/** The ledger's row for a change by hand that this transaction has just made. */
export async function recordChange(
  tx: Sql,
  made: { productId: string; type: MovementType; onHandDelta: number },
  { actor, reason }: Cause,
): Promise<void> {
  const row = { product: idToBytes(made.productId), type: made.type, delta: made.onHandDelta, actor, reason };
  await change(tx, insertChange, row, 'any');
}

type Move = {
  order: Buffer;
  type: MovementType;
  onHandSign: number;
  allocatedSign: number;
  branch: string | null;
  actor: string;
  reason: string;
};
const insertMovements = prepare<Move>()(
  (param) =>
  tables
    .insertInto('stock_movement')
    .columns(['product_id', 'seq', 'type', 'on_hand_delta', 'allocated_delta', 'on_hand_after', 'allocated_after', 'reservation_id', 'order_id', 'saga_branch', 'actor', 'reason', 'at'])
    .expression(
      tables
        .selectFrom('stock_reservation as r')
        .innerJoin('stock as s', 's.product_id', 'r.product_id')
        .select(['s.product_id', 's.version', given(param.type).as('type'), raw<number>`${param.onHandSign} * r.quantity`.as('on_hand_delta'), raw<number>`${param.allocatedSign} * r.quantity`.as('allocated_delta'), 's.on_hand', 's.allocated', 'r.id', 'r.order_id', given(param.branch).as('branch'), given(param.actor).as('actor'), given(param.reason).as('reason'), 's.updated_at'])
        .where('r.order_id', '=', param.order),
    ), // prettier-ignore
);

/** The ledger's rows for all of an order's reservations, whose counters this transaction has just changed. One statement. */
export async function recordOrderMovements(
  tx: Sql,
  { orderId, ...move }: { orderId: string; type: MovementType; onHandSign: number; allocatedSign: number },
  { actor, reason, sagaBranch = null }: Cause,
): Promise<void> {
  await change(tx, insertMovements, { order: idToBytes(orderId), ...move, branch: sagaBranch, actor, reason }, 'any');
}

const movementOf = readerOf(StockMovementRecord);
const ofProduct = (productId: string) =>
  tables.selectFrom('stock_movement').selectAll('stock_movement').where('product_id', '=', idToBytes(productId));

export type MovementKey = { readonly productId: string; readonly seq: number };

/** These movements, in the order of the keys. */
export async function movementsByKeys(sql: Sql, keys: readonly MovementKey[]): Promise<Movement[]> {
  const statements = keys.map(({ productId, seq }) => ofProduct(productId).where('seq', '=', seq));
  return (await findMany(sql, statements)).flat().map((row) => movementOf(row));
}

export type MovementPage = { readonly productId: string; readonly beforeSeq: number | null; readonly limit: number };

/** Pages of the ledgers of several products, newest first, in one statement. */
export async function movementPages(sql: Sql, pages: readonly MovementPage[]): Promise<Movement[][]> {
  const statements = pages.map(({ productId, beforeSeq, limit }) => {
    const all = ofProduct(productId);
    return (beforeSeq === null ? all : all.where('seq', '<', beforeSeq)).orderBy('seq', 'desc').limit(limit);
  });
  return (await findMany(sql, statements)).map((rows) => rows.map((row) => movementOf(row)));
}

export type AuditRow = {
  readonly productId: string;
  readonly expectedOnHand: number;
  readonly expectedAllocated: number;
  readonly actualOnHand: number;
  readonly actualAllocated: number;
  readonly consistent: boolean;
};

/** Products that one audit lists at most. */
export const maxAudited = 1_000;

/**
 * Replays the ledger of one product, or of all with the inconsistent ones first. One statement, thus one snapshot: orders
 * that go on meanwhile don't look like a mistake.
 */
export async function auditStock(sql: Sql, productId: string | null): Promise<AuditRow[]> {
  const only = (condition: string) => (productId === null ? '' : condition);
  const id = productId === null ? [] : [idToBytes(productId)];
  const rows = await sql.rows(
    `select s.product_id, s.on_hand, s.allocated, coalesce(m.on_hand, 0) as expected_on_hand, coalesce(m.allocated, 0) as expected_allocated,
       s.on_hand = coalesce(m.on_hand, 0) and s.allocated = coalesce(m.allocated, 0) and s.version = coalesce(m.movements, 0)
         and s.version = coalesce(m.last_seq, 0) and coalesce(m.broken, 0) = 0 and s.allocated = coalesce(r.held, 0) as consistent
     from stock s
     left join (
       select product_id, sum(on_hand_delta) as on_hand, sum(allocated_delta) as allocated, count(*) as movements, max(seq) as last_seq,
         sum(on_hand_after <> running_on_hand or allocated_after <> running_allocated) as broken
       from (
         select product_id, seq, on_hand_delta, allocated_delta, on_hand_after, allocated_after,
           sum(on_hand_delta) over (partition by product_id order by seq) as running_on_hand,
           sum(allocated_delta) over (partition by product_id order by seq) as running_allocated
         from stock_movement ${only('where product_id = ?')}
       ) ledger group by product_id
     ) m on m.product_id = s.product_id
     left join (
       select product_id, sum(quantity) as held from stock_reservation where state = 'HELD' ${only('and product_id = ?')} group by product_id
     ) r on r.product_id = s.product_id
     ${only('where s.product_id = ?')}
     order by consistent, s.product_id limit ${maxAudited}`,
    [...id, ...id, ...id],
  );
  return rows.map(auditRowOf);
}

/**
 * As `auditStock` for what is booked by nights: a product's figures are the sums over its nights, and it is consistent when
 * each of them is: its ledger replays to its counters, what is allocated is held, and what is not on hand was sold.
 */
export async function auditNights(sql: Sql, productId: string | null): Promise<AuditRow[]> {
  const only = (condition: string) => (productId === null ? '' : condition);
  const id = productId === null ? [] : [idToBytes(productId)];
  const rows = await sql.rows(
    `select n.product_id, sum(n.on_hand) as on_hand, sum(n.allocated) as allocated,
       sum(coalesce(m.on_hand, 0)) as expected_on_hand, sum(coalesce(m.allocated, 0)) as expected_allocated,
       min(n.on_hand = coalesce(m.on_hand, 0) and n.allocated = coalesce(m.allocated, 0) and n.version = coalesce(m.movements, 0)
         and n.version = coalesce(m.last_seq, 0) and coalesce(m.broken, 0) = 0
         and n.allocated = coalesce(r.held, 0) and n.capacity - n.on_hand = coalesce(r.sold, 0)) as consistent
     from night n
     left join (
       select product_id, night, sum(on_hand_delta) as on_hand, sum(allocated_delta) as allocated, count(*) as movements, max(seq) as last_seq,
         sum(on_hand_after <> running_on_hand or allocated_after <> running_allocated) as broken
       from (
         select product_id, night, seq, on_hand_delta, allocated_delta, on_hand_after, allocated_after,
           sum(on_hand_delta) over (partition by product_id, night order by seq) as running_on_hand,
           sum(allocated_delta) over (partition by product_id, night order by seq) as running_allocated
         from night_movement ${only('where product_id = ?')}
       ) ledger group by product_id, night
     ) m on m.product_id = n.product_id and m.night = n.night
     left join (
       select o.product_id, o.night, sum(if(s.state = 'HELD', o.quantity, 0)) as held, sum(if(s.state = 'COMMITTED', o.quantity, 0)) as sold
       from night_reservation o join stock_reservation s on s.order_id = o.order_id and s.product_id = o.product_id
       ${only('where o.product_id = ?')} group by o.product_id, o.night
     ) r on r.product_id = n.product_id and r.night = n.night
     ${only('where n.product_id = ?')}
     group by n.product_id order by consistent, n.product_id limit ${maxAudited}`,
    [...id, ...id, ...id],
  );
  return rows.map(auditRowOf);
}

const auditRowOf = (row: Row): AuditRow => ({
  productId: idFromBytes(row['product_id'] as Buffer),
  expectedOnHand: Number(row['expected_on_hand']),
  expectedAllocated: Number(row['expected_allocated']),
  actualOnHand: Number(row['on_hand']),
  actualAllocated: Number(row['allocated']),
  consistent: Number(row['consistent']) === 1,
});
