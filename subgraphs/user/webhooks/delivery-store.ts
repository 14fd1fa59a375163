import { sql as raw } from 'kysely';
import { readerOf, writerOf } from '../../shared/database/reader.ts';
import type { Sql } from '../../shared/database/statements.ts';
import { byIndex, change, find, prepare } from '../../shared/database/tables.ts';
import { idToBytes } from '../../shared/values/ids.ts';
import { insertInto, tables } from '../records.ts';
import { type DeliveryState, OutgoingDeliveryRecord } from './records.ts';

/** One event for one endpoint, and what became of it. */
export type Delivery = {
  readonly id: string;
  readonly endpointId: string;
  readonly eventId: string;
  readonly event: string;
  readonly subjectId: string;
  readonly place: number;
  /** Whose order it is; null where the event doesn't say. */
  readonly customerId: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly statusCode: number | null;
  readonly responseMs: number | null;
  readonly lastError: string | null;
  readonly createdAt: Date;
  readonly nextTryAt: Date | null;
  readonly giveUpAt: Date;
};

const read = readerOf(OutgoingDeliveryRecord);
const rowOf = writerOf(OutgoingDeliveryRecord);
const all = tables.selectFrom('outgoing_delivery').selectAll();
/** Not over: it goes out, or is given up. */
const open: DeliveryState[] = ['PENDING', 'FAILED'];

export const insertDeliveries = (tx: Sql, deliveries: readonly Delivery[]): Promise<void> =>
  insertInto(tx, 'outgoing_delivery', deliveries.map(rowOf)); // prettier-ignore

/** The last delivery to an endpoint about a subject; `waitsFor`: when the last one that is on its way was made, null without one. */
export type Last = Pick<Delivery, 'place'> & { readonly waitsFor: Date | null };

type Stream = { readonly endpointId: string; readonly subjectId: string };
const ofStream = ({ endpointId, subjectId }: Stream) =>
  tables
    .selectFrom('outgoing_delivery')
    .select(['place', 'created_at'])
    .where('endpoint_id', '=', idToBytes(endpointId))
    .where('subject_id', '=', idToBytes(subjectId));

/** An index by state reads all that waits for the endpoint. */
const byStream = (query: ReturnType<typeof ofStream>) =>
  byIndex(query, { table: 'outgoing_delivery', index: 'outgoing_delivery_subject' });

/**
 * The last delivery to an endpoint about a subject; null when there was none. What is on its way is locked: it is not over
 * before what is put behind it can be seen. After one was sent again by hand, that is not always the last.
 */
export async function lockLast(tx: Sql, stream: Stream): Promise<Last | null> {
  const [last] = await find(tx, ofStream(stream).orderBy('place', 'desc').limit(1).forUpdate());
  if (!last) return null;
  const onItsWay = ofStream(stream).where('state', 'in', open).orderBy('place', 'desc');
  const [waiting] = await find(tx, byStream(onItsWay.limit(1).forUpdate()));
  return { place: read(last).place, waitsFor: waiting ? read(waiting).createdAt : null };
}

const due = prepare<{ endpoint: Buffer; at: Date; limit: number }>()((param) =>
  all
    .where('endpoint_id', '=', param.endpoint)
    .where('next_try_at', '<=', param.at)
    .orderBy('next_try_at')
    .orderBy('id')
    .limit(param.limit)
    .forUpdate(),
);

/**
 * Claims deliveries that are due, the longest due first: until `until` they are this caller's, and due again then should it
 * die. Counts the attempt, whose number tells a caller that comes back too late from the next one.
 */
export async function claimDue(
  tx: Sql,
  claim: { endpointId: string; at: Date; until: Date; limit: number },
): Promise<Delivery[]> {
  const { endpointId, at, until, limit } = claim;
  const found = (await find(tx, due, { endpoint: idToBytes(endpointId), at, limit })).map((row) => read(row));
  if (found.length === 0) return [];
  await change(
    tx,
    tables
      .updateTable('outgoing_delivery')
      .set((eb) => ({ next_try_at: until, attempts: eb('attempts', '+', 1) }))
      .where('id', 'in', found.map(({ id }) => idToBytes(id))), // prettier-ignore
    found.length,
  );
  return found.map((delivery) => ({ ...delivery, attempts: delivery.attempts + 1, nextTryAt: until }));
}

/** How an attempt ended. */
export type Outcome = {
  readonly state: 'SENT' | 'FAILED' | 'DEAD';
  readonly statusCode: number | null;
  readonly responseMs: number;
  readonly lastError: string | null;
  /** Of FAILED only. */
  readonly nextTryAt: Date | null;
};

