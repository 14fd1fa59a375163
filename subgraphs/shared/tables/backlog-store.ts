import { sql as raw } from 'kysely';
import type { Sql } from '../database/database.ts';
import { find } from '../database/tables.ts';
import { databaseNow, sharedBuilder } from './records.ts';

/** More are not counted. */
const maxCounted = 10_000;

const waiting = sharedBuilder
  .selectFrom(
    sharedBuilder.selectFrom('outbox').select('id').where('published_at', 'is', null).limit(maxCounted).as('unpublished'), // prettier-ignore
  )
  .select((eb) => eb.fn.countAll<string>().as('count'));
const oldest = sharedBuilder
  .selectFrom('outbox')
  .select(raw<string>`timestampdiff(second, created_at, ${databaseNow})`.as('seconds'))
  .where('published_at', 'is', null)
  .orderBy('id')
  .limit(1);
const dead = sharedBuilder
  .selectFrom('dead_letter')
  .select((eb) => eb.fn.countAll<string>().as('count'))
  .where('replayed_at', 'is', null);

/** Events that wait to be published, at most 10,000, and for how long the oldest has. */
export async function readUnpublished(sql: Sql): Promise<{ count: number; oldestSeconds: number }> {
  const [counted] = await find(sql, waiting);
  const [first] = await find(sql, oldest);
  return { count: Number(counted?.count ?? 0), oldestSeconds: Math.max(0, Number(first?.seconds ?? 0)) };
}

/** Events that could not be handled and wait for somebody who looks at them. */
export async function countDeadLetters(sql: Sql): Promise<number> {
  const [row] = await find(sql, dead);
  return Number(row?.count ?? 0);
}
