import { select, toDate } from '../shared/database/database.ts';
import type { DueIn } from '../shared/process/due-work.ts';
import type { OrderDeps } from './deps.ts';

/** When the first unpaid order expires, the first paid one goes on, and the first saga may be taken up. One statement. */
export async function readDueTimes({
  db,
  now,
}: Pick<OrderDeps, 'db' | 'now'>): Promise<DueIn<'expire' | 'advance' | 'sagas'>> {
  const [row] = await select(
    db.em(),
    `select (select min(expires_at) from orders where state = 'PENDING_PAYMENT') as expire,
       (select min(advance_at) from orders where advance_at is not null) as advance,
       (select min(greatest(next_retry_at, coalesce(lease_until, next_retry_at))) from saga where state in ('RUNNING', 'COMPENSATING')) as sagas`,
  );
  const nowMs = now().getTime();
  const dueIn = (value: unknown): number | null => {
    const at = toDate(value);
    return at && at.getTime() - nowMs;
  };
  return { expire: dueIn(row?.['expire']), advance: dueIn(row?.['advance']), sagas: dueIn(row?.['sagas']) };
}
