import { isStaff, requireUser } from '../../shared/auth/viewer.ts';
import {
  RefusedError,
  conflictError,
  isDuplicateKey,
  orRefusals,
  validationError,
} from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { type Asker, recordAct } from '../../shared/tables/staff-acts.ts';
import { type MoneyJson, moneyFromJson } from '../../shared/values/money.ts';
import { type ProductDeps, changeProduct } from '../deps.ts';
import {
  type AddOn,
  type Product,
  type ProductKind,
  type ProductStatus,
  addOnOf,
  checkContent,
  checkRooms,
  checkSku,
  checkWeight,
  defaultTaxCategory,
  hasStock,
  moneyOrNull,
} from '../domain/product.ts';
import { maxUnits } from '../domain/stock.ts';
import { insertStock } from '../stock-store.ts';
import { insertProduct, productById } from '../product-store.ts';
import { type ProductPayload, refusedProduct, requireCategory, requireSeller } from './editing.ts';

/** As in the API; what the SDL gives a default may be missing when this is called by a program. */
export type CreateProductInput = {
  readonly sku: string;
  readonly kind?: ProductKind;
  readonly name: string;
  readonly subtitle?: string | null;
  readonly description: string;
  readonly price: MoneyJson;
  readonly marketPrice?: MoneyJson | null;
  readonly cover?: string | null;
  readonly images?: readonly string[] | null;
  readonly addOns?: readonly AddOn[] | null;
  readonly initialOnHand?: number;
  readonly capacity?: number | null;
  readonly maxGuests?: number | null;
  readonly status?: ProductStatus | null;
  readonly categoryId?: string | null;
  readonly taxCategory?: string;
  readonly weightGrams?: number | null;
};

/**
 * Makes a product with its stock. Staff and merchants; a merchant becomes the seller. Throws UNAUTHENTICATED for anybody
 * who is not a user; everything else is in `userErrors`.
 */
export async function createProduct(
  deps: Pick<ProductDeps, 'db' | 'now' | 'newId' | 'cacheVersions' | 'kickRelay'>,
  asker: Asker,
  input: CreateProductInput,
  idempotencyKey: string,
): Promise<ProductPayload> {
  const user = requireUser(asker.viewer);
  return orRefusals(async () => {
    requireSeller(user);
    const product = productOf(input, {
      id: deps.newId(),
      sellerId: isStaff(user) ? null : user.userId,
      at: deps.now(),
    });
    const onHand = input.initialOnHand ?? 0;
    refuseProblems(product, onHand);
    const claimed = await changeProduct(deps, product.id, () =>
      deps.db.transaction(async (tx) => {
        const claim = await claimKey(
          tx,
          { ownerId: user.userId, operation: 'createProduct', key: idempotencyKey, input },
          { id: product.id },
        );
        if (claim.replayed) return claim;
        await requireCategory(tx, product.categoryId);
        try {
          await insertProduct(tx, product);
        } catch (error) {
          if (!isDuplicateKey(error)) throw error;
          throw new RefusedError({
            ...conflictError(`There is already a product with the SKU ${product.sku}.`),
            path: ['input', 'sku'],
          });
        }
        if (hasStock(product.kind)) {
          await insertStock(
            tx,
            { productId: product.id, onHand, at: product.createdAt },
            { actor: user.userId, reason: 'Initial stock' },
          );
        }
        const { sku, price, status } = product;
        await recordAct(tx, deps, asker, {
          action: 'product.created',
          subject: `product:${product.id}`,
          after: { sku, price, status, onHand },
        });
        return claim;
      }),
    );
    return { product: await productById(deps.db.em(), claimed.result.id), replayed: claimed.replayed, userErrors: [] };
  }, refusedProduct);
}

function productOf(input: CreateProductInput, made: { id: string; sellerId: string | null; at: Date }): Product {
  return {
    id: made.id,
    sku: input.sku,
    kind: input.kind ?? 'STOCKED',
    name: input.name.trim(),
    subtitle: input.subtitle ?? null,
    description: input.description,
    cover: input.cover ?? null,
    images: input.images ?? [],
    price: moneyFromJson(input.price),
    marketPrice: moneyOrNull(input.marketPrice),
    addOns: (input.addOns ?? []).map(addOnOf),
    status: input.status ?? 'ON_SALE',
    categoryId: input.categoryId ?? null,
    taxCategory: input.taxCategory ?? defaultTaxCategory,
    weightGrams: input.weightGrams ?? null,
    capacity: input.capacity ?? null,
    maxGuests: input.maxGuests ?? null,
    sellerId: made.sellerId,
    groupId: null,
    sold: 0n,
    createdAt: made.at,
    updatedAt: made.at,
    version: 1,
  };
}

function refuseProblems(product: Product, onHand: number): void {
  const problems = [
    ...checkSku(product.sku),
    ...checkContent(product),
    ...checkRooms(product.kind, product),
    ...checkWeight(product.kind, product),
  ];
  if (product.status === 'ARCHIVED')
    problems.push(validationError('A new product cannot be archived.', ['input', 'status']));
  if (onHand < 0 || onHand > maxUnits) {
    problems.push(validationError(`initialOnHand must be between 0 and ${maxUnits}.`, ['input', 'initialOnHand']));
  } else if (onHand > 0 && !hasStock(product.kind)) {
    problems.push(validationError(`A ${product.kind} product has no stock.`, ['input', 'initialOnHand']));
  }
  if (problems.length > 0) throw new RefusedError(...problems);
}
