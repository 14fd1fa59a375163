import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Platform, startPlatform } from '../../support/platform.ts';
import { type Person, createProduct, logInAsAdmin, newKey } from '../../support/shop.ts';

let platform: Platform;
let staff: Person;
beforeAll(async () => {
  platform = await startPlatform({ shape: 'one', env: { RESPONSE_CACHE: 'true' } });
  staff = await logInAsAdmin(platform);
}, 150_000);
afterAll(() => platform?.stop());

type Got = { status: number; cache: string | null; age: string | null; vary: string | null; data: any }; // eslint-disable-line typescript/no-explicit-any
async function ask(query: string, variables: object = {}, headers: Record<string, string> = {}): Promise<Got> {
  const response = await fetch(`${platform.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data } = (await response.json()) as { data: unknown };
  const header = (name: string) => response.headers.get(name);
  return { status: response.status, cache: header('cache-control'), age: header('age'), vary: header('vary'), data };
}
/** Metrics are gathered once a second. */
const gatheredEveryMs = 1_000;
const outcome = async (name: string): Promise<number> => {
  await sleep(1.2 * gatheredEveryMs);
  const text = await (await fetch(platform.metricsUrl)).text();
  return Number(new RegExp(`^gateway_response_cache_total\\{outcome="${name}"\\} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
};
/** Asks until the answer comes from the cache: keeping it goes on after the first answer. */
async function askTillHit(query: string, variables: object = {}): Promise<Got> {
  for (let tries = 0; tries < 100; tries += 1) {
    const got = await ask(query, variables);
    if (got.age !== null) return got;
  }
  throw new Error('nothing came from the cache');
}

const page = 'query ($id: ID!) { product(id: $id) { name version } }';
const list = '{ products(first: 5) { edges { node { id name } } totalCount } }';
const rename = (id: string, version: number, name: string) =>
  platform.gql<{ updateProduct: { product: { version: number } } }>(
    'mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { product { version } userErrors { __typename } } }',
    { input: { id, expectedVersion: version, name } },
    { token: staff.token },
  );

describe('answers to anonymous product queries', () => {
  test('[GM-11] are kept, say so in their headers, and are new at once after every change of what they show', async () => {
    const { id } = await createProduct(platform, staff, { onHand: 5 });
    const other = await createProduct(platform, staff, { onHand: 5 });
    expect(await askTillHit(page, { id })).toMatchObject({
      cache: 'max-age=60, public',
      age: expect.stringMatching(/^\d$/),
      vary: 'Origin, Accept, Authorization',
      data: { product: { version: 1 } },
    });
    await askTillHit(list);
    for (let version = 1; version <= 5; version += 1) {
      await rename(id, version, `Name ${version}`);
      expect((await ask(page, { id })).data.product).toEqual({ name: `Name ${version}`, version: version + 1 });
      expect((await ask(list)).data.products.edges.map(({ node }: { node: { name: string } }) => node.name)).toContain(`Name ${version}`); // prettier-ignore
      await askTillHit(page, { id });
    }
    // Another product's page stays.
    await askTillHit(page, { id: other.id });
    const hits = await outcome('hit');
    await rename(id, 6, 'Again');
    await ask(page, { id: other.id });
    expect(await outcome('hit')).toBe(hits + 1);

    const before = (await askTillHit(list)).data.products.totalCount as number;
    await createProduct(platform, staff, { onHand: 1 });
    expect((await ask(list)).data.products.totalCount).toBe(before + 1);
    await platform.gql('mutation ($id: ID!) { removeProduct(id: $id) { userErrors { __typename } } }', { id: other.id }, { token: staff.token }); // prettier-ignore
    expect((await ask(list)).data.products.totalCount).toBe(before);
    expect((await ask(page, { id: other.id })).data.product).toBeNull();
  });

  test('[GM-11] show, while a product is written and read by many, no version older than one that was answered before', async () => {
    const { id } = await createProduct(platform, staff, { onHand: 5 });
    let answered = 1;
    let isWriting = true;
    let hits = 0;
    const reader = async (): Promise<void> => {
      while (isWriting) {
        const least = answered;
        const { data, age } = await ask(page, { id });
        expect(data.product.version).toBeGreaterThanOrEqual(least);
        if (age !== null) hits += 1;
      }
    };
    const readers = Array.from({ length: 6 }, reader);
    for (let version = 1; version <= 60; version += 1) {
      const { data } = await rename(id, version, `Name ${version}`);
      answered = data?.updateProduct.product.version as number;
      // Time for an answer to be kept, every other time.
      if (version % 2) await sleep(5);
    }
    isWriting = false;
    await Promise.all(readers);
    expect(answered).toBe(61);
    expect((await ask(page, { id })).data.product.version).toBe(61);
    expect(hits).toBeGreaterThan(0);
  }, 60_000);

  test('[GM-11] of a product with its category and group are new at once when these change', async () => {
    type Saved<Name extends string> = Record<Name, Record<string, { id: string }>>;
    const { id } = await createProduct(platform, staff, { onHand: 5 });
    const [slug, token] = [`kept-${id.slice(-8)}`, staff.token];
    const category = 'mutation ($id: ID, $slug: String!, $name: String!, $key: String!) { saveCategory(id: $id, slug: $slug, name: $name, idempotencyKey: $key) { category { id } } }'; // prettier-ignore
    const save = (name: string, categoryId?: string) =>
      platform.gql<Saved<'saveCategory'>>(category, { id: categoryId, slug, name, key: newKey() }, { token });
    const categoryId = (await save('Before')).data?.saveCategory['category']?.id as string;
    const put = 'mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { userErrors { __typename } } }';
    await platform.gql(put, { input: { id, expectedVersion: 1, categoryId } }, { token });
    const whole = 'query ($id: ID!) { product(id: $id) { category { name } group { name } options { value } } }';
    expect((await askTillHit(whole, { id })).data.product).toEqual({ category: { name: 'Before' }, group: null, options: [] });
    await save('After', categoryId);
    expect((await ask(whole, { id })).data.product.category).toEqual({ name: 'After' });
    await askTillHit(whole, { id });
    const group = 'mutation ($products: [GroupedProductInput!]!, $key: String!) { saveProductGroup(name: "Sizes", optionNames: ["Size"], products: $products, idempotencyKey: $key) { userErrors { __typename } } }'; // prettier-ignore
    const products = [{ productId: id, options: [{ name: 'Size', value: 'M' }] }];
    await platform.gql(group, { products, key: newKey() }, { token });
    expect((await ask(whole, { id })).data.product).toMatchObject({ group: { name: 'Sizes' }, options: [{ value: 'M' }] });
  }); // prettier-ignore

  test('are not kept with stock, for signed-in users, or with errors', async () => {
    const { id } = await createProduct(platform, staff, { onHand: 5 });
    const misses = await outcome('miss');
    for (let times = 0; times < 2; times += 1) {
      const stock = await ask('query ($id: ID!) { product(id: $id) { stock { available } } }', { id });
      expect([stock.cache, stock.age]).toEqual(['no-store', null]);
      expect((await ask(page, { id }, { authorization: `Bearer ${staff.token}` })).cache).toBe('no-store');
    }
    expect(await outcome('miss')).toBe(misses);
    const unknown = '01890000-0000-7000-8000-000000000000';
    expect(await ask(page, { id: unknown })).toMatchObject({ cache: 'no-store', data: { product: null } });
    expect(await ask(page, { id: unknown })).toMatchObject({ cache: 'no-store', data: { product: null } });
    expect(await outcome('miss')).toBe(misses + 2);
  });
});
