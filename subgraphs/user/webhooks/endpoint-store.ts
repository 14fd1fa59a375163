import { sql as raw } from 'kysely';
import { readerOf, writerOf } from '../../shared/database/reader.ts';
import type { Sql } from '../../shared/database/statements.ts';
import { change, find, prepare } from '../../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';
import { insertInto, tables } from '../records.ts';
import { WebhookEndpointRecord } from './records.ts';

/** An endpoint as it is kept. */
export type Endpoint = {
  readonly id: string;
  /** The merchant; null for the platform. */
  readonly ownerId: string | null;
  readonly url: string;
  readonly events: readonly string[];
  readonly description: string | null;
  readonly active: boolean;
  readonly disabledReason: string | null;
  /** Sealed. */
  readonly secret: string;
  readonly secretHint: string;
  readonly previousSecret: string | null;
  readonly previousUntil: Date | null;
  readonly failingSince: Date | null;
  readonly failures: number;
  readonly pausedUntil: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

const read = readerOf(WebhookEndpointRecord);
const rowOf = writerOf(WebhookEndpointRecord);

const all = tables.selectFrom('webhook_endpoint as e').selectAll('e');
/** Its owner may still hear of anything: the platform, or a merchant who can sign in. */
const hasStanding = raw<boolean>`(e.owner_id is null or exists (
  select 1 from user_account u where u.id = e.owner_id and u.status = 'ACTIVE' and find_in_set('MERCHANT', u.roles) > 0))`;

const isReady = (at: Date) => raw<boolean>`e.active = 1 and (e.paused_until is null or e.paused_until <= ${at})`;

/** Endpoints of a merchant, or of the platform (null), the oldest first. */
export async function listEndpoints(sql: Sql, ownerId: string | null): Promise<Endpoint[]> {
  const own = ownerId === null ? all.where('owner_id', 'is', null) : all.where('owner_id', '=', idToBytes(ownerId));
  return (await find(sql, own.orderBy('id'))).map((row) => read(row));
}

export async function findEndpoint(sql: Sql, id: string): Promise<Endpoint | null> {
  const [row] = await find(sql, all.where('id', '=', idToBytes(id)));
  return row ? read(row) : null;
}

/** As `findEndpoint`, locked until the transaction ends. */
export async function lockEndpoint(tx: Sql, id: string): Promise<Endpoint | null> {
  const [row] = await find(tx, all.where('id', '=', idToBytes(id)).forUpdate());
  return row ? read(row) : null;
}

/** What is asked of an endpoint to know which events are for it. */
export type Listener = Pick<Endpoint, 'id' | 'ownerId' | 'events'>;

const maxOwn = 20;
const activeOnes = prepare<{ limit: number }>()((param) =>
  tables
    .selectFrom('webhook_endpoint')
    .select(['id', 'owner_id', 'events'])
    .where('active', '=', true)
    .orderBy('owner_id', 'desc')
    .limit(param.limit),
);

/** All active endpoints, where they are few and the platform's own; null where each order's merchant may have one. */
export async function findOwnListeners(sql: Sql): Promise<Listener[] | null> {
  const active = (await find(sql, activeOnes, { limit: maxOwn + 1 })).map((row) => read(row));
  return active.length <= maxOwn && active.every(({ ownerId }) => ownerId === null) ? active : null;
}

/** Active endpoints that may hear of an order: the platform's, and those of the merchant who sells all of it. */
export async function findListeners(sql: Sql, orderId: string): Promise<Listener[]> {
  const seller = tables.selectFrom('order_seller').select('seller_id').where('order_id', '=', idToBytes(orderId));
  const listeners = tables
    .selectFrom('webhook_endpoint as e')
    .select(['e.id', 'e.owner_id', 'e.events'])
    .where('e.active', '=', true)
    .where((eb) => eb.or([eb('e.owner_id', 'is', null), eb('e.owner_id', '=', seller)]))
    .where(hasStanding);
  return (await find(sql, listeners)).map((row) => read(row));
}

/** An endpoint that may be sent something at `at`; null for one that is gone, inactive or paused. */
export async function findReady(sql: Sql, id: string, at: Date): Promise<Endpoint | null> {
  const ready = all.where('e.id', '=', idToBytes(id)).where(isReady(at)).where(hasStanding);
  const [row] = await find(sql, ready);
  return row ? read(row) : null;
}

/** When an endpoint's first delivery is due: the first entry of an index. With `exists` or `min` all that waits would be read. */
const firstTry = raw<Date | null>`(select d.next_try_at from outgoing_delivery d
  where d.endpoint_id = e.id and d.next_try_at is not null order by d.next_try_at limit 1)`;

/** Ids of active endpoints that have deliveries due at `at` and are not paused. */
export async function findDueEndpoints(sql: Sql, at: Date): Promise<string[]> {
  const due = tables
    .selectFrom('webhook_endpoint as e')
    .select('e.id')
    .where(isReady(at))
    .where(hasStanding)
    .where(firstTry, '<=', at);
  return (await find(sql, due)).map(({ id }) => idFromBytes(id));
}

/** When the first delivery of an active endpoint is due; null when none is. */
export async function findFirstDue(sql: Sql): Promise<Date | null> {
  const rows = await find(
    sql,
    tables
      .selectFrom('webhook_endpoint as e')
      .select(['e.paused_until', firstTry.as('next_try_at')])
      .where('e.active', '=', true)
      .where(hasStanding),
  );
  const times = rows.flatMap((row) => {
    const { pausedUntil } = read(row);
    const dueAt = readTime(row.next_try_at);
    return dueAt === null ? [] : [Math.max(dueAt.getTime(), pausedUntil?.getTime() ?? 0)];
  });
  return times.length === 0 ? null : new Date(Math.min(...times));
}

const readTime = (value: unknown): Date | null => read({ paused_until: value }).pausedUntil;

export const insertEndpoint = (tx: Sql, endpoint: Endpoint): Promise<void> =>
  insertInto(tx, 'webhook_endpoint', [rowOf(endpoint)]);

/** Of an endpoint that is locked. */
export async function updateEndpoint(tx: Sql, endpoint: Endpoint): Promise<void> {
  const { id, created_at: _, ...fields } = rowOf(endpoint);
  await change(tx, tables.updateTable('webhook_endpoint').set(fields).where('id', '=', id), 1);
}

export async function deleteEndpoint(tx: Sql, id: string): Promise<void> {
  await change(tx, tables.deleteFrom('webhook_endpoint').where('id', '=', idToBytes(id)), 1);
}

/**
 * Notes that a delivery failed, and pauses the endpoint: `untilOf` gives the end by how many pauses came before, null for no
 * pause. Deliveries that were under way together count once. What the endpoint is now; null where it is gone, or has another URL
 * than the delivery went to, of which the answer says nothing.
 */
export async function noteFailed(
  tx: Sql,
  { id, url }: Pick<Endpoint, 'id' | 'url'>,
  at: Date,
  untilOf: ((failures: number) => Date) | null,
): Promise<Endpoint | null> {
  const endpoint = await lockEndpoint(tx, id);
  if (endpoint?.url !== url) return null;
  const failing = { ...endpoint, failingSince: endpoint.failingSince ?? at };
  const isPaused = endpoint.pausedUntil !== null && endpoint.pausedUntil > at;
  if ((untilOf === null || isPaused) && endpoint.failingSince !== null) return endpoint;
  const noted =
    untilOf && !isPaused
      ? { ...failing, failures: endpoint.failures + 1, pausedUntil: untilOf(endpoint.failures) }
      : failing;
  await updateEndpoint(tx, noted);
  return noted;
}

/** A delivery has succeeded: the endpoint fails no longer. */
export async function resumeEndpoint(tx: Sql, { id, url }: Pick<Endpoint, 'id' | 'url'>): Promise<void> {
  const resumed = { failing_since: null, failures: 0, paused_until: null };
  const same = tables.updateTable('webhook_endpoint').set(resumed).where('id', '=', idToBytes(id));
  await change(tx, same.where('url', '=', url), 'any');
}

export async function noteSeller(tx: Sql, order: { orderId: string; sellerId: string; at: Date }): Promise<void> {
  const row = { order_id: idToBytes(order.orderId), seller_id: idToBytes(order.sellerId), created_at: order.at };
  await change(tx, tables.insertInto('order_seller').values(row).onDuplicateKeyUpdate({ seller_id: row.seller_id }), 'any'); // prettier-ignore
}

export const deleteSellers = (sql: Sql, before: Date, limit: number): Promise<number> =>
  change(sql, tables.deleteFrom('order_seller').where('created_at', '<', before).limit(limit));
