import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type Viewer, anonymous } from '../../../subgraphs/shared/auth/viewer.ts';
import { type ProductWorld, openProductWorld, orderService, userViewer } from './product-world.ts';

let world: ProductWorld;
beforeAll(async () => {
  world = await openProductWorld();
});
afterAll(() => world.close());

const admin = userViewer('ADMIN');
const create = `mutation Create($input: CreateProductInput!, $key: String!) { createProduct(input: $input, idempotencyKey: $key) {
  product { id version taxCategory weightGrams category { id slug parent { slug parent { slug } } } }
  userErrors { __typename ... on UserError { code path } } } }`;
const update = `mutation Update($input: UpdateProductInput!) { updateProduct(input: $input) {
  product { id version taxCategory weightGrams category { id } } userErrors { __typename ... on UserError { code path } } } }`;
const references = 'query R($r: [_Any!]!) { _entities(representations: $r) { ... on Product { id categoryIds } } }';

const input = (change: Record<string, unknown> = {}) => ({
  sku: newId(),
  name: 'Cup',
  description: '',
  price: { amount: 900, currency: 'EUR' },
  ...change,
});
const make = async (change: Record<string, unknown> = {}) =>
  (await world.run(admin, create, { input: input(change), key: newId() })).data.createProduct;

type Saved = { category: { id: string } | null; replayed: boolean; userErrors: Record<string, unknown>[] };
const saving = `mutation S($id: ID, $slug: String!, $name: String!, $parentId: ID, $key: String!) {
  saveCategory(id: $id, slug: $slug, name: $name, parentId: $parentId, idempotencyKey: $key) {
    category { id slug name parent { id } } replayed userErrors { __typename ... on UserError { code message path } } } }`;
const removing = `mutation R($id: ID!, $key: String!) { removeCategory(id: $id, idempotencyKey: $key) {
  category { id } replayed userErrors { __typename ... on UserError { code path } } } }`;

const save = async (change: Record<string, unknown>, key = newId(), viewer: Viewer = admin): Promise<Saved> =>
  (await world.run(viewer, saving, { name: 'Some', key, ...change })).data?.saveCategory;
const remove = async (id: string, key = newId()): Promise<Saved> =>
  (await world.run(admin, removing, { id, key })).data.removeCategory;

/** A new category below another one. */
async function category(slug: string, parentId: string | null = null): Promise<string> {
  const { category: made, userErrors } = await save({ slug, name: slug, parentId });
  if (!made) throw new Error(JSON.stringify(userErrors));
  return made.id;
}

describe('what a product has for taxes, shipping and the catalogue', () => {
  test('is standard, unknown and nothing unless it is said', async () => {
    const { product, userErrors } = await make();
    expect(userErrors).toEqual([]);
    expect(product).toMatchObject({ taxCategory: 'standard', weightGrams: null, category: null });
  });

  test('is kept, changed and removed', async () => {
    const kitchen = await category('kitchen');
    const { product } = await make({ taxCategory: 'reduced', weightGrams: 250, categoryId: kitchen });
    expect(product).toMatchObject({ taxCategory: 'reduced', weightGrams: 250, category: { id: kitchen } });
    const change = (fields: Record<string, unknown>, expectedVersion: number) =>
      world.run(admin, update, { input: { id: product.id, expectedVersion, ...fields } });
    const second = await change({ taxCategory: 'zero' }, 1);
    expect(second.data.updateProduct.product).toMatchObject({ taxCategory: 'zero', weightGrams: 250, category: { id: kitchen } }); // prettier-ignore
    const third = await change({ weightGrams: null, categoryId: null }, 2);
    expect(third.data.updateProduct.product).toMatchObject({ taxCategory: 'zero', weightGrams: null, category: null });
    const refused = await change({ taxCategory: null }, 3);
    expect(refused.data.updateProduct.userErrors).toMatchObject([{ path: ['input', 'taxCategory'] }]);
  });

  test.each([newId(), 'nothing like an id', ''])('a category that there is not is refused: %j', async (categoryId) => {
    const refusal = { __typename: 'NotFoundError', code: 'NOT_FOUND', path: ['input', 'categoryId'] };
    expect(await make({ categoryId })).toEqual({ product: null, userErrors: [refusal] });
    const { product } = await make();
    const { data } = await world.run(admin, update, { input: { id: product.id, expectedVersion: 1, categoryId } });
    expect(data.updateProduct).toEqual({ product: null, userErrors: [refusal] });
  });

  test.each([
    [{ weightGrams: -1 }, 'weightGrams'],
    [{ weightGrams: 5, kind: 'DIGITAL' }, 'weightGrams'],
    [{ taxCategory: 'a b' }, 'taxCategory'],
  ])('%j is refused', async (change, field) => {
    expect(await make(change)).toMatchObject({ product: null, userErrors: [{ code: 'VALIDATION', path: ['input', field] }] }); // prettier-ignore
  });
});

