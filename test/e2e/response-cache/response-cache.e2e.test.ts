import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Platform, startPlatform } from '../../support/platform.ts';
import { type Person, createProduct, logInAsAdmin } from '../../support/shop.ts';

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
