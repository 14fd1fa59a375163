import { type Sql, insertRows, placeholders, run, select, toJson, write } from '../shared/database/database.ts';
import { appendOutbox } from '../shared/tables/outbox.ts';
import { idFromBytes, idToBytes, newId } from '../shared/values/ids.ts';
import { type JournalEntry, genesisHash, toEntry } from './domain/journal.ts';
import { evolve, paymentStatusOf } from './domain/order.ts';
import type { Actor, OrderEvent, PartPayment, PaymentHistory } from './domain/order-model.ts';
import type { Saga } from './domain/saga.ts';
import { toDomainEvents } from './events.ts';
import { giveBack } from './open-orders.ts';
import { toLine, toOrder, toSaga } from './rows.ts';
import type { StoredLine, StoredOrder } from './stored-order.ts';

/** Who changes an order, when, in which trace. */
export type Change = { readonly actor: Actor; readonly at: Date; readonly traceId: string };

/** Another process changed the order between reading and writing. The caller reads again and decides again. */
export class StaleOrderError extends Error {
  override readonly name = 'StaleOrderError';
}

/** An order that is about to be placed: its row before the first event. */
export type NewOrder = Omit<StoredOrder, 'seq' | 'lastHash' | 'version' | 'paymentStatus' | 'lines'> & {
  readonly lines: readonly Omit<StoredLine, 'orderId'>[];
};

/** Inserts order, lines and the first journal entry: three statements. Throws error 1062 for a number or reference in use. */
export async function insertOrder(tx: Sql, order: NewOrder, change: Change): Promise<StoredOrder> {
  const event: OrderEvent = {
    type: 'OrderPlaced',
    data: {
      type: order.type,
      totalMinor: order.totalMinor,
      currency: order.currency,
      lines: order.lines.map(({ productId, quantity }) => ({ productId, quantity })),
    },
  };
  const entry = toEntry(event, {
    id: newId(),
    orderId: order.id,
    seq: 1,
    previousHash: genesisHash,
    fromState: null,
    actor: change.actor,
    at: change.at,
    traceId: change.traceId,
  });
  const stored: StoredOrder = {
    ...order,
    seq: 1,
    version: 1,
    lastHash: entry.hash,
    paymentStatus: paymentStatusOf(order),
    lines: order.lines,
  };
  await insertRows(tx, 'orders', [
    {
      id: idToBytes(order.id),
      number: order.number,
      type: order.type,
      customer_id: idToBytes(order.customerId),
      state: order.state,
      payment_status: stored.paymentStatus,
      fulfilment_status: order.fulfilmentStatus,
      version: stored.version,
      seq: stored.seq,
      last_hash: stored.lastHash,
      currency: order.currency,
      subtotal_minor: order.subtotalMinor,
      total_minor: order.totalMinor,
      remark: order.remark,
      extension: order.extension === null ? null : JSON.stringify(order.extension),
      client_reference: order.clientReference,
      held_reference: order.heldReference,
      confirmation_code: order.confirmationCode,
      lapses_at: order.lapsesAt,
      open_units: order.openUnits,
      placed_from: order.placedFrom === null ? null : idToBytes(order.placedFrom),
      input_hash: order.inputHash,
      trace_id: order.traceId,
      placed_at: order.placedAt,
      expires_at: order.expiresAt,
      updated_at: change.at,
    },
  ]);
  await insertRows(tx, 'order_line', order.lines.map((line, position) => ({
    order_id: idToBytes(order.id),
    position,
    id: idToBytes(line.id),
    product_id: idToBytes(line.productId),
    seller_id: line.sellerId === null ? null : idToBytes(line.sellerId),
    sku: line.sku,
    kind: line.kind,
    title: line.title,
    subtitle: line.subtitle,
    cover: line.cover,
    quantity: line.quantity,
    unit_price_minor: line.unitPriceMinor,
    market_price_minor: line.marketPriceMinor,
    add_ons: JSON.stringify(line.addOns),
    subtotal_minor: line.subtotalMinor,
    needs_fulfilment: line.needsFulfilment ? 1 : 0,
    stay_from: line.stay?.from ?? null,
    stay_to: line.stay?.to ?? null,
    guests: line.stay?.guests ?? null,
  }))); // prettier-ignore
  await insertJournal(tx, [{ order, entries: [entry] }]);
  return stored;
}

