import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anonymous } from '../../../subgraphs/shared/auth/viewer.ts';
import { foldedOf } from '../../../subgraphs/shared/values/text.ts';
import { hasWord, wordsOf } from '../../../subgraphs/product/domain/search.ts';
import { createProduct } from '../../../subgraphs/product/commands/create-product.ts';
import { type ProductSubgraph, createProductSubgraph } from '../../../subgraphs/product/subgraph.ts';
import { insertRows } from '../../../subgraphs/shared/database/statements.ts';
import { indexAllMissing } from '../../../subgraphs/product/search-store.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { type ProductWorld, openProductWorld, userViewer } from './product-world.ts';
import { asker } from '../../support/asker.ts';

let world: ProductWorld;
let second: ProductSubgraph;
beforeAll(async () => {
  world = await openProductWorld();
  // Another process on the same schema.
  second = await createProductSubgraph(world.runtime);
});
afterAll(async () => {
  await second.close();
  await world.close();
});

const admin = userViewer('ADMIN');
const list = `query L($first: Int, $after: String, $filter: ProductFilter, $orderBy: ProductOrder) {
  products(first: $first, after: $after, filter: $filter, orderBy: $orderBy) { totalCount edges { node { id name } } pageInfo { hasNextPage endCursor } } }`;
const update = 'mutation U($input: UpdateProductInput!) { updateProduct(input: $input) { product { version } userErrors { __typename } } }'; // prettier-ignore
const saveCategory = `mutation C($id: ID, $slug: String!, $name: String!, $parentId: ID, $key: String!) {
  saveCategory(id: $id, slug: $slug, name: $name, parentId: $parentId, idempotencyKey: $key) { category { id } } }`;

const search = async (query: string, filter: Record<string, unknown> = {}): Promise<string[]> => {
  const { data, errors } = await world.run(anonymous, list, { first: 100, filter: { ...filter, query } });
  expect(errors).toEqual([]);
  return data.products.edges.map(({ node }: { node: { name: string } }) => node.name);
};

/** Products of one seller, so that tests don't see those of others. */
async function shop(...products: Parameters<ProductWorld['make']>[0][]) {
  const seller = userViewer('MERCHANT');
  const made = [];
  for (const product of products) made.push(await world.make(product, seller));
  return { made, own: { sellerId: seller.userId }, seller };
}

/** The word with one typo of each kind at this place. */
function typosOf(word: string, at: number): string[] {
  const letters = Array.from(word);
  const with_ = (...changed: string[]) => changed.join('');
  const [before, after] = [letters.slice(0, at).join(''), letters.slice(at + 1).join('')];
  const swapped = letters[at + 1] === undefined ? [] : [with_(before, letters[at + 1] as string, letters[at] as string, letters.slice(at + 2).join(''))]; // prettier-ignore
  return [with_(before, after), with_(before, 'q', after), with_(before, 'q', letters.slice(at).join('')), ...swapped];
}

