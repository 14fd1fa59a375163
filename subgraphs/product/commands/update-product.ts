import { type UserViewer, requireUser } from '../../shared/auth/viewer.ts';
import type { Sql } from '../../shared/database/database.ts';
import { RefusedError, conflictError, orRefusals, validationError } from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { type Asker, recordAct } from '../../shared/tables/staff-acts.ts';
import { addDays, dateIn } from '../../shared/values/local-date.ts';
import { type MoneyJson, moneyFromJson } from '../../shared/values/money.ts';
import { type ProductDeps, changeProduct } from '../deps.ts';
import {
  type AddOn,
  type Product,
  type ProductContent,
  type ProductStatus,
  addOnOf,
  checkContent,
  checkRooms,
  checkWeight,
  hasStock,
  moneyOrNull,
} from '../domain/product.ts';
import { maxUnits } from '../domain/stock.ts';
import { changeCapacity } from '../night-store.ts';
import { setLowStockThreshold } from '../stock-store.ts';
import { productById, updateContent } from '../product-store.ts';
import { type ProductPayload, refusedProduct, requireCategory, requireEditable, requireSeller } from './editing.ts';

/** A field that is absent stays; null removes what may be missing and is refused for the others. */
export type UpdateProductInput = {
  readonly id: string;
  readonly expectedVersion: number;
  readonly name?: string | null;
  readonly subtitle?: string | null;
  readonly description?: string | null;
  readonly price?: MoneyJson | null;
  readonly marketPrice?: MoneyJson | null;
  readonly cover?: string | null;
  readonly images?: readonly string[] | null;
  readonly addOns?: readonly AddOn[] | null;
  readonly status?: ProductStatus | null;
  readonly capacity?: number | null;
  readonly maxGuests?: number | null;
  readonly categoryId?: string | null;
  readonly taxCategory?: string | null;
  readonly weightGrams?: number | null;
  readonly lowStockThreshold?: number | null;
};

/** Changes the given fields of the expected version. Staff; merchants for what they sell. */
export async function updateProduct(
  deps: Pick<ProductDeps, 'db' | 'now' | 'cacheVersions' | 'kickRelay'>,
  asker: Asker,
  input: UpdateProductInput,
  idempotencyKey: string | null | undefined,
): Promise<ProductPayload> {
  const user = requireUser(asker.viewer);
  return orRefusals(async () => {
    requireSeller(user);
    refuseNulls(input);
    const replayed = await changeProduct(deps, input.id, () =>
      deps.db.transaction(async (tx) => {
        const claim = await claimKey(
          tx,
          { ownerId: user.userId, operation: 'updateProduct', key: idempotencyKey, input },
          { id: input.id },
        );
        if (claim.replayed) return true;
        const product = requireEditable(user, await productById(tx, input.id), input.id, ['input', 'id']);
        if (product.version !== input.expectedVersion) throw changed(input, product);
        const content = merge(product, input);
        const problems = [
          ...checkContent(content),
          ...checkRooms(product.kind, content),
          ...checkWeight(product.kind, content),
        ];
        if (problems.length > 0) throw new RefusedError(...problems);
        if (content.categoryId !== product.categoryId) await requireCategory(tx, content.categoryId);
        // The stock's row before the product's: paid orders lock them in this order.
        if (typeof input.lowStockThreshold === 'number') await changeThreshold(tx, product, input.lowStockThreshold);
        if (!(await updateContent(tx, product, content, deps.now())))
          throw changed(input, await productById(tx, input.id));
        if (content.capacity !== null && product.capacity !== null && content.capacity !== product.capacity)
          await changeNights(tx, product, { from: product.capacity, to: content.capacity }, { user, at: deps.now() });
        await recordAct(tx, deps, asker, {
          action: 'product.changed',
          subject: `product:${product.id}`,
          ...differences(product, content, input),
        });
        return false;
      }),
    );
    return { product: await productById(deps.db.em(), input.id), replayed, userErrors: [] };
  }, refusedProduct);
}