describe('the categories of many products', () => {
  const ask = (ids: readonly string[]) =>
    world.run(orderService, references, { r: ids.map((id) => ({ __typename: 'Product', id })) });

  test('are read in one statement, from its own up to the root', async () => {
    const path: string[] = [];
    for (let level = 0; level < 5; level += 1) path.unshift(await category(`level-${level}`, path[0] ?? null));
    const products = [
      ...(await Promise.all(path.map(async (categoryId) => (await make({ categoryId })).product))),
      (await make()).product,
    ];
    let answer: Awaited<ReturnType<typeof ask>> | undefined;
    const statements = await world.statements(async () => {
      answer = await ask(products.map(({ id }) => id));
    });
    expect(statements).toHaveLength(2);
    expect(answer?.errors).toEqual([]);
    expect(answer?.data._entities.map(({ categoryIds }: { categoryIds: string[] }) => categoryIds)).toEqual([
      ...path.map((_, index) => path.slice(index)),
      [],
    ]);
  });

  test('cost nothing where there is none', async () => {
    const { product } = await make();
    expect(await world.statements(() => ask([product.id]))).toHaveLength(1);
    const making = () => world.run(admin, create, { input: input(), key: newId() });
    const categoryId = await category('bath');
    const placed = () => world.run(admin, create, { input: input({ categoryId }), key: newId() });
    // Locking the category, then reading it and its parents for the answer.
    expect(await world.statements(placed)).toHaveLength((await world.statements(making)).length + 2);
  });
});

