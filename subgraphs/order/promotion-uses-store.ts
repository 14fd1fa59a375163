import { sql as raw } from 'kysely';
import type { Sql } from '../shared/database/database.ts';
import { byPrimaryKey, change } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import { type OrderState, closedStates } from './domain/order-model.ts';
import type { AppliedPromotion } from './domain/pricing/apply-promotions.ts';
import { tables } from './records.ts';
import type { StoredOrder } from './stored-order.ts';

/*
 * `promotion.used` counts the orders that have a promotion, `promotion_customer.used` those of one customer, changed by the
 * transactions that record and close orders: exact whatever runs at once or dies. The audit compares them with the orders.
 *
 * Locks go in one sequence everywhere: the order's row, promotions by id, then the customer's counters by promotion, then
 * `open_orders`. Customers of one promotion meet at its row first, so none waits for another in a circle.
 */

/** A closed order has given its uses back. */
const hasUses = ({ state }: { readonly state: OrderState }): boolean => !closedStates.includes(state);

/**
 * A promotion can't be used once more, or isn't the one that the order was priced by: the transaction is rolled back, and
 * pricing the order again tells what holds now.
 */
export class NoUseError extends Error {
  override readonly name = 'NoUseError';
}

/** What the database says of a value that must not be null: here of a count that would be above its limit. */
const nullRefused = 1048;

/** By the row's id: a value of its own for each. */
const byId = (column: string, values: readonly (readonly [string, number | null])[]) => {
  const cases = values.map(([id, value]) => raw`when ${idToBytes(id)} then ${value}`);
  return raw<number>`case ${raw.ref(column)} ${raw.join(cases, raw` `)} end`;
};

type Use = Pick<AppliedPromotion, 'promotionId' | 'version' | 'usagePerCustomer'>;

const inSequence = <Item extends { readonly promotionId: string }>(items: readonly Item[]): Item[] =>
  items.toSorted((one, other) => (one.promotionId < other.promotionId ? -1 : 1));

/**
 * Counts one more use of each promotion, in the transaction that records the order: two statements, none where there are no
 * promotions. A count above its limit, or of a promotion that was changed since it was read, is null, which the column
 * refuses. Throws NoUseError.
 */
export async function countUses(tx: Sql, customerId: string, uses: readonly Use[]): Promise<void> {
  if (uses.length === 0) return;
  const sorted = inSequence(uses);
  const versions = byId('id', sorted.map(({ promotionId, version }) => [promotionId, version])); // prettier-ignore
  const ofAll = tables
    .updateTable('promotion')
    .set((eb) => {
      const [used, limit, version] = [eb.ref('used'), eb.ref('usage_limit'), eb.ref('version')];
      return {
        used: raw<number>`if(${version} = ${versions} and (${limit} is null or ${used} < ${limit}), ${used} + 1, null)`,
      };
    })
    .where('id', 'in', sorted.map(({ promotionId }) => idToBytes(promotionId))); // prettier-ignore
  const limits = byId('promotion_id', sorted.map(({ promotionId, usagePerCustomer }) => [promotionId, usagePerCustomer])); // prettier-ignore
  const ofCustomer = tables
    .insertInto('promotion_customer')
    .values(
      sorted.map(({ promotionId }) => ({
        promotion_id: idToBytes(promotionId),
        customer_id: idToBytes(customerId),
        used: 1,
      })),
    )
    .onDuplicateKeyUpdate((eb) => {
      const used = eb.ref('used');
      return { used: raw<number>`if(${limits} is null or ${used} < ${limits}, ${used} + 1, null)` };
    });
  try {
    await change(tx, byPrimaryKey(ofAll, 'promotion'), 'any');
    await change(tx, ofCustomer, 'any');
  } catch (error) {
    if ((error as { errno?: number }).errno === nullRefused)
      throw new NoUseError('a promotion is used up, or was changed', { cause: error });
    throw error;
  }
}

/**
 * Gives back the uses of orders that close, in the transaction that closes them: nothing where none of
 * them has a promotion. The orders' rows are locked, or guarded, by the caller. `before` and `after` are in the same order.
 */
export async function giveUsesBack(
  tx: Sql,
  before: readonly Pick<StoredOrder, 'state' | 'customerId' | 'promotionIds'>[],
  after: readonly { readonly state: OrderState }[],
): Promise<void> {
  const total = new Map<string, number>();
  const own = new Map<string, { readonly promotionId: string; readonly customerId: string; readonly uses: number }>();
  for (const [index, order] of before.entries()) {
    const closed = after[index];
    if (order.promotionIds === null || !closed || !hasUses(order) || hasUses(closed)) continue;
    const { customerId } = order;
    for (const promotionId of order.promotionIds) {
      total.set(promotionId, (total.get(promotionId) ?? 0) + 1);
      const key = `${promotionId} ${customerId}`;
      own.set(key, { promotionId, customerId, uses: (own.get(key)?.uses ?? 0) + 1 });
    }
  }
  if (total.size === 0) return;
  const counts = byId('id', [...total]);
  const less = (count: unknown, by: unknown) => raw<number>`if(${count} < ${by}, 0, ${count} - ${by})`;
  const ofAll = tables
    .updateTable('promotion')
    // Never below nothing: closing an order must not fail for a count. The audit would tell.
    .set((eb) => ({ used: less(eb.ref('used'), counts) }))
    .where('id', 'in', [...total.keys()].map(idToBytes)); // prettier-ignore
  await change(tx, byPrimaryKey(ofAll, 'promotion'), 'any');
  const sorted = [...own].toSorted(([one], [other]) => (one < other ? -1 : 1));
  for (const [, { promotionId, customerId, uses }] of sorted) {
    const ofCustomer = tables
      .updateTable('promotion_customer')
      .set((eb) => ({ used: less(eb.ref('used'), uses) }))
      .where('promotion_id', '=', idToBytes(promotionId))
      .where('customer_id', '=', idToBytes(customerId));
    await change(tx, ofCustomer, 'any');
  }
}
