import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { insertRows } from '../../../subgraphs/shared/database/statements.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
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

/** A category below another one, made in the table itself. */
async function category(slug: string, parentId: string | null = null): Promise<string> {
  const id = newId();
  const at = new Date();
  const row = { id: idToBytes(id), slug, name: slug, parent_id: parentId && idToBytes(parentId), created_at: at, updated_at: at }; // prettier-ignore
  await insertRows(world.sql(), 'category', [row]);
  return id;
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
