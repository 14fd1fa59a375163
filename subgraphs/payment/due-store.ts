import { type Sql, select } from '../shared/database/statements.ts';
import type { DueIn } from '../shared/process/due-work.ts';
import { unpaidStates } from './payment-store.ts';

/**
 * In how many milliseconds the first row of each kind of work is due, by the database's clock. One statement, whose parts each
 * read the first entry of an index.
 *
 * @param options.closeGraceSeconds how long after its deadline an unpaid payment is overdue
 */
export async function findDueTimes(
  sql: Sql,
  { closeGraceSeconds }: { closeGraceSeconds: number },
): Promise<DueIn<'attempts' | 'refunds'>> {
  const overdue = unpaidStates.map(
    (state) =>
      `(select expires_at + interval ${closeGraceSeconds} second as at from payment where state = '${state}' and slot = 0 order by expires_at limit 1)`,
  );
  const [row] = await select(
    sql,
    `select timestampdiff(microsecond, utc_timestamp(3), min(at)) as attempts,
       timestampdiff(microsecond, utc_timestamp(3), (select min(next_try_at) from refund where next_try_at is not null)) as refunds
     from (select min(next_check_at) as at from attempt where next_check_at is not null
       union all select min(next_try_at) from webhook_inbox where next_try_at is not null union all ${overdue.join(' union all ')}) as due`,
  );
  const dueIn = (microseconds: unknown): number | null => (microseconds === null ? null : Number(microseconds) / 1_000);
  return { attempts: dueIn(row?.['attempts']), refunds: dueIn(row?.['refunds']) };
}
