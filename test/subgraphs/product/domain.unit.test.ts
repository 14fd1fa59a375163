import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { categoryTree, checkPlace } from '../../../subgraphs/product/domain/category.ts';
import { anonymous, type UserViewer } from '../../../subgraphs/shared/auth/viewer.ts';
import { maxAmountMinor, money } from '../../../subgraphs/shared/values/money.ts';
import {
  type Listed,
  keyOf,
  nameKeyOf,
  positionOf,
  statusesFor,
} from '../../../subgraphs/product/domain/product-list.ts';
import {
  type SearchWord,
  hasWord,
  indexedWords,
  searchTextOf,
  wordsOf,
} from '../../../subgraphs/product/domain/search.ts';
import {
  type ProductContent,
  type ProductKind,
  checkContent,
  checkSku,
  checkWeight,
  mayEdit,
  mayResolve,
  maySee,
} from '../../../subgraphs/product/domain/product.ts';
import { type Supply, shareOut } from '../../../subgraphs/product/domain/reservation.ts';
import { checkDeltas, checkSets, maxUnits, mergeDeltas, mergeLines } from '../../../subgraphs/product/domain/stock.ts';

const content: ProductContent = {
  name: 'Beans',
  subtitle: null,
  description: '',
  cover: null,
  images: [],
  price: money(1n, 'EUR'),
  marketPrice: null,
  addOns: [],
  status: 'ON_SALE',
  categoryId: null,
  taxCategory: 'standard',
  weightGrams: null,
  capacity: null,
  maxGuests: null,
};
const addOn = { code: 'a', name: 'A', unitPrice: { amount: 0, currency: 'EUR' }, perPerson: false, perNight: false };
const pathsOf = (change: Partial<ProductContent>) =>
  checkContent({ ...content, ...change }).map((problem) => problem.path?.slice(1).join('.'));

