import type { Database, Sql } from '../shared/database/database.ts';
import { find } from '../shared/database/tables.ts';
import { enterActions } from '../shared/tables/barrier.ts';
import { sharedBuilder } from '../shared/tables/records.ts';
import { idToBytes } from '../shared/values/ids.ts';

/** Branch of the barrier that the end of an order takes: no payment of the order is begun from then on. */
export const closedBranch = 'order.closed';

/**
 * Notes that an order is closed, in a transaction of its own. Of a payment that is being begun either the note is seen, or the payment was
 * stored before the note was committed, and a look at the order's payments that comes after it finds the payment.
 */
export async function noteClosed(db: Pick<Database, 'em'>, orderId: string): Promise<void> {
  await enterActions(db.em(), [{ sagaId: orderId, branch: closedBranch }]);
}

export async function isOrderClosed(sql: Sql, orderId: string): Promise<boolean> {
  const note = sharedBuilder
    .selectFrom('barrier')
    .select('saga_id')
    .where('saga_id', '=', idToBytes(orderId))
    .where('branch', '=', closedBranch);
  return (await find(sql, note)).length > 0;
}
