import { type UserViewer, requireUser } from '../../shared/auth/viewer.ts';
import type { Sql } from '../../shared/database/database.ts';
import { type Refusal, RefusedError, conflictError, orRefusals, validationError } from '../../shared/errors/errors.ts';
import { type Claim, claimKey, saveResult } from '../../shared/tables/idempotency.ts';
import { type Asker, type StaffAct, recordActs } from '../../shared/tables/staff-acts.ts';
import { type ProductDeps, announceStock } from '../deps.ts';
import { type Product, hasStock } from '../domain/product.ts';
import { type Movement, type Stock, maxUnits } from '../domain/stock.ts';
import { type MovementKey, movementsByKeys, recordChange } from '../ledger-store.ts';
import { stocksByProductIds } from '../stock-store.ts';
import { productsByIds } from '../product-store.ts';
import { requireEditable, requireSeller } from './editing.ts';

/** Answer to a change of stock. */
export type StockPayload = {
  readonly products: readonly Product[];
  readonly movements: readonly Movement[];
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

/** What changes of stock work with. */
export type StockDeps = Pick<ProductDeps, 'db' | 'now' | 'live' | 'kickRelay'>;

/** One product's change, as a command has made it of its input. */
export type StockChange = {
  readonly productId: string;
  readonly reason: string;
  /** One guarded UPDATE; false where the guard refused. */
  apply(tx: Sql): Promise<boolean>;
  readonly onHandDelta: number;
  /** Why the guard refused, from the counters as they are. */
  refusal(stock: Stock): Refusal;
};

export type StockRequest = {
  readonly operation: 'adjustStock' | 'setStock';
  readonly input: readonly { readonly productId: string }[];
  readonly idempotencyKey: string;
  /** What the input breaks. */
  readonly problems: readonly Refusal[];
  /** At most one for each product, in id order. */
  readonly changes: readonly StockChange[];
};

/** Makes all changes by hand or none, each with its movement. Staff; merchants for what they sell. */
export async function changeStock(deps: StockDeps, asker: Asker, request: StockRequest): Promise<StockPayload> {
  const user = requireUser(asker.viewer);
  return orRefusals(
    async () => {
      requireSeller(user);
      if (request.problems.length > 0) throw new RefusedError(...request.problems);
      await requireStocks(deps, user, request.input);
      const claim: Claim = {
        ownerId: user.userId,
        operation: request.operation,
        key: request.idempotencyKey,
        input: request.input,
      };
      const { replayed, result } = await deps.db.transaction(async (tx) => {
        const claimed = await claimKey<readonly MovementKey[]>(tx, claim, []);
        if (claimed.replayed) return claimed;
        const { written, acts } = await apply(tx, user, request);
        await saveResult(tx, claim, written);
        await recordActs(tx, { actorId: user.userId, traceId: asker.traceId, at: deps.now() }, acts);
        return { replayed: false, result: written };
      });
      const ids = [...new Set(request.input.map((change) => change.productId))];
      if (!replayed) {
        announceStock(deps, ids);
        deps.kickRelay();
      }
      const sql = deps.db.em();
      return {
        products: await productsByIds(sql, ids),
        movements: await movementsByKeys(sql, result),
        replayed,
        userErrors: [],
      };
    },
    (userErrors) => ({ products: [], movements: [], replayed: false, userErrors }),
  );
}

async function requireStocks(
  deps: Pick<ProductDeps, 'db'>,
  user: UserViewer,
  input: StockRequest['input'],
): Promise<void> {
  const found = await productsByIds(deps.db.em(), [...new Set(input.map((change) => change.productId))]);
  const products = new Map(found.map((product) => [product.id, product]));
  for (const [index, { productId }] of input.entries()) {
    const path = ['changes', String(index), 'productId'];
    const product = requireEditable(user, products.get(productId), productId, path);
    if (!hasStock(product.kind))
      throw new RefusedError(validationError(`A ${product.kind} product has no stock.`, path));
  }
}

async function apply(
  tx: Sql,
  user: UserViewer,
  { operation, changes }: StockRequest,
): Promise<{ written: MovementKey[]; acts: StaffAct[] }> {
  const written: MovementKey[] = [];
  const acts: StaffAct[] = [];
  const action = operation === 'setStock' ? 'stock.set' : 'stock.adjusted';
  for (const change of changes) {
    const applied = await change.apply(tx);
    const [stock] = await stocksByProductIds(tx, [change.productId]);
    if (!stock) throw new Error(`product ${change.productId} has no stock row`);
    if (!applied) throw new RefusedError(change.refusal(stock));
    await recordChange(
      tx,
      { productId: change.productId, type: 'ADJUST', onHandDelta: change.onHandDelta },
      { actor: user.userId, reason: change.reason },
    );
    written.push({ productId: change.productId, seq: stock.version });
    const before = { onHand: stock.onHand - change.onHandDelta };
    acts.push({
      action,
      subject: `product:${change.productId}`,
      before,
      after: { onHand: stock.onHand, reason: change.reason },
    });
  }
  return { written, acts };
}

/** The counters would not hold: too few for what is allocated, or too many to count. */
export const outOfBounds = (stock: Stock, onHand: number): Refusal =>
  onHand > maxUnits
    ? validationError(`A stock can have at most ${maxUnits} units; it has ${stock.onHand} now.`)
    : {
        __typename: 'NegativeStockError',
        code: 'NEGATIVE_STOCK',
        message: `${onHand} units would be fewer than the ${stock.allocated} that orders hold.`,
        productId: stock.productId,
        onHand: stock.onHand,
        allocated: stock.allocated,
      };

/** Somebody else changed the counter since it was read. */
export const counterMoved = (stock: Stock): Refusal => conflictError(`onHand is ${stock.onHand} by now; count again.`);
