import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { anonymous } from '../../../subgraphs/shared/auth/viewer.ts';
import { write } from '../../../subgraphs/shared/database/database.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type ProductWorld, openProductWorld, orderService, userViewer } from './product-world.ts';

let world: ProductWorld;
beforeAll(async () => {
  world = await openProductWorld();
});
afterAll(() => world.close());

const list = /* GraphQL */ `
  query List($first: Int, $after: String, $filter: ProductFilter, $orderBy: ProductOrder) {
    products(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
      edges { cursor node { id sku name price { amount } } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`; // prettier-ignore
const count = 'query Count($filter: ProductFilter) { products(filter: $filter, first: 1) { totalCount } }';

type Node = { id: string; sku: string; name: string; price: { amount: number } };
const page = async (variables: Record<string, unknown>, viewer: Parameters<ProductWorld['run']>[0] = anonymous) => {
  const { data, errors } = await world.run(viewer, list, variables);
  expect(errors).toEqual([]);
  return {
    nodes: data.products.edges.map((edge: { node: Node }) => edge.node) as Node[],
    info: data.products.pageInfo as { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string | null },
  };
};
const namesOf = async (filter: Record<string, unknown>, viewer: Parameters<ProductWorld['run']>[0] = anonymous) =>
  (await page({ first: 100, filter }, viewer)).nodes.map((node) => node.name).toSorted();