describe('the content of a product', () => {
  test('within its limits is fine', () => {
    const large = {
      name: 'n'.repeat(200),
      subtitle: 's'.repeat(200),
      description: 'd'.repeat(10_000),
      cover: `/${'c'.repeat(499)}`,
      images: Array.from({ length: 10 }, (_, index) => `https://example.com/${index}`),
      price: money(maxAmountMinor, 'JPY'),
      marketPrice: money(maxAmountMinor, 'JPY'),
      addOns: Array.from({ length: 20 }, (_, index) => ({
        ...addOn,
        code: `a-${index}`,
        unitPrice: { amount: 0, currency: 'JPY' },
      })),
    };
    expect(pathsOf({})).toEqual([]);
    expect(pathsOf(large)).toEqual([]);
    const emoji = { name: '😀'.repeat(200), subtitle: '😀'.repeat(200), description: '😀'.repeat(10_000) };
    expect(pathsOf(emoji)).toEqual([]);
  });

  test.each<[string, Partial<ProductContent>]>([
    ['name', { name: '' }],
    ['name', { name: ' \t' }],
    ['name', { name: 'n'.repeat(201) }],
    ['name', { name: '\u200b\u3164' }],
    ['name', { name: 'half \ud83d' }],
    ['subtitle', { subtitle: 'half \ud83d' }],
    ['description', { description: '\udc00 half' }],
    ['cover', { cover: '/half\ud83d' }],
    ['images.0', { images: ['/half\ud83d'] }],
    ['addOns.0.name', { addOns: [{ ...addOn, name: 'half \ud83d' }] }],
    ['subtitle', { subtitle: 's'.repeat(201) }],
    ['description', { description: 'd'.repeat(10_001) }],
    ['images', { images: Array.from({ length: 11 }, () => '/a') }],
    ['price.amount', { price: money(0n, 'EUR') }],
    ['price.amount', { price: money(-1n, 'EUR') }],
    ['price.amount', { price: money(maxAmountMinor + 1n, 'EUR') }],
    ['price.currency', { price: money(1n, 'eur') }],
    ['price.currency', { price: money(1n, 'EURO') }],
    ['marketPrice.amount', { marketPrice: money(0n, 'EUR') }],
    ['marketPrice.currency', { marketPrice: money(1n, 'USD') }],
    ['taxCategory', { taxCategory: '' }],
    ['taxCategory', { taxCategory: 'Reduced' }],
    ['taxCategory', { taxCategory: 'r'.repeat(33) }],
    ['addOns', { addOns: Array.from({ length: 21 }, (_, index) => ({ ...addOn, code: String(index) })) }],
    ['addOns.0.code', { addOns: [{ ...addOn, code: 'a b' }] }],
    ['addOns.1.code', { addOns: [addOn, addOn] }],
    ['addOns.0.name', { addOns: [{ ...addOn, name: '' }] }],
    ['addOns.0.unitPrice.amount', { addOns: [{ ...addOn, unitPrice: { amount: -1, currency: 'EUR' } }] }],
    ['addOns.0.unitPrice.currency', { addOns: [{ ...addOn, unitPrice: { amount: 1, currency: 'USD' } }] }],
  ])('%s is refused: %j', (path, change) => {
    expect(pathsOf(change)).toEqual([path]);
  });

  test.each([
    'http://example.com/a',
    '//example.com/a',
    '/\\example.com',
    'javascript:alert(1)',
    'https://',
    'a.png',
    '',
    '/a b',
    '/a\n',
    'data:image/png;base64,AA',
  ])('a picture is not %j', (cover) => {
    expect(pathsOf({ cover })).toEqual(['cover']);
  });

  test('only goods are weighed, within limits', () => {
    const paths = (kind: ProductKind, weightGrams: number | null) =>
      checkWeight(kind, { weightGrams }).map(({ path }) => path);
    for (const grams of [null, 0, 1, 100_000_000]) expect(paths('STOCKED', grams)).toEqual([]);
    for (const grams of [-1, 100_000_001]) expect(paths('STOCKED', grams)).toEqual([['input', 'weightGrams']]);
    for (const kind of ['DIGITAL', 'BOOKABLE'] as const) {
      expect(paths(kind, null)).toEqual([]);
      expect(paths(kind, 1)).toEqual([['input', 'weightGrams']]);
    }
  });

  test('a tree of categories is bounded: five levels, 100 below one, 500 in all', () => {
    const category = (id: string, parentId: string | null) => ({ id, slug: id, name: id, parentId });
    const messages = (tree: Parameters<typeof checkPlace>[0], id: string, parentId: string | null) =>
      checkPlace(tree, id, parentId).map(({ message }) => message);
    const many = (count: number) => Array.from({ length: count }, (_, index) => category(`c${index}`, index < 10 ? null : `c${index % 10}`)); // prettier-ignore
    expect(messages(categoryTree(many(499)), 'new', null)).toEqual([]);
    expect(messages(categoryTree(many(500)), 'new', null)).toEqual(['There can be at most 500 categories.']);
    // One that there is may go elsewhere.
    expect(messages(categoryTree(many(500)), 'c499', null)).toEqual([]);
    const wide = (count: number) => categoryTree([category('top', null), ...Array.from({ length: count }, (_, index) => category(`w${index}`, 'top'))]); // prettier-ignore
    expect(messages(wide(99), 'new', 'top')).toEqual([]);
    expect(messages(wide(100), 'new', 'top')).toEqual(['One category has at most 100 directly below it.']);
    const deep = categoryTree(Array.from({ length: 5 }, (_, index) => category(`d${index}`, index === 0 ? null : `d${index - 1}`))); // prettier-ignore
    expect(messages(deep, 'new', 'd3')).toEqual([]);
    expect(messages(deep, 'new', 'd4')).toEqual(['The tree has at most 5 levels.']);
    expect(deep.all.map(({ id }) => id)).toEqual(['d0', 'd1', 'd2', 'd3', 'd4']);
  });

  test('a SKU has 1 to 64 letters, digits, dots, underscores and hyphens', () => {
    for (const sku of ['A', 'a.b_c-9', 'x'.repeat(64)]) expect(checkSku(sku)).toEqual([]);
    for (const sku of ['', 'a b', 'ä', 'x'.repeat(65), "a'", 'a\n']) expect(checkSku(sku)).toHaveLength(1);
  });
});

