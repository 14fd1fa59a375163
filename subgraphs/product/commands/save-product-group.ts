import { type UserViewer, requireUser } from '../../shared/auth/viewer.ts';
import type { Sql } from '../../shared/database/database.ts';
import {
  type Refusal,
  RefusedError,
  conflictError,
  forbiddenError,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { type Asker, recordAct } from '../../shared/tables/staff-acts.ts';
import { type ProductDeps, changeCatalogue } from '../deps.ts';
import { type GroupedProduct, type ProductGroup, checkGroup, orderedOptions } from '../domain/product-group.ts';
import { type Product, mayEdit } from '../domain/product.ts';
import {
  type Member,
  groupsByIds,
  insertGroup,
  joinGroup,
  leaveGroups,
  lockGroup,
  memberIds,
  optionsOfProducts,
  orderGroup,
  updateGroup,
} from '../product-group-store.ts';
import { lockProducts } from '../product-store.ts';
import { requireEditable, requireSeller } from './editing.ts';

/** Answer to a change of a group. */
export type ProductGroupPayload = {
  readonly productGroup: ProductGroup | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

export type SaveProductGroupInput = {
  readonly id?: string | null;
  readonly name: string;
  readonly optionNames: readonly string[];
  readonly products: readonly GroupedProduct[];
};

const refused = (userErrors: readonly Refusal[]): ProductGroupPayload => ({
  productGroup: null,
  replayed: false,
  userErrors,
});

/**
 * Makes a group of products that are forms of one, or gives one other options and products; those that are left out leave
 * it. Staff; merchants for what they sell. All products of a group have one seller.
 */
export async function saveProductGroup(
  deps: Pick<ProductDeps, 'db' | 'now' | 'newId' | 'cacheVersions' | 'kickRelay'>,
  asker: Asker,
  input: SaveProductGroupInput,
  idempotencyKey: string,
): Promise<ProductGroupPayload> {
  const user = requireUser(asker.viewer);
  return orRefusals(async () => {
    requireSeller(user);
    const problems = checkGroup(input);
    if (problems.length > 0) throw new RefusedError(...problems);
    const isNew = input.id === null || input.id === undefined;
    const groupId = input.id ?? deps.newId();
    const claim = { ownerId: user.userId, operation: 'saveProductGroup', key: idempotencyKey, input };
    const shown = new Set([
      ...(await memberIds(deps.db.em(), groupId)),
      ...input.products.map(({ productId }) => productId),
    ]);
    let before: readonly string[] = [];
    const claimed = await changeCatalogue(deps, [...shown], () =>
      deps.db.transaction(async (tx) => {
        const claimedKey = await claimKey(tx, claim, { id: groupId });
        if (claimedKey.replayed) return claimedKey;
        before = await save(tx, user, { ...input, groupId, isNew }, deps.now());
        const { name, optionNames, products } = input;
        const after = { name, optionNames, products: products.map(({ productId }) => productId) };
        await recordAct(tx, deps, asker, {
          action: 'product_group.saved',
          subject: `product_group:${groupId}`,
          before: isNew ? null : { products: before },
          after,
        });
        return claimedKey;
      }),
    );
    // What joined the group between the two looks at it, and left by this change.
    const unseen = before.filter((id) => !shown.has(id));
    if (unseen.length > 0) await changeCatalogue(deps, unseen, () => Promise.resolve());
    const [saved = null] = await groupsByIds(deps.db.em(), [claimed.result.id]);
    return { productGroup: saved, replayed: claimed.replayed, userErrors: [] };
  }, refused);
}

type Saving = SaveProductGroupInput & { readonly groupId: string; readonly isNew: boolean };

/** The products that the group had before. */
async function save(tx: Sql, user: UserViewer, saving: Saving, at: Date): Promise<readonly string[]> {
  const { groupId, isNew, name, products } = saving;
  if (!isNew) await requireGroup(tx, user, groupId);
  const before = isNew ? [] : await memberIds(tx, groupId);
  const ids = products.map(({ productId }) => productId);
  const locked = new Map((await lockProducts(tx, [...new Set([...before, ...ids])])).map((product) => [product.id, product])); // prettier-ignore
  const chosen = products.map(({ productId }, index) => {
    const path = ['products', String(index), 'productId'];
    const product = requireEditable(user, locked.get(productId), productId, path);
    if (product.groupId !== null && product.groupId !== groupId)
      throw new RefusedError({ ...conflictError('The product is in another group.'), path });
    return product;
  });
  const [sellerId = null] = chosen.map((product) => product.sellerId);
  if (chosen.some((product) => product.sellerId !== sellerId))
    throw new RefusedError(validationError('The products of a group must have one seller.', ['products']));
  const optionNames = saving.optionNames.map((optionName) => optionName.trim());
  const group: ProductGroup = { id: groupId, name: name.trim(), optionNames, sellerId };
  await (isNew ? insertGroup : updateGroup)(tx, group, at);
  await moveMembers(tx, { group, before, chosen, products }, at);
  return before;
}

/** Only products that come, leave or get other options count as changed. */
async function moveMembers(
  tx: Sql,
  move: {
    group: ProductGroup;
    before: readonly string[];
    chosen: readonly Product[];
    products: readonly GroupedProduct[];
  },
  at: Date,
): Promise<void> {
  const { group, before, chosen, products } = move;
  const members = products.map(({ productId, options }): Member => ({ productId, options: orderedOptions(group.optionNames, options) ?? [] })); // prettier-ignore
  const had = await optionsOfProducts(tx, members.map(({ productId }) => productId)); // prettier-ignore
  const changed = members.filter(
    ({ options }, index) =>
      chosen[index]?.groupId !== group.id || JSON.stringify(options) !== JSON.stringify(had[index]),
  );
  const stay = new Set(members.map(({ productId }) => productId));
  const leaving = before.filter((id) => !stay.has(id));
  await leaveGroups(tx, [...leaving, ...changed.map(({ productId }) => productId)], at);
  await joinGroup(tx, group.id, changed);
  await orderGroup(tx, members.map(({ productId }) => productId)); // prettier-ignore
}

/** Locks the group, if this user may change it. */
async function requireGroup(tx: Sql, user: UserViewer, id: string): Promise<void> {
  const group = await lockGroup(tx, id);
  if (!group) throw new RefusedError(notFoundError('There is no such group of products.', id, ['id']));
  if (!mayEdit(user, group)) throw new RefusedError({ ...forbiddenError('Merchants change only what they sell.'), path: ['id'] }); // prettier-ignore
}
