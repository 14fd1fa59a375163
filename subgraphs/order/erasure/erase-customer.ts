import { randomBytes } from 'node:crypto';
import type { Sql } from '../../shared/database/database.ts';
import { forgetKeys } from '../../shared/events/forget-events.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import type { Logger } from '../../shared/process/telemetry.ts';
import type { Change } from '../apply-events.ts';
import type { OrderDeps } from '../deps.ts';
import { type JournalEntry, entryHash, genesisHash, isIntact, withoutTexts } from '../domain/journal.ts';
import { readJournal } from '../journal-store.ts';
import { lockOrder, saveLocked } from '../order-store.ts';
import { eraseOrder, findOpenOrders, findOpenReturns, findOrderIds, rewriteEntries } from './erasure-store.ts';

const batchSize = 100;
const shownObstacles = 20;
/** More entries than a journal of people's making has. */
const maxEntries = 100_000;

/** Something that has to end before a person can be erased; `reference` is a number that staff can look up. */
export type Obstacle = { readonly kind: string; readonly reference: string };

/** What of a customer's orders stands in the way of erasing the customer, at most 20 of each kind. */
export async function obstaclesOf({ db }: Pick<OrderDeps, 'db'>, customerId: string): Promise<Obstacle[]> {
  const sql = db.em();
  const orders = await findOpenOrders(sql, customerId, shownObstacles);
  const returns = await findOpenReturns(sql, customerId, shownObstacles);
  return [
    ...orders.map((reference) => ({ kind: 'OPEN_ORDER', reference })),
    ...returns.map((reference) => ({ kind: 'OPEN_RETURN', reference })),
  ];
}

/**
 * Takes a person out of the orders of the customer, one transaction each, and forgets the keys and events that tell of one. May be
 * repeated, and goes on where it was. False while an order is not over, or an event not handled: to be tried again.
 */
export async function eraseCustomer(
  deps: Pick<OrderDeps, 'db' | 'now' | 'forget' | 'log'>,
  { customerId, traceId }: { customerId: string; traceId: string },
): Promise<boolean> {
  if ((await obstaclesOf(deps, customerId)).length > 0) return false;
  const change = { actor: { type: 'SERVICE', id: 'user' }, at: deps.now(), traceId } as const;
  for (;;) {
    const ids = await findOrderIds(deps.db.em(), customerId, { withPerson: true, limit: batchSize });
    for (const id of ids) {
      await deps.db.transaction((tx) => eraseOne(tx, deps.log, id, change));
      failPoint('order.person_erased');
    }
    if (ids.length < batchSize) break;
  }
  await forgetKeys(deps.db.em(), customerId);
  for (let after: string | null = null; ;) {
    const ids: string[] = await findOrderIds(deps.db.em(), customerId, { withPerson: false, after, limit: 10_000 });
    if (ids.length === 0) return true;
    if (!(await deps.forget(ids))) return false;
    after = ids.at(-1) ?? null;
  }
}

async function eraseOne(tx: Sql, log: Logger, orderId: string, change: Change): Promise<void> {
  const order = await lockOrder(tx, orderId);
  if (!order) return;
  const entries = await readJournal(tx, orderId, 0, maxEntries);
  const isWhole = holds(entries, order.lastHash);
  // New hashes would make a journal that somebody changed look whole: the texts go, and what is wrong stays to be seen.
  if (!isWhole) log.error({ orderId }, 'the journal of an order does not hold; its texts are erased, its hashes stay');
  const rewritten = isWhole ? rechained(entries) : [];
  await rewriteEntries(tx, isWhole ? rewritten : stripped(entries));
  const last = rewritten.at(-1);
  const [first] = rewritten;
  const event = {
    type: 'PersonalDataErased',
    // Whoever kept the hashes of an old journal finds here where they stop to hold, and the last that did.
    ...(first && { rehashedFrom: first.seq, formerHash: order.lastHash.toString('hex') }),
  } as const;
  const kept = { ...order, remark: null, heldReference: null, lastHash: last?.hash ?? order.lastHash };
  await saveLocked(tx, kept, [event], change);
  await eraseOrder(tx, orderId, change.at);
}

/** Whether a journal is what was hashed, from its first entry to the hash that its order has. */
export function holds(entries: readonly JournalEntry[], lastHash: Buffer): boolean {
  let previous: Buffer = genesisHash;
  for (const entry of entries) {
    if (!isIntact(previous, entry)) return false;
    previous = entry.hash;
  }
  return previous.equals(lastHash);
}

/** Whether people's texts are still in the content of an entry. */
const isOld = (entry: JournalEntry): boolean => entry.textsHash === null && withoutTexts(entry, '').textsHash !== null;

/** The entries of a journal that have people's texts in their content, without them and with the hashes that they had. */
export const stripped = (entries: readonly JournalEntry[]): JournalEntry[] =>
  entries.filter(isOld).map((entry) => {
    const { reason, data } = withoutTexts(entry, '');
    return { ...entry, reason, data };
  });

/**
 * The entries of a journal from the first whose hash is still of people's texts, with the texts apart and the hashes that
 * follow from that: written before texts stood beside the content. None where there is no such entry.
 */
export function rechained(entries: readonly JournalEntry[]): JournalEntry[] {
  const from = entries.findIndex(isOld);
  if (from < 0) return [];
  let previous: Buffer = entries[from - 1]?.hash ?? genesisHash;
  return entries.slice(from).map((entry) => {
    const content = entry.textsHash === null ? withoutTexts(entry, randomBytes(16).toString('hex')) : entry;
    const next = { ...entry, reason: content.reason, data: content.data, textsHash: content.textsHash };
    previous = entryHash(previous, next);
    return { ...next, hash: previous };
  });
}
