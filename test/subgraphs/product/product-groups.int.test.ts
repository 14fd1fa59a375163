import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Viewer, anonymous } from '../../../subgraphs/shared/auth/viewer.ts';
import { saveProductGroup } from '../../../subgraphs/product/commands/save-product-group.ts';
import { productTag } from '../../../subgraphs/shared/process/cache-versions.ts';
import { asker } from '../../support/asker.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type ProductWorld, openProductWorld, orderService, userViewer } from './product-world.ts';

let world: ProductWorld;
beforeAll(async () => {
  world = await openProductWorld();
});
afterAll(() => world.close());

const admin = userViewer('ADMIN');
const merchant = userViewer('MERCHANT');
const saving = `mutation S($id: ID, $name: String!, $optionNames: [String!]!, $products: [GroupedProductInput!]!, $key: String!) {
  saveProductGroup(id: $id, name: $name, optionNames: $optionNames, products: $products, idempotencyKey: $key) {
    productGroup { id name optionNames products { id options { name value } } }
    replayed userErrors { __typename ... on UserError { code message path } } } }`;
const reading = 'query G($id: ID!) { productGroup(id: $id) { name products { id } } }';
const listing = 'query L($filter: ProductFilter) { products(filter: $filter, orderBy: { by: PRICE, direction: ASC }) { edges { node { id } } } }'; // prettier-ignore
const showing =
  'query P($id: ID!) { product(id: $id) { version options { name value } group { id products { id } } } }';

type Option = { name: string; value: string };
type Group = { id: string; name: string; products: { id: string; options: Option[] }[] };
type Payload = { productGroup: Group | null; replayed: boolean; userErrors: { code: string; path: string[] }[] };

const options = (...values: string[]): Option[] =>
  values.map((value, index) => ({ name: ['Size', 'Colour'][index] ?? 'Third', value }));
const save = async (input: Record<string, unknown>, key = newId(), viewer: Viewer = admin): Promise<Payload> =>
  (await world.run(viewer, saving, { name: 'Shirt', optionNames: ['Size'], key, ...input })).data?.saveProductGroup;
const makeMany = async (count: number, viewer?: Viewer) =>
  Promise.all(Array.from({ length: count }, async () => (await world.make({}, viewer as typeof admin)).id));
const grouped = (ids: readonly string[], ...values: string[][]) =>
  ids.map((productId, index) => ({ productId, options: options(...(values[index] ?? [])) }));
const shown = async (id: string) => (await world.run(admin, showing, { id })).data.product;

