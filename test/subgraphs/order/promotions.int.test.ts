import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { insertRows, run } from '../../../subgraphs/shared/database/database.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { maxScope } from '../../../subgraphs/order/domain/pricing/check-promotion.ts';
import { type OrderWorld, openOrderWorld, userViewer } from './order-world.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld();
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const staff = userViewer('OPERATOR');
const fields = `id name kind code valuePpm value { amount currency } buyQuantity getQuantity productIds categoryIds minimumSubtotal { amount currency }
  combinable startsAt endsAt usageLimit usagePerCustomer used active version`;
const saving = `mutation ($id: ID, $input: PromotionInput!, $key: String!) { savePromotion(id: $id, input: $input, idempotencyKey: $key) {
  promotion { ${fields} } replayed userErrors { __typename ... on UserError { code message path } ... on ConflictError { expectedVersion actualVersion } } } }`;
const euros = (amount: number) => ({ amount, currency: 'EUR' });
const newCode = (): string => `C${newId().slice(-12)}`.toUpperCase();
const ten = () => ({ name: 'Ten off', kind: 'PERCENT', valuePpm: 100_000, code: newCode() });

type Saving = { id?: string | null; input?: Record<string, unknown>; key?: string };
async function save({ id = null, input = ten(), key = newId() }: Saving) {
  const { data, errors } = await world.run(staff, saving, { id, input, key });
  expect(errors).toEqual([]);
  return data.savePromotion;
}
async function saved(given: Saving = {}) {
  const { promotion, userErrors } = await save(given);
  expect(userErrors).toEqual([]);
  return promotion;
}