async function insertJournal(
  tx: Sql,
  journals: readonly { order: Pick<StoredOrder, 'customerId'>; entries: readonly JournalEntry[] }[],
): Promise<void> {
  await insertRows(tx, 'order_event', journals.flatMap(({ order, entries }) => entries.map((entry) => ({
    order_id: idToBytes(entry.orderId),
    seq: entry.seq,
    id: idToBytes(entry.id),
    type: entry.type,
    from_state: entry.fromState,
    to_state: entry.toState,
    actor_type: entry.actor.type,
    actor_id: entry.actor.id,
    reason: entry.reason,
    data: entry.data === null ? null : JSON.stringify(entry.data),
    at: entry.at,
    trace_id: entry.traceId,
    hash: entry.hash,
    customer_id: idToBytes(order.customerId),
  })))); // prettier-ignore
}

/** The order after its events, and the journal entries that tell of them. Pure. */
export function applyEvents(
  order: StoredOrder,
  events: readonly OrderEvent[],
  change: Change,
): { order: StoredOrder; entries: readonly JournalEntry[] } {
  const entries: JournalEntry[] = [];
  let next = order;
  for (const event of events) {
    const entry = toEntry(event, {
      id: newId(),
      orderId: order.id,
      seq: next.seq + 1,
      previousHash: next.lastHash,
      fromState: next.state,
      actor: change.actor,
      at: change.at,
      traceId: change.traceId,
    });
    entries.push(entry);
    const failure = event.type === 'PlacingFailed' ? event.detail : next.failure;
    // An order that took nothing leaves its reference to the one that is placed in its stead.
    const heldReference = event.type === 'PlacingFailed' ? null : next.heldReference;
    next = { ...next, ...evolve(next, event, change.at), seq: entry.seq, lastHash: entry.hash, failure, heldReference };
  }
  return { order: { ...next, version: order.version + 1, updatedAt: change.at }, entries };
}

/**
 * Saves what `events` make of `before`: one UPDATE guarded by state and version, the journal, what else the events say,
 * and the outbox. Throws StaleOrderError when the guard finds another version.
 */
export async function saveOrder(
  tx: Sql,
  before: StoredOrder,
  events: readonly OrderEvent[],
  change: Change,
): Promise<StoredOrder> {
  const { order, entries } = applyEvents(before, events, change);
  const found = await write(
    tx,
    `update orders set state = ?, payment_status = ?, fulfilment_status = ?, version = ?, seq = ?, last_hash = ?, paid_minor = ?, refunded_minor = ?, authorized_minor = ?,
       expires_at = ?, pay_by = ?, held_reference = ?, remark = ?, failure = ?, cancel_reason = ?, paid_at = ?, completed_at = ?, closed_at = ?, archived_at = ?, updated_at = ?, advance_at = ?, advance_attempts = ?
     where id = ? and state = ? and version = ?`,
    [
      order.state, order.paymentStatus, order.fulfilmentStatus, order.version, order.seq, order.lastHash, order.paidMinor, order.refundedMinor, order.authorizedMinor,
      order.expiresAt, order.payBy, order.heldReference, order.remark,
      order.failure === null ? null : JSON.stringify(order.failure), order.cancelReason, order.paidAt, order.completedAt, order.closedAt, order.archivedAt, order.updatedAt, order.advanceAt, order.advanceAttempts,
      idToBytes(order.id), before.state, before.version,
    ],
    1,
  ); // prettier-ignore
  if (found !== 1) throw new StaleOrderError(`order ${order.id} is not at version ${before.version} any more`);
  await giveBack(tx, [before], [order]);
  await insertJournal(tx, [{ order, entries }]);
  for (const event of events) if (event.type === 'LinesFulfilled') await saveFulfilment(tx, order.id, event, change.at);
  await appendOutbox(tx, toDomainEvents(order, events, change));
  return order;
}