describe('paging', () => {
  const sorts = ['CREATED_AT', 'PRICE', 'NAME', 'POPULARITY'] as const;
  test.each(sorts.flatMap((by) => (['ASC', 'DESC'] as const).map((direction) => ({ by, direction }))))(
    'by $by $direction finds each product once, in order, while others are added',
    async (orderBy) => {
      const seller = userViewer('MERCHANT');
      const made: string[] = [];
      const add = async (index: number) => {
        // Several share each sort value, so that only the id tells them apart.
        const product = await world.make(
          { name: `${'aBc'[index % 3]} thing`, price: { amount: 100 + (index % 4), currency: 'EUR' } },
          seller,
        );
        await write(world.sql(), 'update product set sold = ? where sku = ?', [index % 3, product.sku]);
        return product.id;
      };
      for (let index = 0; index < 17; index += 1) made.push(await add(index));

      const filter = { sellerId: seller.userId };
      const seen: Node[] = [];
      let after: string | null = null;
      for (let more = true, turn = 0; more; turn += 1) {
        const { nodes, info } = await page({ first: 4, after, filter, orderBy });
        expect(info.hasPreviousPage).toBe(turn > 0);
        seen.push(...nodes);
        after = info.endCursor;
        more = info.hasNextPage;
        if (turn < 3) await add(turn);
      }
      const ids = seen.map((node) => node.id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(made.filter((id) => !ids.includes(id))).toEqual([]);
      const rising = orderBy.direction === 'ASC' ? seen : seen.toReversed();
      const value = (node: Node) => (orderBy.by === 'PRICE' ? node.price.amount : node.name.toLowerCase());
      if (orderBy.by === 'PRICE' || orderBy.by === 'NAME') {
        for (const [index, node] of rising.slice(1).entries()) expect(value(node) >= value(rising[index]!)).toBe(true);
      }
      if (orderBy.by === 'CREATED_AT')
        expect(rising.map((node) => node.id)).toEqual(rising.map((node) => node.id).toSorted());
    },
  );

  test('cursors of other sorts, other lists and nobody are refused, like page sizes beyond 1 to 100', async () => {
    await world.make();
    const cursor = (await page({ first: 1, orderBy: { by: 'PRICE' } })).info.endCursor;
    const key = (...values: unknown[]) => Buffer.from(JSON.stringify(values)).toString('base64url');
    const bad = [
      { after: cursor, orderBy: { by: 'NAME' } },
      { after: cursor, orderBy: { by: 'PRICE', direction: 'ASC' } },
      { after: cursor, orderBy: { by: 'PRICE' }, filter: { kind: ['DIGITAL'] } },
      { after: 'nonsense' },
      { after: key('CREATED_AT', 1, 'x') },
      { after: key('CREATED_AT', '1', newId()) },
      { after: key('CREATED_AT', 1e300, newId()) },
      { after: key('CREATED_AT', 1.5, newId()) },
      { after: key(1) },
      { first: 0 },
      { first: 101 },
      { first: -1 },
      { filter: { query: 'x'.repeat(201) } },
      { filter: { query: 'a b c d e f g h i j k' } },
    ];
    for (const variables of bad)
      expect((await world.run(anonymous, list, variables)).errors[0]?.code).toBe('BAD_USER_INPUT');
  });

  test('totalCount is counted only when selected', async () => {
    const seller = userViewer('MERCHANT');
    for (let index = 0; index < 3; index += 1) await world.make({}, seller);
    const filter = { sellerId: seller.userId };
    expect((await world.run(anonymous, count, { filter })).data.products.totalCount).toBe(3);
    const counting = (query: string) => world.statements(() => world.run(anonymous, query, { filter }));
    expect((await counting(list)).filter((text) => text.includes('count(*)'))).toHaveLength(0);
    expect((await counting(count)).filter((text) => text.includes('count(*)'))).toHaveLength(1);
  });
});

describe('filters', () => {
  const seller = userViewer('MERCHANT');
  const own = (filter: Record<string, unknown>) => ({ sellerId: seller.userId, ...filter });
  beforeAll(async () => {
    await world.make(
      {
        sku: 'F-100',
        name: 'Grüner Tee',
        subtitle: '100% leaves',
        price: { amount: 100, currency: 'EUR' },
        initialOnHand: 5,
      },
      seller,
    );
    await world.make(
      { sku: 'F_200', name: 'Black tea', subtitle: 'in bags', price: { amount: 200, currency: 'EUR' } },
      seller,
    );
    await world.make(
      { sku: 'F.300', name: 'Tea e-book', kind: 'DIGITAL', price: { amount: 300, currency: 'EUR' } },
      seller,
    );
    await world.make({ sku: 'F.400', name: 'Draft tea', status: 'DRAFT' }, seller);
    await world.make({ sku: 'F.500', name: 'Resting tea', status: 'OFF_SALE' }, seller);
  });

  test('search looks for every word in name, subtitle and SKU, upper and lower case alike', async () => {
    expect(await namesOf(own({ query: 'TEA' }))).toEqual(['Black tea', 'Tea e-book']);
    expect(await namesOf(own({ query: 'bags  black' }))).toEqual(['Black tea']);
    expect(await namesOf(own({ query: 'GRÜNER' }))).toEqual(['Grüner Tee']);
    expect(await namesOf(own({ query: 'f.3' }))).toEqual(['Tea e-book']);
  });

  test('search folds case, accents and word forms on both sides, and reads descriptions', async () => {
    const other = userViewer('MERCHANT');
    await world.make({ name: 'Cafe\u0301 Größe', description: 'Hand-thrown stoneware for two.' }, other);
    await world.make({ name: 'Mug', subtitle: 'a berry one', description: '' }, other);
    const found = (query: string) => namesOf({ sellerId: other.userId, query });
    for (const query of ['CAFÉ', 'cafe', 'café', 'CAFE\u0301', 'GRÖSSE', 'grosse', 'größe', 'stoneware', 'throw', 'THROWN stone'])
      expect([query, await found(query)]).toEqual([query, ['Cafe\u0301 Größe']]);
    for (const query of ['mugs', 'MUG', 'berries', 'berry', 'ｍｕｇ']) expect([query, await found(query)]).toEqual([query, ['Mug']]);
    expect(await found('tea')).toEqual([]);
  }); // prettier-ignore

  test('characters that LIKE or SQL would take as theirs are plain text', async () => {
    expect(await namesOf(own({ query: '100%' }))).toEqual(['Grüner Tee']);
    expect(await namesOf(own({ query: '%' }))).toEqual(['Grüner Tee']);
    expect(await namesOf(own({ query: '_' }))).toEqual(['Black tea']);
    for (const query of ['\\', "'", "' or 1=1 -- ", '?', '😀']) expect(await namesOf(own({ query }))).toEqual([]);
  });

  test('kind, price and stock', async () => {
    expect(await namesOf(own({ kind: ['DIGITAL'] }))).toEqual(['Tea e-book']);
    expect(await namesOf(own({ kind: [] }))).toEqual([]);
    expect(await namesOf(own({ priceMin: 200, priceMax: 200 }))).toEqual(['Black tea']);
    expect(await namesOf(own({ inStock: true }))).toEqual(['Grüner Tee', 'Tea e-book']);
    expect(await namesOf(own({ inStock: false }))).toEqual(['Black tea']);
    expect(await namesOf({ sellerId: 'x' })).toEqual([]);
  });

  test('others see only what is on sale, whatever they ask for; staff and the seller see the rest', async () => {
    const onSale = ['Black tea', 'Grüner Tee', 'Tea e-book'];
    const customer = userViewer('CUSTOMER');
    for (const viewer of [anonymous, customer, userViewer('MERCHANT')]) {
      expect(await namesOf(own({}), viewer)).toEqual(onSale);
      expect(await namesOf(own({ status: ['DRAFT', 'OFF_SALE'] }), viewer)).toEqual([]);
      expect(await namesOf(own({ status: ['DRAFT', 'ON_SALE'] }), viewer)).toEqual(onSale);
    }
    for (const viewer of [seller, userViewer('OPERATOR'), orderService]) {
      expect(await namesOf(own({}), viewer)).toEqual([...onSale, 'Draft tea', 'Resting tea'].toSorted());
      expect(await namesOf(own({ status: ['DRAFT'] }), viewer)).toEqual(['Draft tea']);
    }
  });

  test('by id others see what is on sale or off sale, at most a hundred, and no malformed id fails', async () => {
    const all = (await page({ first: 100, filter: own({}) }, seller)).nodes;
    const ids = [...all.map(({ id }) => id), newId(), 'x', ''];
    const shown = ['Black tea', 'Grüner Tee', 'Resting tea', 'Tea e-book'];
    expect(await namesOf({ ids })).toEqual(shown);
    expect(await namesOf({ ids: [...ids, ...ids] }, userViewer('CUSTOMER'))).toEqual(shown);
    expect(await namesOf({ ids, status: ['OFF_SALE', 'DRAFT'] })).toEqual(['Resting tea']);
    expect(await namesOf({ ids, query: 'black' })).toEqual(['Black tea']);
    expect(await namesOf({ ids }, userViewer('OPERATOR'))).toEqual([...shown, 'Draft tea'].toSorted());
    for (const none of [[], ['x'], [newId()]]) expect(await namesOf({ ids: none })).toEqual([]);
    const { errors } = await world.run(anonymous, list, { filter: { ids: Array.from({ length: 101 }, newId) } });
    expect(errors).toMatchObject([{ message: 'filter.ids: must have at most 100 entries.', code: 'BAD_USER_INPUT' }]);
  });

  test('User.products is the seller’s list', async () => {
    const entities =
      'query E($r: [_Any!]!) { _entities(representations: $r) { ... on User { id products(first: 2) { totalCount edges { node { name } } pageInfo { hasNextPage } } } } }';
    const read = async (viewer: Parameters<ProductWorld['run']>[0]) =>
      (
        await world.run(viewer, entities, {
          r: [
            { __typename: 'User', id: seller.userId },
            { __typename: 'User', id: 'x' },
          ],
        })
      ).data._entities;
    expect(await read(anonymous)).toEqual([
      {
        id: seller.userId,
        products: {
          totalCount: 3,
          edges: [{ node: { name: 'Tea e-book' } }, { node: { name: 'Black tea' } }],
          pageInfo: { hasNextPage: true },
        },
      },
      null,
    ]);
    expect((await read(seller))[0].products.totalCount).toBe(5);
  });
});

test('a page of products with stock, ledger and reservations, and many sellers’ lists, are at most 8 statements', async () => {
  const sellers = Array.from({ length: 5 }, () => userViewer('MERCHANT'));
  for (const seller of sellers)
    for (let index = 0; index < 4; index += 1) await world.make({ initialOnHand: 1 }, seller);
  const staff = userViewer('OPERATOR');
  const deep = /* GraphQL */ `
    query Deep($first: Int!) {
      products(first: $first) {
        totalCount
        edges { node { id seller { id products(first: 3) { totalCount edges { node { id stock { available } } } } }
          stock { available movements(first: 2) { edges { node { id } } } reservations(state: HELD) { id product { id } } } } }
      }
    }
  `; // prettier-ignore
  const counted = async (first: number) =>
    world.statements(async () => expect((await world.run(staff, deep, { first })).errors).toEqual([]));
  expect((await counted(2)).length).toBeLessThanOrEqual(8);
  expect((await counted(20)).length).toBeLessThanOrEqual(8);
});

test('100 product references are one statement', async () => {
  const products = await Promise.all(Array.from({ length: 10 }, () => world.make()));
  const r = Array.from({ length: 100 }, (_, index) => ({ __typename: 'Product', id: products[index % 10]!.id }));
  const query =
    'query E($r: [_Any!]!) { _entities(representations: $r) { ... on Product { id sku name price { amount currency } addOns { code } seller { id } } } }';
  expect(await world.statements(() => world.run(orderService, query, { r }))).toHaveLength(1);
});