describe('[CH-6] search', () => {
  test('finds each product by any word of its name with one typo, without accents, in the plural, and by how its SKU begins', async () => {
    const names = ['Crème brûlée torch', 'Grüner Wasserkessel', 'Señorita blanket', 'Stoneware kettle', 'Smørrebrød board', 'Łódź lantern', 'Brass candlestick', 'Wooden spatula'];
    const { made, own } = await shop(...names.map((name, index) => ({ name, sku: `SRCH-${index}${newId().slice(-6)}` })));
    for (const { name, sku } of made) {
      for (const word of name.split(' ')) {
        for (const query of [word, word.toUpperCase(), foldedOf(word)]) expect([query, await search(query, own)]).toEqual([query, expect.arrayContaining([name])]);
        const folded = foldedOf(word);
        if (folded.length < 5) continue;
        for (let at = 0; at < folded.length; at += 2)
          for (const query of typosOf(folded, at)) expect([query, await search(query, own)]).toEqual([query, expect.arrayContaining([name])]);
      }
      for (const query of [sku.slice(0, 6), sku.slice(0, -2), sku.toLowerCase(), sku]) expect(await search(query, own)).toContain(name);
    }
    for (const plural of ['kettles', 'lanterns', 'boards', 'torches', 'blankets']) expect(await search(plural, own)).toHaveLength(1);
    expect(await search('kettle lantern', own)).toEqual([]);
  }, 120_000); // prettier-ignore

  test('finds what its rules say, of random texts', async () => {
    const letter = fc.constantFrom(...'aeilnrst茶杯咖か한é9'.split(''));
    const word = fc.array(letter, { minLength: 1, maxLength: 7 }).map((letters) => letters.join(''));
    const text = fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(' '));
    const texts = fc.sample(fc.record({ name: text, subtitle: text, description: text }), { numRuns: 60, seed: 7 });
    const { own } = await shop(...texts.map((each, index) => ({ ...each, name: `${each.name} n${index}x`, sku: `Zq${index}w` }))); // prettier-ignore
    const queries = fc.sample(fc.array(word, { minLength: 1, maxLength: 2 }), { numRuns: 150, seed: 9 });
    let found = 0;
    for (const query of queries.map((words) => words.join(' '))) {
      const expected = texts.flatMap((each, index) => {
        const name = `${each.name} n${index}x`;
        const said = `${name} ${each.subtitle} ${each.description} zq${index}w`;
        return wordsOf(query).every((one) => hasWord(said, one)) ? [name] : [];
      });
      const got = (await search(query, own)).toSorted();
      expect([query, got]).toEqual([query, expected.toSorted()]);
      found += expected.length;
    }
    expect(found).toBeGreaterThan(100);
  }, 120_000);

  test('finds Chinese, Japanese, Thai and Korean, also within a run of characters', async () => {
    const { own } = await shop(
      { name: '北欧风陶瓷咖啡杯', description: '手工制作,釉面光滑,适合每天早晨使用。' },
      { name: 'ガラスの急須', description: '耐熱ガラスで作られています' },
      { name: 'แก้วกาแฟ', description: '' },
      { name: '머그컵', description: '손으로 만든' },
    );
    for (const query of ['咖啡', '咖啡杯', '北欧咖啡杯', '陶瓷 杯', '釉面', '杯']) expect([query, await search(query, own)]).toEqual([query, ['北欧风陶瓷咖啡杯']]);
    for (const query of ['急須', 'ガラス', '耐熱', 'がらす'.normalize('NFC')]) {
      const hits = await search(query, own);
      // Hiragana is another writing than katakana.
      expect([query, hits]).toEqual([query, query === 'がらす' ? [] : ['ガラスの急須']]);
    }
    expect(await search('กาแฟ', own)).toEqual(['แก้วกาแฟ']);
    for (const query of ['머그', '머그컵', '만든']) expect([query, await search(query, own)]).toEqual([query, ['머그컵']]);
  }); // prettier-ignore

  test('finds by the names of categories and those above, as they are now', async () => {
    const make = async (change: Record<string, unknown>) =>
      (await world.run(admin, saveCategory, { key: newId(), ...change })).data.saveCategory.category.id as string;
    const parent = await make({ slug: `kitchen-${newId()}`, name: 'Küchenzauber' });
    const slug = `pots-${newId()}`;
    const categoryId = await make({ slug, name: 'Töpfe', parentId: parent });
    const { made, own } = await shop({ name: 'Casserole', categoryId }, { name: 'Vase' });
    for (const query of ['kuchenzauber', 'topfe', 'casserole küchenzauber', 'kuchenzuber']) expect(await search(query, own)).toEqual(['Casserole']); // prettier-ignore
    await make({ id: categoryId, slug, name: 'Pfannen' });
    expect(await search('topfe', own)).toEqual([]);
    expect(await search('pfannen', own)).toEqual(['Casserole']);
    expect(await search('kuchenzauber', own)).toEqual([]);
    await world.run(admin, update, { input: { id: made[0]?.id, expectedVersion: 1, categoryId: null } });
    expect(await search('pfannen', own)).toEqual([]);
  });

  test('gives the best first: name before subtitle before description, the word before its parts and typos', async () => {
    const { own } = await shop(
      { name: 'Fryer', description: 'A lantarn.' },
      { name: 'Hook', description: 'Holds a lantern.' },
      { name: 'Wick', subtitle: 'for a lantern' },
      { name: 'Superlantern' },
      { name: 'Lanterns' },
      { name: 'Lantern' },
      { name: 'Lantern' },
    );
    const ranked = ['Lantern', 'Lantern', 'Lanterns', 'Wick', 'Superlantern', 'Hook', 'Fryer'];
    expect(await search('lantern', own)).toEqual(ranked);
    const ascending = { filter: { ...own, query: 'lantern' }, first: 100, orderBy: { by: 'RELEVANCE', direction: 'ASC' } };
    const { data } = await world.run(anonymous, list, ascending);
    expect(data.products.edges.map(({ node }: { node: { name: string } }) => node.name)).toEqual(ranked.toReversed());
    const unsearched = await world.run(anonymous, list, { filter: own, orderBy: { by: 'RELEVANCE' } });
    expect(unsearched.data.products.edges[0].node.name).toBe('Lantern');
  }); // prettier-ignore

  test('pages by rank give each product once, in one order, also while others are added', async () => {
    const { own, seller } = await shop(...Array.from({ length: 23 }, (_, index) => ({ name: index % 3 === 0 ? 'Teapot' : `Pot ${index}`, description: 'teapot' }))); // prettier-ignore
    const whole = await world.run(anonymous, list, { first: 100, filter: { ...own, query: 'teapot' } });
    const ids = whole.data.products.edges.map(({ node }: { node: { id: string } }) => node.id);
    expect(whole.data.products.totalCount).toBe(23);
    const seen: string[] = [];
    for (let after: string | null = null, more = true; more;) {
      const { data } = await world.run(anonymous, list, { first: 4, after, filter: { ...own, query: 'teapot' } });
      seen.push(...data.products.edges.map(({ node }: { node: { id: string } }) => node.id));
      ({ hasNextPage: more, endCursor: after } = data.products.pageInfo);
      await world.make({ name: 'Teapot' }, seller);
    }
    expect(seen).toEqual(ids);
  });

  test('is right after each write, in every process', async () => {
    const { made, own, seller } = await shop({ name: 'Zither' });
    const id = made[0]?.id as string;
    const inBoth = async (query: string) => {
      const headers = await world.headers(anonymous);
      const other = await second.execute({ query: list, variables: { filter: { ...own, query } }, headers });
      const theirs = (other.data as unknown as { products: { edges: { node: { name: string } }[] } }).products.edges.map(({ node }) => node.name);
      expect(await search(query, own)).toEqual(theirs);
      return theirs;
    };
    for (let version = 1; version <= 5; version += 1) {
      const name = `Zither${'xyzuv'[version - 1]}`;
      await world.run(admin, update, { input: { id, expectedVersion: version, name } });
      expect(await inBoth(name)).toEqual([name]);
      expect(await inBoth('zither description')).toEqual([]);
    }
    const sku = newId();
    await createProduct(second.deps, asker(seller), { sku, name: 'Ocarina', description: '', price: { amount: 1, currency: 'EUR' } }, newId());
    expect(await inBoth('ocarina')).toEqual(['Ocarina']);
    // A word that moves from the subtitle to the name counts for more, though the text is the same.
    await world.run(admin, update, { input: { id, expectedVersion: 6, name: 'Alpha', subtitle: 'Ocarina' } });
    await world.run(admin, update, { input: { id, expectedVersion: 7, name: 'Alpha Ocarina', subtitle: null } });
    expect(await inBoth('ocarina')).toEqual(['Ocarina', 'Alpha Ocarina']);
  }); // prettier-ignore

  test('twenty products with the same new words are made at once in two processes, and all are found', async () => {
    const seller = userViewer('MERCHANT');
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        createProduct(index % 2 ? second.deps : world.subgraph.deps, asker(seller), { sku: newId(), name: `Quixotic zephyr lamp ${index}`, description: 'glowing wildly yonder', price: { amount: 1, currency: 'EUR' } }, newId()),
      ),
    );
    expect(made.flatMap(({ userErrors }) => userErrors)).toEqual([]);
    for (const query of ['quixotic', 'zephir', 'glow', 'wildly yonder']) expect(await search(query, { sellerId: seller.userId })).toHaveLength(20);
  }, 60_000); // prettier-ignore

  test('knows what something else wrote after the job has run', async () => {
    const seller = newId();
    const at = new Date();
    await insertRows(world.sql(), 'product', [
      {
        id: idToBytes(newId()), sku: newId(), kind: 'DIGITAL', name: 'Harmonium', description: '', images: '[]', currency: 'EUR', price_minor: 1,
        add_ons: '[]', status: 'ON_SALE', name_key: 'harmonium', search_text: 'harmonium', seller_id: idToBytes(seller), version: 4, created_at: at, updated_at: at,
      },
    ]); // prettier-ignore
    expect(await search('harmonium', { sellerId: seller })).toEqual([]);
    const run = () => indexAllMissing((work) => world.subgraph.deps.db.transaction(work));
    expect(await run()).toBe(1);
    expect(await search('harmonum', { sellerId: seller })).toEqual(['Harmonium']);
    expect(await run()).toBe(0);
  });

  test('costs one statement more than a list, whatever is looked for, and refuses what is too long', async () => {
    const counted = (query: string) => world.statements(() => search(query));
    for (const query of ['mug', 'a b c d e f g h i j', '咖啡杯', '%', 'kettle 100% 茶']) {
      const sent = await counted(query);
      // The tree, the page and its total.
      expect(sent).toHaveLength(3);
    }
    for (const query of ['a-b-c-d-e-f-g-h-i-j-k', 'x'.repeat(201)])
      expect((await world.run(anonymous, list, { filter: { query } })).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  }); // prettier-ignore
});