async function saveFulfilment(
  tx: Sql,
  orderId: string,
  event: Extract<OrderEvent, { type: 'LinesFulfilled' }>,
  at: Date,
): Promise<void> {
  await insertRows(tx, 'fulfilment', [
    {
      id: idToBytes(event.fulfilmentId),
      order_id: idToBytes(orderId),
      '`lines`': JSON.stringify(event.lines),
      tracking_number: event.trackingNumber,
      created_at: at,
    },
  ]);
  for (const { lineId, quantity } of event.lines) {
    await run(tx, 'update order_line set fulfilled_quantity = fulfilled_quantity + ? where order_id = ? and id = ?', [
      quantity,
      idToBytes(orderId),
      idToBytes(lineId),
    ]);
  }
}

const moneyEvents = "type in ('OrderPaid', 'PartPaymentReceived', 'PaymentRefused', 'RefundRecorded')";

/** What the order's journal knows of a payment. */
export async function findPaymentHistory(tx: Sql, orderId: string, paymentId: string): Promise<PaymentHistory> {
  const rows = await select(tx, `select type, data from order_event where order_id = ? and ${moneyEvents}`, [
    idToBytes(orderId),
  ]);
  const own = rows
    .map((row) => ({
      type: String(row['type']),
      ...toJson<{ paymentId: string; refundId?: string; amountMinor: number }>(row['data']),
    }))
    .filter((entry) => entry.paymentId === paymentId);
  const refunds = own.filter(({ type }) => type === 'RefundRecorded');
  return {
    received: own.length > refunds.length,
    refundIds: refunds.map(({ refundId }) => String(refundId)),
    refundedMinor: refunds.reduce((sum, { amountMinor }) => sum + BigInt(amountMinor), 0n),
  };
}

/** What came in for these orders without paying them, by order. */
async function findPartPayments(tx: Sql, orders: readonly StoredOrder[]): Promise<Map<string, PartPayment[]>> {
  const ids = orders.filter((order) => order.paidMinor > order.refundedMinor).map(({ id }) => idToBytes(id));
  if (ids.length === 0) return new Map();
  const rows = await select(
    tx,
    `select order_id, data from order_event where order_id in (${placeholders(ids)}) and type = 'PartPaymentReceived' order by order_id, seq`,
    ids,
  );
  const parts = new Map<string, PartPayment[]>();
  for (const row of rows) {
    const orderId = idFromBytes(row['order_id'] as Buffer);
    const { paymentId, amountMinor } = toJson<{ paymentId: string; amountMinor: number }>(row['data']);
    parts.set(orderId, [...(parts.get(orderId) ?? []), { paymentId, amountMinor: BigInt(amountMinor) }]);
  }
  return parts;
}

/** Saves many orders that each have the same kind of event, in five statements. `rows` must be locked by this transaction. */
export async function saveExpired(tx: Sql, rows: readonly StoredOrder[], change: Change): Promise<void> {
  if (rows.length === 0) return;
  const parts = await findPartPayments(tx, rows);
  const saved = rows.map((row) => {
    const own = parts.get(row.id);
    const events: readonly OrderEvent[] = [{ type: 'OrderExpired', ...(own ? { parts: own } : {}) }];
    return { ...applyEvents(row, events, change), events };
  });
  const ids = rows.map((row) => idToBytes(row.id));
  // The locked rows can't change, so one UPDATE serves all; only the hashes differ by row. By any other index it would lock
  // entries there before their rows, the other way round than everybody else.
  const cases = saved.map(() => 'when ? then ?').join(' ');
  const found = await write(
    tx,
    `update orders force index (primary) set state = 'EXPIRED', payment_status = case when paid_minor = 0 then 'VOIDED' else payment_status end, authorized_minor = 0, version = version + 1, seq = seq + 1,
       last_hash = case id ${cases} end, cancel_reason = 'PAYMENT_TIMEOUT', closed_at = ?, updated_at = ?
     where state = 'PENDING_PAYMENT' and id in (${placeholders(ids)})`,
    [...saved.flatMap(({ order }) => [idToBytes(order.id), order.lastHash]), change.at, change.at, ...ids],
  );
  if (found !== rows.length) throw new StaleOrderError('an order changed although its row was locked');
  await giveBack(
    tx,
    rows,
    saved.map(({ order }) => order),
  );
  await insertJournal(tx, saved);
  await appendOutbox(
    tx,
    saved.flatMap(({ order, events }) => toDomainEvents(order, events, change)),
  );
}

