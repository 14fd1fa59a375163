import { type Sql, write } from '../database/database.ts';
import { idempotencyRetentionDays } from './idempotency.ts';
import { purgeOutbox } from '../events/outbox-relay.ts';

/** Longer than the outbox publishes events again after Redis has lost everything (`maxRepublishAgeDays`). */
export const inboxRetentionDays = 7;
/** A saga is over within its order's life time; a step that comes later than this is nobody's any more. */
export const barrierRetentionDays = 35;

const batchSize = 5_000;
/** Bounds one run; the next one goes on. Deletes of a batch lock nothing that is in use. */
const maxBatches = 20;

/** Which of the shared tables a schema has. */
export type SharedTables = {
  readonly outbox?: boolean;
  readonly inbox?: boolean;
  readonly barrier?: boolean;
  readonly idempotency?: boolean;
};

/**
 * Deletes rows of the shared tables that are past their retention: published outbox rows, handled events, barriers and
 * idempotency keys. Returns how many of each. Safe to run twice at once.
 */
export async function purgeShared(
  sql: Sql,
  tables: SharedTables,
): Promise<Readonly<Record<keyof SharedTables, number>>> {
  const older = (table: string, column: string, days: number) => () =>
    write(sql, `delete from ${table} where ${column} < utc_timestamp(3) - interval ${days} day limit ${batchSize}`);
  return {
    outbox: tables.outbox ? await inBatches(() => purgeOutbox(sql)) : 0,
    inbox: tables.inbox ? await inBatches(older('inbox', 'handled_at', inboxRetentionDays)) : 0,
    barrier: tables.barrier ? await inBatches(older('barrier', 'created_at', barrierRetentionDays)) : 0,
    idempotency: tables.idempotency ? await inBatches(older('idempotency', 'created_at', idempotencyRetentionDays)) : 0,
  };
}

async function inBatches(deleteBatch: () => Promise<number>): Promise<number> {
  let deleted = 0;
  for (let batch = 0; batch < maxBatches; batch += 1) {
    const found = await deleteBatch();
    deleted += found;
    if (found < batchSize) break;
  }
  return deleted;
}