describe('the tree', () => {
  const all = '{ categories { id slug parent { id } children { slug } } }';
  const one = `query C($id: ID, $slug: String, $first: Int, $after: String, $filter: ProductFilter, $orderBy: ProductOrder) {
    category(id: $id, slug: $slug) { id slug children { slug } products(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
      totalCount edges { node { name } } pageInfo { hasNextPage endCursor } } } }`;

  test('[CH-6] lists parents before their children, by name', async () => {
    const root = await category('tree-root');
    await category('tree-z', root);
    const a = await category('tree-a', root);
    await category('tree-b', a);
    const { categories } = (await world.run(anonymous, all)).data;
    const slugs: string[] = categories.map(({ slug }: { slug: string }) => slug);
    expect(slugs.filter((slug) => slug.startsWith('tree-'))).toEqual(['tree-root', 'tree-a', 'tree-b', 'tree-z']);
    expect(categories.find(({ id }: { id: string }) => id === root)).toMatchObject({ parent: null, children: [{ slug: 'tree-a' }, { slug: 'tree-z' }] }); // prettier-ignore
  });

  test('[CH-6] a category has what stands in it and below it, filtered, sorted and in pages', async () => {
    const root = await category('food');
    const leaf = await category('bread', await category('baked', root));
    const other = await category('drinks');
    for (const [name, categoryId, amount] of [['Rye', leaf, 400], ['Spelt', leaf, 500], ['Gift card', root, 100], ['Cola', other, 200]] as const)
      await make({ name, categoryId, price: { amount, currency: 'EUR' } });
    const ask = async (variables: Record<string, unknown>) => (await world.run(anonymous, one, variables)).data.category;
    const orderBy = { by: 'PRICE', direction: 'ASC' };
    const first = await ask({ slug: 'food', first: 2, orderBy });
    const names = ({ products }: typeof first) => products.edges.map(({ node }: { node: { name: string } }) => node.name);
    expect([first.id, first.products.totalCount, names(first), first.products.pageInfo.hasNextPage]).toEqual([root, 3, ['Gift card', 'Rye'], true]);
    const next = await ask({ id: root, first: 2, orderBy, after: first.products.pageInfo.endCursor });
    expect(names(next)).toEqual(['Spelt']);
    expect(names(await ask({ id: root, filter: { priceMin: 450 } }))).toEqual(['Spelt']);
    expect(names(await ask({ id: root, orderBy, filter: { categoryId: leaf } }))).toEqual(['Rye', 'Spelt']);
    expect(names(await ask({ id: leaf, filter: { categoryId: other } }))).toEqual([]);
    const foreign = await world.run(anonymous, one, { id: leaf, first: 2, orderBy, after: first.products.pageInfo.endCursor });
    expect(foreign.errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
    const filtered = 'query F($filter: ProductFilter) { products(filter: $filter) { totalCount } }';
    for (const [categoryId, count] of [[root, 3], [leaf, 2], [newId(), 0], ['no id', 0]] as const)
      expect((await world.run(anonymous, filtered, { filter: { categoryId } })).data.products.totalCount).toBe(count);
  }); // prettier-ignore

  test('a category by neither or both of id and slug is bad input; an unknown one is not found', async () => {
    for (const by of [{}, { id: newId(), slug: 'food' }])
      expect((await world.run(anonymous, one, by)).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
    for (const by of [{ id: newId() }, { id: 'x' }, { slug: 'nothing' }])
      expect((await world.run(anonymous, one, by)).errors).toMatchObject([{ code: 'NOT_FOUND' }]);
  });

  test('the same key gives the same category; other input with it is refused', async () => {
    const key = newId();
    const first = await save({ slug: 'once' }, key);
    expect(await save({ slug: 'once' }, key)).toEqual({ ...first, replayed: true });
    expect((await save({ slug: 'twice' }, key)).userErrors).toMatchObject([{ code: 'IDEMPOTENCY_CONFLICT' }]);
  });

  test('only staff change it', async () => {
    for (const viewer of [userViewer('CUSTOMER'), userViewer('MERCHANT')])
      expect(await save({ slug: 'mine' }, newId(), viewer)).toMatchObject({ category: null, userErrors: [{ code: 'FORBIDDEN' }] }); // prettier-ignore
    expect(await save({ slug: 'by-operator' }, newId(), userViewer('OPERATOR'))).toMatchObject({ userErrors: [] });
  });

  test('names, slugs and places that break a rule are refused', async () => {
    await category('taken');
    const refusals: [Record<string, unknown>, string, string][] = [
      [{ slug: 'taken' }, 'CONFLICT', 'slug'],
      [{ slug: '' }, 'VALIDATION', 'slug'],
      [{ slug: 'Upper' }, 'VALIDATION', 'slug'],
      [{ slug: 'a--b' }, 'VALIDATION', 'slug'],
      [{ slug: 's'.repeat(65) }, 'VALIDATION', 'slug'],
      [{ slug: 'fine', name: ' ' }, 'VALIDATION', 'name'],
      [{ slug: 'fine', name: 'n'.repeat(201) }, 'VALIDATION', 'name'],
      [{ slug: 'fine', name: 'half \ud83d' }, 'VALIDATION', 'name'],
      [{ slug: 'fine', parentId: newId() }, 'NOT_FOUND', 'parentId'],
      [{ slug: 'fine', parentId: 'x' }, 'NOT_FOUND', 'parentId'],
      [{ slug: 'fine', id: newId() }, 'NOT_FOUND', 'id'],
    ];
    for (const [change, code, path] of refusals)
      expect([change, await save(change)]).toMatchObject([change, { category: null, userErrors: [{ code, path: [path] }] }]); // prettier-ignore
  });

  test('has no cycle and at most five levels', async () => {
    const path = [await category('deep-1')];
    for (let level = 2; level <= 5; level += 1) path.push(await category(`deep-${level}`, path.at(-1)));
    const refused = { category: null, userErrors: [{ code: 'VALIDATION', path: ['parentId'] }] };
    expect(await save({ slug: 'deep-6', parentId: path[4] })).toMatchObject(refused);
    for (const parentId of [path[0], path[4]])
      expect(await save({ id: path[0], slug: 'deep-1', parentId })).toMatchObject(refused);
    // A branch that is too tall where it would go.
    const tall = await category('tall');
    await category('tall-2', tall);
    expect(await save({ id: tall, slug: 'tall', parentId: path[3] })).toMatchObject(refused);
    expect(await save({ id: tall, slug: 'tall', parentId: path[2] })).toMatchObject({ userErrors: [] });
  });

  test('has no cycle where two move below each other at the same moment, twenty times', async () => {
    for (let round = 0; round < 20; round += 1) {
      const [one, other] = [await category(`race-a${round}`), await category(`race-b${round}`)];
      const moves = await Promise.all([
        save({ id: one, slug: `race-a${round}`, parentId: other }),
        save({ id: other, slug: `race-b${round}`, parentId: one }),
      ]);
      expect(moves.filter(({ userErrors }) => userErrors.length === 0)).toHaveLength(1);
    }
    expect((await world.run(anonymous, all)).errors).toEqual([]);
  }, 60_000);

  test('a slug goes to one of ten who want it at the same moment', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => save({ slug: 'wanted' })));
    expect(answers.filter(({ category: made }) => made !== null)).toHaveLength(1);
  });

  test('a category goes only when it is empty', async () => {
    const parent = await category('parent');
    const child = await category('child', parent);
    const kept = { category: null, userErrors: [{ code: 'CONFLICT', path: ['id'] }] };
    expect(await remove(parent)).toMatchObject(kept);
    const { product } = await make({ categoryId: child });
    await world.run(admin, 'mutation R($id: ID!) { removeProduct(id: $id) { userErrors { __typename } } }', { id: product.id }); // prettier-ignore
    expect(await remove(child)).toMatchObject(kept);
    await world.run(admin, update, { input: { id: product.id, expectedVersion: 2, categoryId: null } });
    const key = newId();
    expect(await remove(child, key)).toEqual({ category: null, replayed: false, userErrors: [] });
    expect(await remove(child, key)).toEqual({ category: null, replayed: true, userErrors: [] });
    expect(await remove(child)).toMatchObject({ userErrors: [{ code: 'NOT_FOUND' }] });
    expect(await remove(parent)).toMatchObject({ userErrors: [] });
  });

  test('no product is left in a category that goes at the same moment, twenty times', async () => {
    for (let round = 0; round < 20; round += 1) {
      const categoryId = await category(`going-${round}`);
      const [made, gone] = await Promise.all([make({ categoryId }), remove(categoryId)]);
      expect((made.product === null) !== gone.userErrors.length > 0).toBe(true);
    }
  }, 60_000);
});