type EndRow = {
  id: Buffer; attempts: number; state: DeliveryState; statusCode: number | null; responseMs: number; lastError: string | null; nextTryAt: Date | null;
}; // prettier-ignore
const end = prepare<EndRow>()((param) =>
  tables
    .updateTable('outgoing_delivery')
    .set({
      state: param.state,
      status_code: param.statusCode,
      response_ms: param.responseMs,
      last_error: param.lastError,
      next_try_at: param.nextTryAt,
    })
    .where('id', '=', param.id)
    .where('attempts', '=', param.attempts)
    .where('state', 'in', open),
);
type ReleaseRow = { endpoint: Buffer; subject: Buffer; place: number; at: Date; giveUpAt: Date };
/** The next one is due, and has its days from now on, unless it was tried already: then it was sent by hand. */
const releaseNext = prepare<ReleaseRow>()((param) =>
  tables
    .updateTable('outgoing_delivery')
    .set({
      next_try_at: raw<Date>`case when attempts = 0 then ${param.at} else next_try_at end`,
      give_up_at: raw<Date>`case when attempts = 0 then ${param.giveUpAt} else give_up_at end`,
    })
    .where('endpoint_id', '=', param.endpoint)
    .where('subject_id', '=', param.subject)
    .where('place', '>', param.place)
    .where('state', 'in', open)
    .orderBy('place')
    .limit(1),
);

/**
 * Records how an attempt ended, unless a later one has begun. What waited behind a delivery that is over is due, and is given up
 * at `giveUpAt`.
 */
export async function endAttempt(
  tx: Sql,
  delivery: Delivery,
  outcome: Outcome,
  { at, giveUpAt }: { at: Date; giveUpAt: Date },
): Promise<void> {
  const { attempts, endpointId, subjectId, place } = delivery;
  if ((await change(tx, end, { ...outcome, id: idToBytes(delivery.id), attempts }, 1)) !== 1) return;
  if (outcome.state === 'FAILED') return;
  // Sent by hand before its turn: what is behind it waits for those before it.
  const before = ofStream(delivery).where('state', 'in', open).where('place', '<', place);
  if ((await find(tx, byStream(before.orderBy('place').limit(1)))).length > 0) return;
  const behind = { endpoint: idToBytes(endpointId), subject: idToBytes(subjectId), place };
  await change(tx, releaseNext, { ...behind, at, giveUpAt }, 'any');
}

/** What is on its way to an endpoint is given up at `giveUpAt` and no sooner: nothing went out while it was inactive. */
export async function renewDeliveries(tx: Sql, endpointId: string, giveUpAt: Date): Promise<void> {
  const renewed = tables.updateTable('outgoing_delivery').set({ give_up_at: giveUpAt }).where('state', 'in', open);
  await change(tx, renewed.where('endpoint_id', '=', idToBytes(endpointId)), 'any');
}

/** Sends a delivery once more, as if it had never been tried. */
export async function reopenDelivery(
  tx: Sql,
  id: string,
  { at, giveUpAt }: { at: Date; giveUpAt: Date },
): Promise<void> {
  const reopened = { state: 'PENDING' as const, next_try_at: at, give_up_at: giveUpAt };
  await change(tx, tables.updateTable('outgoing_delivery').set(reopened).where('id', '=', idToBytes(id)), 1);
}

/** As it is, locked until the transaction ends. */
export async function lockDelivery(tx: Sql, id: string): Promise<Delivery | null> {
  const [row] = await find(tx, all.where('id', '=', idToBytes(id)).forUpdate());
  return row ? read(row) : null;
}

export async function findDelivery(sql: Sql, id: string): Promise<Delivery | null> {
  const [row] = await find(sql, all.where('id', '=', idToBytes(id)));
  return row ? read(row) : null;
}

/** Deliveries of an endpoint by their events, the newest event first, after the one with the event `after`. */
export async function listDeliveries(
  sql: Sql,
  { endpointId, state }: { endpointId: string; state: DeliveryState | null },
  page: { limit: number; after: string | null },
): Promise<Delivery[]> {
  let deliveries = all.where('endpoint_id', '=', idToBytes(endpointId)).orderBy('event_id', 'desc').limit(page.limit);
  if (state !== null) deliveries = deliveries.where('state', '=', state);
  if (page.after !== null) deliveries = deliveries.where('event_id', '<', idToBytes(page.after));
  return (await find(sql, deliveries)).map((row) => read(row));
}

/** How many wait, by state. */
export async function countOpen(sql: Sql): Promise<{ state: DeliveryState; count: number }[]> {
  const counts = tables
    .selectFrom('webhook_endpoint as e')
    .innerJoin('outgoing_delivery as d', 'd.endpoint_id', 'e.id')
    .select((eb) => ['d.state', eb.fn.countAll<string>().as('count')])
    .where('d.state', 'in', open)
    .groupBy('d.state');
  return (await find(sql, counts)).map(({ state, count }) => ({ state, count: Number(count) }));
}

export const deleteDeliveries = (sql: Sql, before: Date, limit: number): Promise<number> =>
  change(sql, tables.deleteFrom('outgoing_delivery').where('created_at', '<', before).limit(limit));