describe('a promotion', () => {
  test('is made with all its fields, and has what the API says where they are left out', async () => {
    const [product, category] = [newId(), newId()];
    const full = {
      name: ' Summer ',
      kind: 'FIXED',
      code: ' summer-26 ',
      value: euros(500),
      productIds: [product, product],
      categoryIds: [category],
      minimumSubtotal: euros(2_000),
      combinable: true,
      startsAt: '2027-06-01T00:00:00.000Z',
      endsAt: '2027-09-01T00:00:00.000Z',
      usageLimit: 50,
      usagePerCustomer: 1,
      active: false,
      expectedVersion: 0,
    };
    const { expectedVersion: _, ...rest } = full;
    expect(await saved({ input: full })).toEqual({
      ...rest, id: expect.any(String), name: 'Summer', code: 'SUMMER-26', valuePpm: null, buyQuantity: null, getQuantity: null, productIds: [product], used: 0, version: 1,
    }); // prettier-ignore
    const least = await saved({ input: { name: 'Ship', kind: 'FREE_SHIPPING' } });
    expect(least).toMatchObject({ code: null, productIds: null, categoryIds: null, minimumSubtotal: null, combinable: false, endsAt: null, usageLimit: null, active: true }); // prettier-ignore
    expect(Math.abs(Date.now() - Date.parse(least.startsAt))).toBeLessThan(10_000);
  });

  test('is replaced as a whole, but for its beginning where none is given', async () => {
    const before = await saved({ input: { ...ten(), usageLimit: 5, startsAt: '2026-01-01T00:00:00.000Z' } });
    const after = await saved({ id: before.id, input: { ...ten(), name: 'Twelve off', expectedVersion: 1 } });
    expect(after).toMatchObject({ id: before.id, name: 'Twelve off', usageLimit: null, startsAt: before.startsAt, version: 2 }); // prettier-ignore
  });

  test('that has begun can be ended, and one that has not begun can’t end before', async () => {
    const begun = await saved({ input: { ...ten(), startsAt: '2026-01-01T00:00:00.000Z' } });
    const ended = { ...ten(), endsAt: '2026-02-01T00:00:00.000Z' };
    expect(await saved({ id: begun.id, input: ended })).toMatchObject({
      startsAt: begun.startsAt,
      endsAt: ended.endsAt,
    });
    const later = await saved({ input: { ...ten(), startsAt: '2100-01-01T00:00:00.000Z' } });
    const refused = await save({ id: later.id, input: { ...ten(), endsAt: '2099-01-01T00:00:00.000Z' } });
    expect(refused.userErrors).toMatchObject([{ code: 'VALIDATION', path: ['input', 'endsAt'] }]);
  });

  test('is the same for its key once its end has passed', async () => {
    const given = { input: { ...ten(), endsAt: new Date(Date.now() + 3_600_000).toISOString() }, key: newId() };
    const first = await saved(given);
    world.clockOffsetMs = 2 * 3_600_000;
    expect(await save(given)).toMatchObject({ promotion: { id: first.id }, replayed: true, userErrors: [] });
    world.clockOffsetMs = 0;
  });

  test('that applies by itself is one of at most 100, also of two that are saved at once', async () => {
    const sql = world.deps.db.em();
    const active = await world.rows('select id from promotion where code is null and active and (ends_at is null or ends_at > now())'); // prettier-ignore
    const rows = Array.from({ length: 99 - active.length }, () => ({ id: idToBytes(newId()), name: 'Ship', kind: 'FREE_SHIPPING', combinable: true, starts_at: new Date(), active: true, version: 1 })); // prettier-ignore
    await insertRows(sql, 'promotion', rows);
    const input = { name: 'Ship', kind: 'FREE_SHIPPING' };
    const two = await Promise.all([save({ input }), save({ input })]);
    expect(two.flatMap(({ userErrors }) => userErrors)).toMatchObject([
      { code: 'VALIDATION', path: ['input', 'code'] },
    ]);
    const id = two.find(({ promotion }) => promotion !== null).promotion.id;
    expect(await saved({ id, input: { ...input, name: 'Changed' } })).toMatchObject({ name: 'Changed' });
    for (const other of [ten(), { ...input, active: false }]) await saved({ input: other });
    expect((await save({ input })).userErrors).toHaveLength(1);
    for (const each of [...rows.map((row) => row.id), idToBytes(id)]) await run(sql, 'delete from promotion where id = ?', [each]); // prettier-ignore
  });

  test('of another version is not replaced', async () => {
    const { id } = await saved();
    for (const [given, actualVersion] of [
      [{ id, expectedVersion: 2 }, 1],
      [{ id: null, expectedVersion: 1 }, 0],
    ] as const)
      // prettier-ignore
      expect(await save({ id: given.id, input: { ...ten(), expectedVersion: given.expectedVersion } })).toMatchObject({
        promotion: null,
        userErrors: [
          { __typename: 'ConflictError', code: 'CONFLICT', expectedVersion: given.expectedVersion, actualVersion },
        ],
      });
  });

  test('is saved once for a key', async () => {
    const given = { input: ten(), key: newId() };
    const first = await save(given);
    expect(await save(given)).toEqual({ ...first, replayed: true });
    const other = await save({ ...given, input: { ...given.input, name: 'Other' } });
    expect(other.userErrors).toMatchObject([{ code: 'IDEMPOTENCY_CONFLICT' }]);
  });

  test('has a code that no other has, however it is typed', async () => {
    const { code, id } = await saved();
    const other = await saved();
    const path = ['input', 'code'];
    const input = { ...ten(), code: code.toLowerCase() };
    expect((await save({ input })).userErrors).toMatchObject([{ code: 'VALIDATION', path }]);
    expect((await save({ id: other.id, input })).userErrors).toMatchObject([{ code: 'VALIDATION', path }]);
    expect(await saved({ id, input })).toMatchObject({ code, version: 2 });
  });

  test('that does not exist is not found', async () => {
    for (const id of [newId(), 'x'])
      expect((await save({ id })).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['id'] }]);
  });

  const base = (kind: string): Record<string, unknown> =>
    ({
      PERCENT: ten(),
      FIXED: { ...ten(), kind, valuePpm: null, value: euros(100) },
      FREE_SHIPPING: { ...ten(), kind, valuePpm: null },
      BUY_X_GET_Y: { ...ten(), kind, buyQuantity: 2, getQuantity: 1 },
    })[kind] ?? {};
  const ids = (length: number) => Array.from({ length }, () => newId());
  test.each<[string, string, Record<string, unknown>]>([
    ['name', 'PERCENT', { name: '' }],
    ['name', 'PERCENT', { name: ' \u200b ' }],
    ['name', 'PERCENT', { name: 'x'.repeat(201) }],
    ['name', 'PERCENT', { name: 'two\nlines' }],
    ['name', 'PERCENT', { name: 'half a \ud83d' }],
    ['code', 'PERCENT', { code: '' }],
    ['code', 'PERCENT', { code: 'two words' }],
    ['code', 'PERCENT', { code: 'X'.repeat(33) }],
    ['code', 'PERCENT', { code: 'ÄÖÜ' }],
    ['code', 'PERCENT', { code: "'; drop table promotion; --" }],
    ['valuePpm', 'PERCENT', { valuePpm: null }],
    ['valuePpm', 'PERCENT', { valuePpm: 0 }],
    ['valuePpm', 'PERCENT', { valuePpm: -1 }],
    ['valuePpm', 'PERCENT', { valuePpm: 1_000_001 }],
    ['valuePpm', 'FIXED', { valuePpm: 1 }],
    ['valuePpm', 'FREE_SHIPPING', { valuePpm: 1 }],
    ['valuePpm', 'BUY_X_GET_Y', { valuePpm: 0 }],
    ['value', 'FIXED', { value: null }],
    ['value', 'FIXED', { value: euros(0) }],
    ['value', 'FIXED', { value: euros(-5) }],
    ['value', 'FIXED', { value: { amount: 5, currency: 'eur' } }],
    ['value', 'FIXED', { value: { amount: 5, currency: 'XXX' } }],
    ['value', 'PERCENT', { value: euros(5) }],
    ['value', 'BUY_X_GET_Y', { value: euros(5) }],
    ['buyQuantity', 'BUY_X_GET_Y', { buyQuantity: null }],
    ['buyQuantity', 'BUY_X_GET_Y', { buyQuantity: 0 }],
    ['buyQuantity', 'BUY_X_GET_Y', { buyQuantity: 10_001 }],
    ['buyQuantity', 'PERCENT', { buyQuantity: 1 }],
    ['getQuantity', 'BUY_X_GET_Y', { getQuantity: null }],
    ['getQuantity', 'BUY_X_GET_Y', { getQuantity: -1 }],
    ['getQuantity', 'FIXED', { getQuantity: 1 }],
    ['productIds', 'PERCENT', { productIds: [] }],
    ['productIds', 'PERCENT', { productIds: ['x'] }],
    ['productIds', 'PERCENT', { productIds: ids(maxScope + 1) }],
    ['categoryIds', 'PERCENT', { categoryIds: [] }],
    ['categoryIds', 'PERCENT', { categoryIds: [newId(), '../..'] }],
    ['categoryIds', 'PERCENT', { categoryIds: ids(maxScope + 1) }],
    ['minimumSubtotal', 'PERCENT', { minimumSubtotal: euros(0) }],
    ['minimumSubtotal', 'PERCENT', { minimumSubtotal: { amount: 1, currency: '€' } }],
    ['minimumSubtotal', 'FIXED', { minimumSubtotal: { amount: 1, currency: 'USD' } }],
    ['endsAt', 'PERCENT', { startsAt: '2027-01-01T00:00:00.000Z', endsAt: '2027-01-01T00:00:00.000Z' }],
    ['endsAt', 'PERCENT', { endsAt: '2020-01-01T00:00:00.000Z' }],
    ['usageLimit', 'PERCENT', { usageLimit: 0 }],
    ['usageLimit', 'PERCENT', { usageLimit: 1_000_000_001 }],
    ['usagePerCustomer', 'PERCENT', { usagePerCustomer: 0 }],
    ['usagePerCustomer', 'PERCENT', { usagePerCustomer: -1 }],
  ])('with a wrong %s (%s, %j) is refused at that field, and nothing is saved', async (field, kind, change) => {
    const before = await world.rows('select count(*) n from promotion');
    const { promotion, userErrors } = await save({ input: { ...base(kind), ...change } });
    expect([promotion, userErrors]).toMatchObject([null, [{ __typename: 'ValidationError', path: ['input', field] }]]);
    expect(await world.rows('select count(*) n from promotion')).toEqual(before);
  });

  test.each<[string, Record<string, unknown>]>([
    ['kind', { kind: 'HALF' }],
    ['valuePpm', { valuePpm: 1.5 }],
    ['startsAt', { startsAt: 'soon' }],
    ['endsAt', { endsAt: 12 }],
    ['combinable', { combinable: 'yes' }],
    ['active', { active: 1 }],
    ['expectedVersion', { expectedVersion: 'two' }],
    ['usageLimit', { usageLimit: 2 ** 31 }],
    ['used', { used: 3 }],
  ])('with %s of the wrong type is BAD_USER_INPUT', async (_, change) => {
    const { errors } = await world.run(staff, saving, { input: { ...ten(), ...change }, key: newId() });
    expect(errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  });

  test('with everything wrong at once tells everything', async () => {
    const input = { name: '', kind: 'FIXED', code: '?', valuePpm: 0, usageLimit: -1, productIds: [] };
    const { userErrors } = await save({ input });
    expect(new Set(userErrors.map(({ path }: { path: string[] }) => path[1]))).toEqual(
      new Set(['name', 'code', 'valuePpm', 'value', 'usageLimit', 'productIds']),
    );
  });
});