describe('lines and changes', () => {
  const lines = fc.array(
    fc.record({ productId: fc.constantFrom('a', 'b', 'c', 'd'), quantity: fc.integer({ min: 1, max: 1_000 }) }),
  );

  test('merging keeps each product’s sum, names it once, and sorts by id', () => {
    fc.assert(
      fc.property(lines, (given) => {
        const merged = mergeLines(given);
        const ids = merged.map((line) => line.productId);
        expect(ids).toEqual([...new Set(given.map((line) => line.productId))].toSorted());
        for (const { productId, quantity } of merged) {
          expect(quantity).toBe(
            given.filter((line) => line.productId === productId).reduce((sum, line) => sum + line.quantity, 0),
          );
        }
      }),
    );
  });

  test('merging does not depend on the order of the lines', () => {
    fc.assert(fc.property(lines, (given) => expect(mergeLines(given.toReversed())).toEqual(mergeLines(given))));
  });

  test('merged changes keep each reason once, and drop what cancels out', () => {
    const change = (productId: string, delta: number, reason: string) => ({ productId, delta, reason });
    expect(
      mergeDeltas([
        change('b', 1, 'x'),
        change('a', 2, 'x'),
        change('b', 2, 'y'),
        change('b', 1, 'x'),
        change('c', 1, 'z'),
        change('c', -1, 'z'),
      ]),
    ).toEqual([change('a', 2, 'x'), change('b', 4, 'x; y')]);
  });

  test('limits of changes', () => {
    const delta = { productId: 'a', delta: 1, reason: 'r' };
    expect(checkDeltas(Array.from({ length: 100 }, () => delta))).toEqual([]);
    for (const bad of [{ delta: 0 }, { delta: maxUnits + 1 }, { delta: -maxUnits - 1 }, { reason: '' }])
      expect(checkDeltas([{ ...delta, ...bad }])).toHaveLength(1);
    const set = { productId: 'a', onHand: maxUnits, expectedOnHand: 0, reason: 'r' };
    expect(checkSets([set])).toEqual([]);
    for (const bad of [{ onHand: -1 }, { onHand: maxUnits + 1 }])
      expect(checkSets([{ ...set, ...bad }])).toHaveLength(1);
    expect([checkDeltas([]), checkSets([]), checkSets([set, set])].map((problems) => problems.length)).toEqual([
      1, 1, 1,
    ]);
  });
});

