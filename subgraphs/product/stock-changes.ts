import type { Viewer } from '../shared/auth.ts';
import { badUserInput } from '../shared/errors.ts';
import { readOnWake } from '../shared/live.ts';
import { type ProductDeps, stockChannel } from './deps.ts';
import { type Product, maySee } from './domain/product.ts';
import type { Stock } from './domain/stock.ts';
import { stocksByProductIds } from './stock-store.ts';
import { productsByIds } from './store.ts';

const maxProducts = 50;
/** The net under lost notices. */
const pollMs = 5_000;

export type StockChange = {
  readonly product: Product;
  readonly stock: Stock;
  readonly available: number;
  readonly at: Date;
};

/**
 * Changes of these products' stock from now on. Notices only wake it: it reads the counters and yields those whose version
 * it has not seen, so changes in a row may become one, and the last one is never missed. Throws BAD_USER_INPUT for no or
 * more than 50 ids.
 */
export async function watchStock(
  deps: Pick<ProductDeps, 'db' | 'live'>,
  viewer: Viewer,
  productIds: readonly string[],
): Promise<AsyncIterableIterator<StockChange>> {
  const ids = [...new Set(productIds)];
  if (ids.length < 1 || ids.length > maxProducts) throw badUserInput(`productIds: are 1 to ${maxProducts}.`);
  // Known before the first wait, so that a change right after this is one.
  const seen = new Map((await stocksByProductIds(deps.db.em(), ids)).map((stock) => [stock.productId, stock.version]));
  return readOnWake({
    pollMs,
    subscribe(wake) {
      const ends = ids.map((id) => deps.live.listen(stockChannel(id), wake));
      return () => {
        for (const end of ends) end();
      };
    },
    async read() {
      const sql = deps.db.em();
      const changed = (await stocksByProductIds(sql, ids)).filter(
        (stock) => stock.version !== seen.get(stock.productId),
      );
      if (changed.length === 0) return [];
      const products = new Map(
        (
          await productsByIds(
            sql,
            changed.map((stock) => stock.productId),
          )
        ).map((product) => [product.id, product]),
      );
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
