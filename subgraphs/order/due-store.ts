import { sql as raw } from 'kysely';
import { toDate } from '../shared/database/database.ts';
import { find } from '../shared/database/tables.ts';
import type { DueIn } from '../shared/process/due-work.ts';
import type { OrderDeps } from './deps.ts';
import { tables } from './records.ts';

const dueTimes = tables.selectNoFrom((eb) => [
  eb
    .selectFrom('orders')
    .select((order) => order.fn.min('expires_at').as('at'))
    .where('state', '=', 'PENDING_PAYMENT')
    .as('expire'),
  eb
    .selectFrom('orders')
    .select((order) => order.fn.min('advance_at').as('at'))
    .where('advance_at', 'is not', null)
    .as('advance'),
  eb
    .selectFrom('saga')
    .select((saga) => {
      const retry = saga.ref('next_retry_at');
      const due = raw<Date | null>`greatest(${retry}, ${saga.fn.coalesce('lease_until', 'next_retry_at')})`;
      return saga.fn.min(due).as('at');
    })
    .where('state', 'in', ['RUNNING', 'COMPENSATING'])
    .as('sagas'),
]);

/** When the first unpaid order expires, the first paid one goes on, and the first saga may be taken up. One statement. */
export async function readDueTimes({
  db,
  now,
}: Pick<OrderDeps, 'db' | 'now'>): Promise<DueIn<'expire' | 'advance' | 'sagas'>> {
  const [row] = await find(db.em(), dueTimes);
  const nowMs = now().getTime();
  const dueIn = (value: unknown): number | null => {
    const at = toDate(value);
    return at && at.getTime() - nowMs;
  };
  return { expire: dueIn(row?.expire), advance: dueIn(row?.advance), sagas: dueIn(row?.sagas) };
}
