import type { Viewer } from '../shared/auth/viewer.ts';
import { badUserInput } from '../shared/errors/errors.ts';
import { type Live, readOnWake } from '../shared/process/live.ts';
import { stockChannel } from './deps.ts';
import { type Product, maySee } from './domain/product.ts';
import type { Stock } from './domain/stock.ts';
import type { StockReader } from './stock-reader.ts';

const maxProducts = 50;

export type StockChange = {
  readonly product: Product;
  readonly stock: Stock;
  readonly available: number;
  readonly at: Date;
};

/**
 * Changes of these products' stock from now on. Notices only wake it: it has the counters read and yields those whose
 * version it has not seen, so changes in a row may become one, and the last one is never missed. Reads go through the
 * process's one reader, together with those of the other subscriptions. Throws BAD_USER_INPUT for no or more than 50 ids.
 */
export async function watchStock(
  deps: { readonly live: Live; readonly stockReader: StockReader },
  viewer: Viewer,
  productIds: readonly string[],
): Promise<AsyncIterableIterator<StockChange>> {
  const { live, stockReader } = deps;
  const ids = [...new Set(productIds)];
  if (ids.length < 1 || ids.length > maxProducts)
    throw badUserInput(`productIds: must contain 1 to ${maxProducts} ids.`);
  // Known before the first wait, so that a change right after this is one.
  const begun = await stockReader.stocks(ids);
  const seen = new Map(ids.map((id) => [id, begun.get(id)?.version]));
  // All at first: nobody listened while they were read.
  const due = new Set(ids);
  return readOnWake({
    subscribe(wake) {
      const ends = ids.map((id) =>
        live.listen(stockChannel(id), () => {
          due.add(id);
          wake();
        }),
      );
      ends.push(
        stockReader.onPoll(() => {
          for (const id of ids) due.add(id);
          wake();
        }),
      );
      return () => {
        for (const end of ends) end();
      };
    },
    async read() {
      const asked = [...due];
      due.clear();
      const stocks = await stockReader.stocks(asked);
      const changed = asked.flatMap((id) => {
        const stock = stocks.get(id);
        return stock && stock.version !== seen.get(id) ? [stock] : [];
      });
      if (changed.length === 0) return [];
      const products = await stockReader.products(changed.map((stock) => stock.productId));
      return changed.flatMap((stock) => {
        seen.set(stock.productId, stock.version);
        const product = products.get(stock.productId);
        return product && maySee(viewer, product)
          ? [{ product, stock, available: stock.onHand - stock.allocated, at: stock.updatedAt }]
          : [];
      });
    },
  });
}
