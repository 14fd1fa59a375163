import type { Asker } from '../../shared/tables/staff-acts.ts';
import { type StockSet, checkSets, sortSets } from '../domain/stock.ts';
import { setOnHand } from '../stock-store.ts';
import { type StockDeps, type StockPayload, changeStock, counterMoved, outOfBounds } from './change-stock.ts';

/** Sets `onHand` to what was counted; the ledger keeps the difference, also one of 0, as the record of the count. */
export const setStock = (
  deps: StockDeps,
  asker: Asker,
  input: readonly StockSet[],
  idempotencyKey: string,
): Promise<StockPayload> =>
  changeStock(deps, asker, {
    operation: 'setStock',
    input,
    idempotencyKey,
    problems: checkSets(input),
    changes: sortSets(input).map((change) => ({
      productId: change.productId,
      reason: change.reason.trim(),
      onHandDelta: change.onHand - change.expectedOnHand,
      apply: (tx) => setOnHand(tx, change),
      refusal: (stock) =>
        stock.onHand === change.expectedOnHand ? outOfBounds(stock, change.onHand) : counterMoved(stock),
    })),
  });