describe('a group of products', () => {
  test('[CH-6] has its products with their options, in the given order, and they have it', async () => {
    const ids = await makeMany(3);
    const products = grouped(ids, ['L', 'red'], ['S', 'red'], ['S', 'blue']).map(({ productId, options: given }) => ({ productId, options: given.toReversed() })); // prettier-ignore
    const { productGroup, userErrors } = await save({ optionNames: ['Size', 'Colour'], products });
    expect(userErrors).toEqual([]);
    expect(productGroup).toMatchObject({
      name: 'Shirt',
      optionNames: ['Size', 'Colour'],
      products: [{ id: ids[0], options: options('L', 'red') }, { id: ids[1] }, { id: ids[2] }],
    });
    expect(await shown(ids[1] as string)).toEqual({
      version: 2,
      options: options('S', 'red'),
      group: { id: productGroup?.id, products: ids.map((id) => ({ id })) },
    });
    const list = async (filter: Record<string, unknown>) =>
      (await world.run(anonymous, listing, { filter })).data.products.edges.map(({ node }: { node: { id: string } }) => node.id); // prettier-ignore
    const groupId = productGroup?.id;
    expect((await list({ groupId })).toSorted()).toEqual(ids.toSorted());
    expect((await list({ groupId, options: [{ name: 'SIZE', value: 's' }] })).toSorted()).toEqual(ids.slice(1).toSorted()); // prettier-ignore
    expect(await list({ groupId, options: [{ name: 'size', value: 'S' }, { name: 'colour', value: 'Blue' }] })).toEqual([ids[2]]); // prettier-ignore
    expect(await list({ groupId, options: [{ name: 'Size', value: 'XL' }] })).toEqual([]);
    for (const unknown of [newId(), 'x']) expect(await list({ groupId: unknown })).toEqual([]);
  });

  test('saved anew has only what is given; only what changed counts as changed', async () => {
    const ids = await makeMany(4);
    const first = await save({ products: grouped(ids.slice(0, 3), ['S'], ['M'], ['L']) });
    const id = first.productGroup?.id;
    // Two swap their options, one stays, one leaves, one comes.
    const again = await save({ id, name: 'Jersey', products: grouped([ids[1], ids[0], ids[3]] as string[], ['S'], ['M'], ['XL']) }); // prettier-ignore
    expect(again.userErrors).toEqual([]);
    expect(again.productGroup).toMatchObject({ name: 'Jersey', products: [{ id: ids[1] }, { id: ids[0] }, { id: ids[3] }] }); // prettier-ignore
    expect(await shown(ids[2] as string)).toEqual({ version: 3, options: [], group: null });
    const same = grouped([ids[1], ids[0], ids[3]] as string[], ['S'], ['M'], ['XL']);
    await save({ id, name: 'Jersey', products: same.toReversed() });
    expect((await Promise.all(ids.map(shown))).map(({ version }) => version)).toEqual([3, 3, 3, 2]);
  });

  test('the same key gives the same group', async () => {
    const input = { products: grouped(await makeMany(1), ['S']) };
    const key = newId();
    const first = await save(input, key);
    expect(await save(input, key)).toEqual({ ...first, replayed: true });
  });

  test('a product is in one group, and of two at the same moment one gets it', async () => {
    const [id, other] = (await makeMany(2)) as [string, string];
    const answers = await Promise.all([save({ products: grouped([id], ['S']) }), save({ products: grouped([id], ['M']) })]);
    expect(answers.filter(({ productGroup }) => productGroup)).toHaveLength(1);
    const { userErrors } = await save({ products: grouped([other, id], ['S'], ['M']) });
    expect(userErrors).toMatchObject([{ code: 'CONFLICT', path: ['products', '1', 'productId'] }]);
    expect(await shown(other)).toMatchObject({ version: 1, group: null });
  }); // prettier-ignore

  test('groups that are saved at the same moment are whole', async () => {
    const ids = await makeMany(4);
    const { productGroup } = await save({ products: grouped(ids.slice(0, 1), ['S']) });
    const subsets = [
      [0, 1],
      [2, 3],
      [1, 2, 3],
      [3, 0],
    ].map((places) => places.map((place) => ids[place] as string));
    const answers = await Promise.all(subsets.map((subset) => save({ id: productGroup?.id, products: grouped(subset, ['S'], ['M'], ['L']) }))); // prettier-ignore
    expect(answers.flatMap(({ userErrors }) => userErrors)).toEqual([]);
    const { data } = await world.run(admin, reading, { id: productGroup?.id });
    const members = data.productGroup.products.map((member: { id: string }) => member.id);
    expect(subsets).toContainEqual(members);
  });

  test('a product that joins just before a change takes it out again is not answered with its old options', async () => {
    const [stays, joins] = await makeMany(2);
    const { productGroup } = await save({ products: grouped([stays as string], ['S']) });
    const id = productGroup?.id ?? '';
    const told: string[] = [];
    const { cacheVersions, ...deps } = world.subgraph.deps;
    const change: typeof cacheVersions.change = async (tags, work) => {
      if (told.length === 0) await save({ id, products: grouped([stays, joins] as string[], ['S'], ['M']) });
      told.push(...tags);
      return cacheVersions.change(tags, work);
    };
    const input = { id, name: 'Shirt', optionNames: ['Size'], products: grouped([stays as string], ['S']) };
    const saved = await saveProductGroup({ ...deps, cacheVersions: { change } }, asker(admin), input, newId());
    expect(saved.userErrors).toEqual([]);
    expect(await shown(joins as string)).toMatchObject({ options: [], group: null });
    expect(told).toEqual(expect.arrayContaining([productTag(stays as string), productTag(joins as string)]));
  });

  test('input that breaks a rule is refused', async () => {
    const [one, two] = (await makeMany(2)) as [string, string];
    const own = (await world.make({}, merchant)).id;
    const refusals: [Record<string, unknown>, string, (string | undefined)[]][] = [
      [{ products: [] }, 'VALIDATION', ['products']],
      [{ name: ' ', products: grouped([one], ['S']) }, 'VALIDATION', ['name']],
      [{ optionNames: [], products: grouped([one]) }, 'VALIDATION', ['optionNames']],
      [{ optionNames: ['a', 'b', 'c', 'd', 'e', 'f'], products: grouped([one]) }, 'VALIDATION', ['optionNames']],
      [{ optionNames: ['Size', 'SIZE '], products: grouped([one], ['S']) }, 'VALIDATION', ['optionNames']],
      [{ optionNames: [''], products: grouped([one], ['S']) }, 'VALIDATION', ['optionNames', '0']],
      [{ optionNames: ['x'.repeat(65)], products: grouped([one], ['S']) }, 'VALIDATION', ['optionNames', '0']],
      [{ products: grouped([one, two], ['S'], ['s']) }, 'VALIDATION', ['products', '1', 'options']],
      [{ products: grouped([one, one], ['S'], ['M']) }, 'VALIDATION', ['products', '1', 'productId']],
      [{ products: grouped([one]) }, 'VALIDATION', ['products', '0', 'options']],
      [{ products: grouped([one], ['S', 'red']) }, 'VALIDATION', ['products', '0', 'options']],
      [{ products: [{ productId: one, options: [{ name: 'Weight', value: '1' }] }] }, 'VALIDATION', ['products', '0', 'options']],
      [{ products: grouped([one], ['x'.repeat(65)]) }, 'VALIDATION', ['products', '0', 'options', '0', 'value']],
      [{ products: grouped([one, newId()], ['S'], ['M']) }, 'NOT_FOUND', ['products', '1', 'productId']],
      [{ products: grouped(['x'], ['S']) }, 'NOT_FOUND', ['products', '0', 'productId']],
      [{ products: grouped([one, own], ['S'], ['M']) }, 'VALIDATION', ['products']],
      [{ id: newId(), products: grouped([one], ['S']) }, 'NOT_FOUND', ['id']],
      [{ id: 'x', products: grouped([one], ['S']) }, 'NOT_FOUND', ['id']],
      [{ id: '', products: grouped([one], ['S']) }, 'NOT_FOUND', ['id']],
    ]; // prettier-ignore
    for (const [input, code, path] of refusals)
      expect([input, await save(input)]).toMatchObject([input, { productGroup: null, userErrors: [{ code, path }] }]);
    const many = Array.from({ length: 101 }, () => one);
    expect(await save({ products: grouped(many) })).toMatchObject({ userErrors: [{ path: ['products'] }] });
    expect(await shown(one)).toMatchObject({ version: 1, group: null });
  });

  test('letters that fold to many are kept, too', async () => {
    const wide = '\ufdfa'.repeat(64);
    const { userErrors } = await save({ optionNames: [wide], products: [{ productId: (await makeMany(1))[0], options: [{ name: wide, value: wide }] }] }); // prettier-ignore
    expect(userErrors).toEqual([]);
  });

  test('merchants group what they sell; others nothing', async () => {
    const ids = await makeMany(2, merchant);
    const input = { products: grouped(ids, ['S'], ['M']) };
    for (const viewer of [userViewer('MERCHANT'), userViewer('CUSTOMER')])
      expect(await save(input, newId(), viewer)).toMatchObject({ productGroup: null, userErrors: [{ code: 'FORBIDDEN' }] });
    const { productGroup } = await save(input, newId(), merchant);
    expect(productGroup?.products).toHaveLength(2);
    const theft = { id: productGroup?.id, products: grouped(await makeMany(1, userViewer('MERCHANT')), ['S']) };
    expect(await save(theft, newId(), userViewer('MERCHANT'))).toMatchObject({ userErrors: [{ code: 'FORBIDDEN', path: ['id'] }] });
    expect(await save({ ...input, id: productGroup?.id, name: 'By staff' })).toMatchObject({ userErrors: [] });
  }); // prettier-ignore

  test('shows what a list would show, and is hidden with all of its products', async () => {
    const draft = (await world.make({ status: 'DRAFT' }, merchant)).id;
    const { productGroup } = await save({ products: grouped([draft], ['S']) }, newId(), merchant);
    const id = productGroup?.id;
    for (const viewer of [anonymous, userViewer('CUSTOMER')])
      expect((await world.run(viewer, reading, { id })).errors).toMatchObject([{ code: 'NOT_FOUND' }]);
    for (const viewer of [merchant, admin])
      expect((await world.run(viewer, reading, { id })).data.productGroup.products).toEqual([{ id: draft }]);
    const onSale = (await world.make({}, merchant)).id;
    await save({ id, products: grouped([draft, onSale], ['S'], ['M']) }, newId(), merchant);
    expect((await world.run(anonymous, reading, { id })).data.productGroup.products).toEqual([{ id: onSale }]);
    for (const unknown of [newId(), 'x'])
      expect((await world.run(admin, reading, { id: unknown })).errors).toMatchObject([{ code: 'NOT_FOUND' }]);
  });

  test('options and groups of many products are read in three statements; without a group in none', async () => {
    const groups = await Promise.all([0, 1, 2].map(async () => save({ products: grouped(await makeMany(2), ['S'], ['M']) })));
    const ids = groups.flatMap(({ productGroup }) => productGroup?.products.map(({ id }) => id) ?? []);
    const query = 'query E($r: [_Any!]!) { _entities(representations: $r) { ... on Product { options { name value } group { products { id } } } } }';
    const reading = (given: readonly string[]) => world.statements(async () => {
      const { errors } = await world.run(orderService, query, { r: given.map((id) => ({ __typename: 'Product', id })) });
      expect(errors).toEqual([]);
    });
    expect(await reading(ids)).toHaveLength(4);
    expect(await reading(await makeMany(2))).toHaveLength(1);
  }); // prettier-ignore
});