/** Reads and locks one order; null when there is none. */
export async function lockOrder(tx: Sql, orderId: string): Promise<StoredOrder | null> {
  const [row] = await select(tx, 'select * from orders where id = ? for update', [idToBytes(orderId)]);
  return row ? toOrder(row) : null;
}

/** The lines of these orders, in the orders' own sequence. */
export async function findLines(sql: Sql, orderIds: readonly string[]): Promise<StoredLine[]> {
  if (orderIds.length === 0) return [];
  return (
    await select(
      sql,
      `select * from order_line where order_id in (${placeholders(orderIds)}) order by order_id, position`,
      orderIds.map(idToBytes),
    )
  ).map(toLine);
}

/** Seconds for which a run of a saga belongs to one process. */
export const sagaLeaseSeconds = 8;

/** Inserts a saga that `owner` is running already. */
export async function insertSaga(tx: Sql, saga: Saga, owner: string): Promise<void> {
  await run(
    tx,
    `insert into saga (id, kind, order_id, state, steps, attempts, next_retry_at, last_error, lease_owner, lease_until, fence, created_at, finished_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, utc_timestamp(3) + interval ${sagaLeaseSeconds} second, 1, ?, ?)`,
    [
      idToBytes(saga.id),
      saga.kind,
      idToBytes(saga.orderId),
      saga.state,
      JSON.stringify(saga.steps),
      saga.attempts,
      saga.nextRetryAt,
      saga.lastError,
      idToBytes(owner),
      saga.createdAt,
      saga.finishedAt,
    ],
  );
}

/** Saves a saga under its fence; false when another process has taken it over since. */
export async function saveSaga(sql: Sql, saga: Saga, fence: number, keepLease: boolean): Promise<boolean> {
  const found = await write(
    sql,
    `update saga set state = ?, steps = ?, attempts = ?, next_retry_at = ?, last_error = ?, finished_at = ?,
       lease_until = ${keepLease ? `utc_timestamp(3) + interval ${sagaLeaseSeconds} second` : 'null'} where id = ? and fence = ?`,
    [
      saga.state,
      JSON.stringify(saga.steps),
      saga.attempts,
      saga.nextRetryAt,
      saga.lastError?.slice(0, 1024) ?? null,
      saga.finishedAt,
      idToBytes(saga.id),
      fence,
    ],
    1,
  );
  return found === 1;
}

/** Takes a saga over when nobody is running it: by conditional UPDATE on the database's clock, with a new fence. Null when somebody is. */
export async function claimSaga(
  sql: Sql,
  sagaId: string,
  owner: string,
): Promise<(Saga & { readonly fence: number }) | null> {
  const found = await write(
    sql,
    `update saga set lease_owner = ?, lease_until = utc_timestamp(3) + interval ${sagaLeaseSeconds} second, fence = fence + 1
     where id = ? and state in ('RUNNING', 'COMPENSATING') and (lease_until is null or lease_until < utc_timestamp(3))`,
    [idToBytes(owner), idToBytes(sagaId)],
  );
  if (found !== 1) return null;
  const [row] = await select(sql, 'select * from saga where id = ?', [idToBytes(sagaId)]);
  return row ? toSaga(row) : null;
}