describe('lists', () => {
  const id = '01931f3e-0000-7000-8000-000000000000';
  const product: Listed = {
    ...content,
    score: 3,
    id,
    sku: 'S',
    kind: 'STOCKED',
    groupId: null,
    sellerId: null,
    sold: 7n,
    createdAt: new Date(5),
    updatedAt: new Date(5),
    version: 1,
  };

  test('each sort’s key comes back as its position; text is no number, and no number text', () => {
    const sorts = ['CREATED_AT', 'PRICE', 'NAME', 'POPULARITY'] as const;
    expect(sorts.map((by) => positionOf(keyOf(by)(product), by).value)).toEqual([5, 1, 'beans', 7]);
    for (const by of sorts)
      for (const other of sorts)
        if ((by === 'NAME') !== (other === 'NAME'))
          expect(() => positionOf(keyOf(by)(product), other)).toThrow('not a cursor');
  });

  const words = { name: 'Grüner TEE', subtitle: null, sku: 'X-1', description: 'Two berries, drying.' };
  test('the search text holds name, subtitle, SKU and description, folded, within the column', () => {
    expect(searchTextOf(words)).toBe('gruner tee x-1 two berries, drying.');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (name) => {
        expect(Array.from(nameKeyOf(name)).length).toBeLessThanOrEqual(200);
        const long = { name, subtitle: name, sku: 'x'.repeat(64), description: name.repeat(1_000) };
        expect(Buffer.byteLength(searchTextOf(long))).toBeLessThan(65_536);
      }),
    );
  });

  test('a product is indexed by its words and stems, each for where it counts most', () => {
    expect(indexedWords({ name: 'Mugs', subtitle: 'blue mugs', sku: 'M-1', description: 'Blue, drying.' })).toEqual([
      { word: '1', stem: '1', weight: 6 },
      { word: 'blue', stem: 'blue', weight: 3 },
      { word: 'drying', stem: 'dry', weight: 1 },
      { word: 'm', stem: 'm', weight: 6 },
      { word: 'mugs', stem: 'mug', weight: 6 },
    ]);
  });

  test('the words of a product are bounded, and of a long text without spaces each part is in one', () => {
    const long = { name: 'n'.repeat(200), subtitle: null, sku: 'x', description: Array.from({ length: 2_000 }, (_, index) => `w${index}`).join(' ') }; // prettier-ignore
    expect(indexedWords(long)).toHaveLength(600);
    const run = Array.from({ length: 500 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join('');
    const found = indexedWords({ name: '', subtitle: null, sku: '', description: run }).map(({ word }) => word);
    for (const word of found) expect(word.length).toBeLessThanOrEqual(64);
    for (let at = 0; at + 16 <= run.length; at += 1)
      expect(found.some((word) => word.includes(run.slice(at, at + 16)))).toBe(true);
  });

  test('words are split at all but letters and digits, and limited', () => {
    const plain = (query: string) => wordsOf(query).map((each) => ('literal' in each ? each.literal : each.word));
    expect(wordsOf('  Dark\tROASTED ')).toMatchObject([{ word: 'dark', stem: 'dark' }, { word: 'roasted', stem: 'roast' }]); // prettier-ignore
    expect(plain('pour-over 100% % a/b')).toEqual(['pour', 'over', '100', '%', 'a', 'b']);
    expect(plain('ß'.repeat(200))).toEqual(['s'.repeat(64)]);
    expect(plain('😀'.repeat(200))).toHaveLength(1);
    expect(() => wordsOf('😀'.repeat(201))).toThrow('200 characters');
    expect(plain('')).toEqual([]);
    expect(() => wordsOf('a '.repeat(11))).toThrow('10 words');
    expect(() => wordsOf('a-b-c-d-e-f-g-h-i-j-k')).toThrow('10 words');
    // Where the words end the platform's dictionary says.
    expect(plain('北欧咖啡杯').join('')).toBe('北欧咖啡杯');
    expect(plain('北欧咖啡杯').length).toBeGreaterThan(1);
    expect(plain('一'.repeat(200))).toHaveLength(1);
  });

  test('a typo is a letter too few, too many, another one, or two exchanged, in words of five letters or more', () => {
    const has = (text: string, query: string) => hasWord(text, wordsOf(query)[0] as SearchWord);
    for (const query of ['kettle', 'ketle', 'kettlle', 'kattle', 'kettel', 'ettle', 'kettles', 'ttl', 'KETT'])
      expect([query, has('Kettle', query)]).toEqual([query, true]);
    for (const query of ['kattel', 'tt', 'kitten', 'pan'])
      expect([query, has('Kettle', query)]).toEqual([query, false]);
    expect(has('lamp', 'lanp')).toBe(false);
    expect(has('A12345', 'A12346')).toBe(false);
  });

  test('nobody but staff, services and the seller is shown more than what is on sale', () => {
    const user: UserViewer = { kind: 'user', userId: id, roles: ['CUSTOMER'], sessionId: id };
    const statuses = fc.option(fc.subarray(['DRAFT', 'ON_SALE', 'OFF_SALE', 'ARCHIVED'] as const), { nil: null });
    fc.assert(
      fc.property(statuses, fc.option(fc.uuid(), { nil: null }), (status, sellerId) => {
        for (const viewer of [anonymous, user])
          expect(['', 'ON_SALE']).toContain(statusesFor(viewer, { status, sellerId }).join());
      }),
    );
    expect(statusesFor(user, { sellerId: id })).toEqual(['ON_SALE', 'OFF_SALE', 'DRAFT']);
    expect(statusesFor({ ...user, roles: ['ADMIN'] }, { status: ['ARCHIVED'] })).toEqual(['ARCHIVED']);
  });
});

