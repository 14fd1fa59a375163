import type { Asker } from '../../shared/tables/staff-acts.ts';
import { type StockDelta, checkDeltas, mergeDeltas } from '../domain/stock.ts';
import { changeOnHand } from '../stock-store.ts';
import { type StockDeps, type StockPayload, changeStock, outOfBounds } from './change-stock.ts';

/** Adds to or takes from `onHand`; changes of one product are merged into one movement. */
export const adjustStock = (
  deps: StockDeps,
  asker: Asker,
  input: readonly StockDelta[],
  idempotencyKey: string,
): Promise<StockPayload> =>
  changeStock(deps, asker, {
    operation: 'adjustStock',
    input,
    idempotencyKey,
    problems: checkDeltas(input),
    changes: mergeDeltas(input).map((change) => ({
      productId: change.productId,
      reason: change.reason,
      onHandDelta: change.delta,
      apply: (tx) => changeOnHand(tx, change),
      refusal: (stock) => outOfBounds(stock, stock.onHand + change.delta),
    })),
  });