function merge(product: Product, input: UpdateProductInput): ProductContent {
  const given = <T>(value: T | undefined, otherwise: T): T => (value === undefined ? otherwise : value);
  return {
    name: input.name?.trim() ?? product.name,
    subtitle: given(input.subtitle, product.subtitle),
    description: input.description ?? product.description,
    cover: given(input.cover, product.cover),
    images: input.images === undefined ? product.images : (input.images ?? []),
    price: input.price ? moneyFromJson(input.price) : product.price,
    marketPrice: input.marketPrice === undefined ? product.marketPrice : moneyOrNull(input.marketPrice),
    addOns: input.addOns === undefined ? product.addOns : (input.addOns ?? []).map(addOnOf),
    status: input.status ?? product.status,
    categoryId: given(input.categoryId, product.categoryId),
    taxCategory: input.taxCategory ?? product.taxCategory,
    weightGrams: given(input.weightGrams, product.weightGrams),
    capacity: input.capacity ?? product.capacity,
    maxGuests: input.maxGuests ?? product.maxGuests,
  };
}

/** What the log tells of a change: the fields that it changed, texts only by their names. */
function differences(
  product: Product,
  content: ProductContent,
  { lowStockThreshold }: UpdateProductInput,
): { before: object; after: object } {
  const json = (value: unknown): string =>
    JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? Number(each) : each));
  const changed = (Object.keys(content) as (keyof ProductContent)[]).filter(
    (field) => json(content[field]) !== json(product[field]),
  );
  const shown = changed.filter((field) => !longFields.has(field));
  const of = (from: ProductContent): object => Object.fromEntries(shown.map((field) => [field, from[field]]));
  const threshold = typeof lowStockThreshold === 'number' ? { lowStockThreshold } : {};
  return {
    before: { ...of(product), version: product.version },
    after: { ...of(content), ...threshold, version: product.version + 1, changed },
  };
}

/** Too long for the log. */
const longFields: ReadonlySet<string> = new Set(['description', 'images', 'addOns']);

async function changeThreshold(tx: Sql, product: Product, units: number): Promise<void> {
  const path = ['input', 'lowStockThreshold'];
  if (!hasStock(product.kind)) throw new RefusedError(validationError(`A ${product.kind} product has no stock.`, path));
  if (units < 0 || units > maxUnits)
    throw new RefusedError(validationError(`lowStockThreshold must be between 0 and ${maxUnits}.`, path));
  await setLowStockThreshold(tx, product.id, units);
}

/**
 * The nights that are not over anywhere on earth have the new number of rooms. The product's row, which this transaction
 * has locked by now, keeps new nights with the old number from being made meanwhile.
 */
async function changeNights(
  tx: Sql,
  product: Product,
  capacity: { from: number; to: number },
  change: { user: UserViewer; at: Date },
): Promise<void> {
  const firstNight = addDays(dateIn('UTC', change.at), -1);
  const overbooked = await changeCapacity(tx, { productId: product.id, capacity, firstNight }, change.user.userId);
  if (overbooked === null) return;
  throw new RefusedError(
    validationError(
      `capacity: more rooms than that are booked for the night of ${overbooked}, and perhaps for others.`,
      ['input', 'capacity'],
    ),
  );
}

function refuseNulls(input: UpdateProductInput): void {
  const problems = (
    ['name', 'description', 'price', 'status', 'taxCategory', 'lowStockThreshold', 'capacity', 'maxGuests'] as const
  )
    .filter((field) => input[field] === null)
    .map((field) => validationError(`${field} can't be removed; leave it out to keep it.`, ['input', field]));
  if (problems.length > 0) throw new RefusedError(...problems);
}

const changed = (input: UpdateProductInput, product: Product | null): RefusedError =>
  new RefusedError(
    conflictError('The product was changed meanwhile; read it again.', {
      expectedVersion: input.expectedVersion,
      actualVersion: product?.version ?? input.expectedVersion,
    }),
  );
