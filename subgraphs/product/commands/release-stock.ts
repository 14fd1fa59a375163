import { enterCompensation } from '../../shared/tables/barrier.ts';
import { type ProductDeps, announceStock } from '../deps.ts';
import { settleReservations } from '../stock-store.ts';
import { checkBranch } from './reserve-stock.ts';
import { firstOf } from '../../shared/values/text.ts';

export type ReleaseStockInput = {
  readonly sagaId: string;
  readonly branch: string;
  readonly orderId: string;
  readonly reason: string;
};

const maxReasonLength = 500;

/**
 * Compensates `reserveStock` of the same saga and branch: what the order still holds is available again. Without a
 * reservation it is recorded, so that a late one is refused; repeated it does nothing. What was paid for stays committed.
 */
export async function releaseStock(deps: Pick<ProductDeps, 'db' | 'live'>, input: ReleaseStockInput): Promise<true> {
  checkBranch(input);
  const { sagaId, branch, orderId } = input;
  const released = await deps.db.transaction(async (tx) => {
    if ((await enterCompensation(tx, { sagaId, branch })) !== 'first') return [];
    return settleReservations(tx, orderId, 'release', {
      actor: 'order',
      reason: firstOf(input.reason, maxReasonLength),
      sagaBranch: branch,
    });
  });
  announceStock(deps, released);
  return true;
}
