import { type Row, toDate, toJson } from '../../subgraphs/shared/database/database.ts';
import { idFromBytes } from '../../subgraphs/shared/values/ids.ts';
import { type JournalEntry, genesisHash, isIntact, withoutErasing } from '../../subgraphs/order/domain/journal.ts';
import { type AuditContext, broken } from './context.ts';

const pageSize = 2_000;

/** I3: no order is paid and closed as well, unless all of its money went back. */
export async function auditPaidOrders(context: AuditContext): Promise<string[]> {
  const order = context.schema('order');
  return broken(
    context,
    `select number, state, paid_minor, refunded_minor, total_minor from ${order}.orders
     where updated_at < utc_timestamp(3) - interval ${context.graceSeconds} second and (
       (state in ('CANCELLED', 'EXPIRED', 'FAILED', 'REFUNDED') and paid_minor <> refunded_minor)
       or (state = 'REFUNDED' and paid_minor = 0)
       or (state in ('PAID', 'PROCESSING', 'COMPLETED', 'LAPSED') and paid_minor - refunded_minor > total_minor)
       or (state in ('PAID', 'PROCESSING', 'COMPLETED', 'LAPSED') and paid_minor < total_minor)
       or (state = 'PENDING_PAYMENT' and paid_minor - refunded_minor >= total_minor)
       or (state in ('PLACING', 'FAILED') and paid_minor > 0 and refunded_minor <> paid_minor))`,
    (row) =>
      `order ${row['number']} is ${row['state']}: ${row['paid_minor']} paid, ${row['refunded_minor']} refunded of ${row['total_minor']}`,
  );
}

/** I18: what limits open unpaid orders counts just those that are open, for customers and addresses. */
export async function auditOpenOrders(context: AuditContext): Promise<string[]> {
  const order = context.schema('order');
  const open = `from ${order}.orders where state in ('PLACING', 'PENDING_PAYMENT') and open_units is not null`;
  return broken(
    context,
    `select hex(coalesce(c.owner, o.owner)) owner, coalesce(c.orders, 0) counted_orders, coalesce(c.units, 0) counted_units, coalesce(o.orders, 0) orders_, coalesce(o.units, 0) units_
     from (select owner from ${order}.open_orders union select customer_id ${open} union select placed_from ${open} and placed_from is not null) every_owner
     left join ${order}.open_orders c on c.owner = every_owner.owner
     left join (
       select owner, count(*) orders, sum(open_units) units
       from (select customer_id owner, open_units ${open} union all select placed_from, open_units ${open} and placed_from is not null) one
       group by owner
     ) o on o.owner = every_owner.owner
     where coalesce(c.orders, 0) <> coalesce(o.orders, 0) or coalesce(c.units, 0) <> coalesce(o.units, 0)`,
    (row) =>
      `${row['owner']}: ${row['counted_orders']} open orders of ${row['counted_units']} units are counted, there are ${row['orders_']} of ${row['units_']}`,
  );
}

/** I4: every saga comes to an end; and no order stays in PLACING, or payable past its deadline. */
export async function auditSagas(context: AuditContext): Promise<string[]> {
  const order = context.schema('order');
  const sagas = await broken(
    context,
    `select hex(id) id, state, last_error from ${order}.saga
     where state not in ('SUCCEEDED', 'COMPENSATED') and created_at < utc_timestamp(3) - interval ${context.graceSeconds} second`,
    (row) => `saga ${row['id']} is ${row['state']}: ${row['last_error']}`,
  );
  const orders = await broken(
    context,
    `select o.number, o.state, s.state saga from ${order}.orders o left join ${order}.saga s on s.order_id = o.id
     where o.updated_at < utc_timestamp(3) - interval ${context.graceSeconds} second and (
       s.id is null or o.state = 'PLACING' or (s.state = 'COMPENSATED' and o.state <> 'FAILED') or (s.state = 'SUCCEEDED' and o.state = 'FAILED')
       or (o.state = 'PENDING_PAYMENT' and o.expires_at < utc_timestamp(3) - interval ${context.graceSeconds} second))`,
    (row) => `order ${row['number']} is ${row['state']}, its saga ${row['saga']}`,
  );
  return [...sagas, ...orders];
}

/** I11: never an action together with its null compensation; a compensated branch keeps nothing. */
export async function auditBarriers(context: AuditContext): Promise<string[]> {
  const product = context.schema('product');
  const taken = await broken(
    context,
    `select hex(b.saga_id) saga, b.branch, r.state from ${product}.barrier b
     join ${context.schema('order')}.saga s on s.id = b.saga_id
     join ${product}.stock_reservation r on r.order_id = s.order_id
     where b.op = 'action' and b.inserted_by = 'compensation'`,
    (row) =>
      `saga ${row['saga']}: branch ${row['branch']} was compensated before it came, yet its reservation is ${row['state']}`,
  );
  const kept = await broken(
    context,
    `select hex(b.saga_id) saga, b.branch, r.state from ${product}.barrier b
     join ${context.schema('order')}.saga s on s.id = b.saga_id
     join ${product}.stock_reservation r on r.order_id = s.order_id
     where b.op = 'compensation' and r.state in ('HELD', 'COMMITTED')`,
    (row) => `saga ${row['saga']}: branch ${row['branch']} is compensated, yet its reservation is ${row['state']}`,
  );
  return [...taken, ...kept];
}