describe('the list', () => {
  const listing = `query ($first: Int, $after: String, $activeOnly: Boolean) { promotions(first: $first, after: $after, activeOnly: $activeOnly) {
    edges { cursor node { id active endsAt } } pageInfo { hasNextPage endCursor } totalCount } }`;
  const page = async (variables: Record<string, unknown>) => {
    const { data, errors } = await world.run(staff, listing, variables);
    expect(errors).toEqual([]);
    return data.promotions;
  };

  test('has the newest first, page by page, and leaves out what is over where only the active ones are asked for', async () => {
    const made: string[] = [];
    for (const change of [
      {},
      { active: false },
      { startsAt: '2020-01-01T00:00:00.000Z', endsAt: '2020-02-01T00:00:00.000Z' },
      { startsAt: '2030-01-01T00:00:00.000Z' },
    ])
      // prettier-ignore
      made.unshift((await saved({ input: { ...ten(), ...change } })).id);
    const all = await page({ first: 100 });
    const ids = all.edges.map(({ node }: { node: { id: string } }) => node.id);
    expect(ids.slice(0, 4)).toEqual(made);
    expect(all.totalCount).toBe(ids.length);
    const collected: string[] = [];
    let after: string | null = null;
    do {
      const { edges, pageInfo } = await page({ first: 3, after });
      collected.push(...edges.map(({ node }: { node: { id: string } }) => node.id));
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    } while (after !== null);
    expect(collected).toEqual(ids);
    const active = await page({ first: 100, activeOnly: true });
    const activeIds = active.edges.map(({ node }: { node: { id: string } }) => node.id);
    expect(activeIds.slice(0, 2)).toEqual([made[0], made[3]]);
    expect(active.totalCount).toBe(activeIds.length);
  });

  test.each([
    [{ first: 0 }],
    [{ first: 101 }],
    [{ after: 'nonsense' }],
    [{ after: Buffer.from('["x","y"]').toString('base64url') }],
  ])('with %j is BAD_USER_INPUT', async (variables) => {
    expect((await world.run(staff, listing, variables)).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  });

  test('a cursor of the whole list is none of the list of the active ones', async () => {
    await saved();
    const { pageInfo } = await page({ first: 1 });
    const { errors } = await world.run(staff, listing, { after: pageInfo.endCursor, activeOnly: true });
    expect(errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  });
});