describe('low stock', () => {
  const low = 'query L($first: Int, $after: String) { lowStock(first: $first, after: $after) { totalCount edges { node { id } } pageInfo { hasNextPage endCursor } } }'; // prettier-ignore
  const threshold =
    'mutation T($input: UpdateProductInput!) { updateProduct(input: $input) { userErrors { __typename } } }';

  test('has what is at its threshold or below, newest first, in pages; staff only', async () => {
    const made = [];
    for (const [onHand, units] of [[5, 5], [6, 5], [0, 0], [1, 0]] as const) {
      const product = await world.make({ initialOnHand: onHand });
      await world.run(admin, threshold, { input: { id: product.id, expectedVersion: 1, lowStockThreshold: units } });
      made.push(product.id);
    }
    await world.make({ kind: 'DIGITAL' });
    const first = (await world.run(admin, low, { first: 1 })).data.lowStock;
    expect(first.edges[0].node.id).toBe(made[2]);
    const rest = (await world.run(admin, low, { first: 100, after: first.pageInfo.endCursor })).data.lowStock;
    const ids = rest.edges.map(({ node }: { node: { id: string } }) => node.id);
    expect(ids).toContain(made[0]);
    for (const id of [made[1], made[2], made[3]]) expect(ids).not.toContain(id);
    expect(first.totalCount).toBe(1 + ids.length);
    expect((await world.run(anonymous, low)).errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
    expect((await world.run(userViewer('MERCHANT'), low)).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect((await world.run(admin, low, { after: 'x' })).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  }); // prettier-ignore
});