test('a merchant who lost the role still sees the own products, and changes them no more', () => {
  const former: UserViewer = { kind: 'user', userId: 'u', roles: ['CUSTOMER'], sessionId: 's' };
  const draft = { sellerId: 'u', status: 'DRAFT' } as const;
  expect([maySee(former, draft), mayResolve(former, draft), mayEdit(former, draft)]).toEqual([true, true, false]);
  expect(mayEdit({ ...former, roles: ['MERCHANT'] }, { sellerId: null })).toBe(false);
});

describe('sharing out what there is among orders that come together', () => {
  const ids = ['a', 'b', 'c'] as const;
  const counters = fc.record({ onHand: fc.integer({ min: 0, max: 20 }), free: fc.integer({ min: 0, max: 20 }) });
  const supplyOf = fc
    .record({ a: fc.option(counters), b: fc.option(counters), hasB: fc.boolean() })
    .map(({ a, b, hasB }): Supply => {
      const countersOf = (of: typeof a) =>
        of && { onHand: of.onHand, allocated: Math.max(0, of.onHand - of.free), version: 7 };
      return new Map([['a', countersOf(a)], ...(hasB ? [['b', countersOf(b)] as const] : [])]);
    });
  const order = fc
    .uniqueArray(fc.constantFrom(...ids), { minLength: 1 })
    .chain((products) => fc.tuple(...products.map((productId) => fc.integer({ min: 1, max: 6 }).map((quantity) => ({ productId, quantity }))))); // prettier-ignore
  const leftOf = (supply: Supply, productId: string, taken: number): number => {
    const before = supply.get(productId);
    return before === undefined ? 0 : before === null ? Infinity : before.onHand - before.allocated - taken;
  };

  test('each order in turn gets all that it asks for, or nothing because something is short by itself', () => {
    fc.assert(
      fc.property(supplyOf, fc.array(order, { maxLength: 12 }), (supply, orders) => {
        const shares = shareOut(supply, orders);
        const taken = new Map<string, number>(ids.map((id) => [id, 0]));
        const seqs = new Map<string, number>();
        for (const [index, lines] of orders.entries()) {
          const left = new Map(ids.map((id) => [id, leftOf(supply, id, taken.get(id) ?? 0)]));
          const short = lines.filter(({ productId, quantity }) => (left.get(productId) ?? 0) < quantity);
          const share = shares[index];
          expect(share?.shortages).toEqual(short.map(({ productId, quantity }) => ({ productId, requested: quantity, available: left.get(productId) }))); // prettier-ignore
          const counted = short.length > 0 ? [] : lines.filter(({ productId }) => supply.get(productId) !== null);
          expect(share?.holds.map(({ productId, quantity }) => ({ productId, quantity }))).toEqual(counted);
          for (const { productId, quantity, after } of share?.holds ?? []) {
            taken.set(productId, (taken.get(productId) ?? 0) + quantity);
            const before = supply.get(productId);
            expect(after.allocated).toBe((before?.allocated ?? 0) + (taken.get(productId) ?? 0));
            expect(after.allocated).toBeLessThanOrEqual(after.onHand);
            expect(after.version).toBe((seqs.get(productId) ?? before?.version ?? 0) + 1);
            seqs.set(productId, after.version);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