/** The journal: seq from 1 without a gap up to the order's own, each state following the one before, every hash recomputed. */
export async function auditJournal(context: AuditContext): Promise<string[]> {
  const order = context.schema('order');
  const heads = await broken(
    context,
    `select o.number, o.seq, coalesce(e.rows_, 0) rows_, coalesce(e.last_, 0) last_ from ${order}.orders o
     left join (select order_id, count(*) rows_, max(seq) last_ from ${order}.order_event group by order_id) e on e.order_id = o.id
     where o.seq <> coalesce(e.rows_, 0) or o.seq <> coalesce(e.last_, 0)`,
    (row) => `order ${row['number']}: seq ${row['seq']}, but ${row['rows_']} journal entries up to ${row['last_']}`,
  );
  return [...heads, ...(await auditHashes(context))];
}

/** I9: the feed that subscriptions follow numbers the journal's entries 1, 2, 3 … up to its head, each order's by their own seq. */
export async function auditFeed(context: AuditContext): Promise<string[]> {
  const order = context.schema('order');
  const numbers = await broken(
    context,
    `select f.head, count(e.feed_seq) numbered, coalesce(min(e.feed_seq), 1) first_, coalesce(max(e.feed_seq), 0) last_
     from ${order}.journal_feed f left join ${order}.order_event e on e.feed_seq is not null group by f.head
     having first_ <> 1 or last_ <> f.head or numbered <> f.head`,
    (row) =>
      `the feed is at ${row['head']}, and ${row['numbered']} entries are numbered, ${row['first_']} to ${row['last_']}`,
  );
  const swapped = await broken(
    context,
    `select o.number, e.seq from ${order}.order_event e
     join ${order}.order_event earlier on earlier.order_id = e.order_id and earlier.seq = e.seq - 1
     join ${order}.orders o on o.id = e.order_id
     where e.feed_seq is not null and (earlier.feed_seq is null or earlier.feed_seq > e.feed_seq)`,
    (row) => `order ${row['number']}: the feed has journal entry ${row['seq']} before the one before it`,
  );
  const strangers = await broken(
    context,
    `select o.number, e.seq from ${order}.order_event e join ${order}.orders o on o.id = e.order_id where e.customer_id <> o.customer_id`,
    (row) => `order ${row['number']}: journal entry ${row['seq']} names another customer than the order`,
  );
  return [...numbers, ...swapped, ...strangers];
}

async function auditHashes(context: AuditContext): Promise<string[]> {
  const order = context.schema('order');
  const wrong: string[] = [];
  let after: { orderId: Buffer; seq: number } = { orderId: Buffer.alloc(16), seq: 0 };
  const start = { hash: genesisHash, state: null, textless: [] };
  let chain: { orderId: string; hash: Buffer; state: string | null; textless: readonly number[] } = { ...start, orderId: '' }; // prettier-ignore
  for (;;) {
    const rows = await context.select(
      `select e.*, o.number, o.seq last_seq, o.last_hash, o.state from ${order}.order_event e straight_join ${order}.orders o on o.id = e.order_id
       where e.order_id >= ? and (e.order_id, e.seq) > (?, ?) order by e.order_id, e.seq limit ${pageSize}`,
      // Entries in the order of their key, each with its order: begun with the orders, every page would sort the rest of the journal.
      // The first comparison is the one that an index can follow: neither server does so for a pair.
      [after.orderId, after.orderId, after.seq],
    );
    for (const row of rows) {
      const entry = toEntry(row);
      const number = String(row['number']);
      const state = String(row['state']);
      if (entry.orderId !== chain.orderId) chain = { ...start, orderId: entry.orderId };
      if (!isIntact(chain.hash, entry))
        wrong.push(`order ${number}: journal entry ${entry.seq} does not have the hash of its content`);
      if (entry.fromState !== chain.state)
        wrong.push(
          `order ${number}: journal entry ${entry.seq} starts from ${entry.fromState}, the one before ended in ${chain.state}`,
        );
      chain = { ...chain, hash: entry.hash, state: entry.toState ?? chain.state, textless: withoutErasing(chain.textless, entry) }; // prettier-ignore
      if (entry.seq !== Number(row['last_seq'])) continue;
      for (const seq of chain.textless)
        wrong.push(`order ${number}: the texts of journal entry ${seq} are gone, and were not erased`);
      if (!entry.hash.equals(row['last_hash'] as Buffer))
        wrong.push(`order ${number}: the order and its last journal entry have different hashes`);
      if (chain.state !== state) wrong.push(`order ${number} is ${state}, its journal says ${chain.state}`);
    }
    const last = rows.at(-1);
    if (!last || rows.length < pageSize) return wrong;
    after = { orderId: last['order_id'] as Buffer, seq: Number(last['seq']) };
  }
}

const toEntry = (row: Row): JournalEntry => ({
  id: idFromBytes(row['id'] as Buffer),
  orderId: idFromBytes(row['order_id'] as Buffer),
  seq: Number(row['seq']),
  type: row['type'] as JournalEntry['type'],
  fromState: row['from_state'] as JournalEntry['fromState'],
  toState: row['to_state'] as JournalEntry['toState'],
  actor: { type: row['actor_type'], id: row['actor_id'] } as JournalEntry['actor'],
  reason: row['reason'] as string | null,
  data: row['data'] === null ? null : toJson(row['data']),
  texts: row['texts'] === null ? null : toJson(row['texts']),
  textsHash: row['texts_hash'] as Buffer | null,
  at: toDate(row['at']) as Date,
  traceId: String(row['trace_id']),
  hash: row['hash'] as Buffer,
});
