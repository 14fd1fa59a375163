import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Claim, claimKey, findKey, hashOf, saveResult } from '../../../../subgraphs/shared/tables/idempotency.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { type ProductWorld, openProductWorld } from '../../product/product-world.ts';

// The product subgraph's schema has the table.
let world: ProductWorld;
beforeAll(async () => {
  world = await openProductWorld();
});
afterAll(() => world.close());

const claim = (change: Partial<Claim> = {}): Claim => ({
  ownerId: newId(),
  operation: 'buy',
  key: newId(),
  input: { a: 1, b: [1, 2] },
  ...change,
});
const use = <T>(of: Claim, result: T) => world.subgraph.deps.db.transaction((tx) => claimKey(tx, of, result));
const refusedWith = (refusal: object) => ({ name: 'RefusedError', refusals: [expect.objectContaining(refusal)] });

describe('an idempotency key', () => {
  test('gives the first result again', async () => {
    const of = claim();
    expect(await use(of, { id: 1 })).toEqual({ replayed: false, result: { id: 1 } });
    expect(await use(of, { id: 2 })).toEqual({ replayed: true, result: { id: 1 } });
    expect(await findKey(world.sql(), of)).toEqual({ id: 1 });
  });

  test('with other input is refused for good', async () => {
    const of = claim();
    await use(of, 1);
    const other = { ...of, input: { a: 2 } };
    await expect(use(other, 2)).rejects.toMatchObject(
      refusedWith({ __typename: 'IdempotencyConflictError', retryable: false }),
    );
    await expect(findKey(world.sql(), other)).rejects.toMatchObject(refusedWith({ retryable: false }));
  });

  test('means the same input however its members are ordered, absent ones left out', async () => {
    const of = claim({ input: { a: 1, b: { c: 2, d: undefined } } });
    await use(of, 1);
    expect(await use({ ...of, input: { b: { c: 2 }, a: 1 } }, 2)).toEqual({ replayed: true, result: 1 });
    expect(hashOf({ a: 1, b: 2 }).equals(hashOf({ b: 2, a: 1 }))).toBe(true);
    expect(hashOf([1, 2]).equals(hashOf([2, 1]))).toBe(false);
  });

  test('stands for no text that is not Unicode: half a character is refused, not failed over', async () => {
    const of = claim({ input: { name: 'half \ud83d' } });
    await expect(use(of, 1)).rejects.toMatchObject(refusedWith({ __typename: 'ValidationError' }));
    expect(await use({ ...of, input: { name: 'whole \ud83d\ude00, and \\ud83d' } }, 1)).toMatchObject({
      replayed: false,
    });
  });

  test('of another owner or operation is another key', async () => {
    const of = claim();
    await use(of, 1);
    expect(await use({ ...of, ownerId: newId() }, 2)).toMatchObject({ replayed: false });
    expect(await use({ ...of, operation: 'sell' }, 2)).toMatchObject({ replayed: false });
  });

  test('vanishes with the transaction that it protects', async () => {
    const of = claim();
    const failed = world.subgraph.deps.db.transaction(async (tx) => {
      await claimKey(tx, of, 1);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await findKey(world.sql(), of)).toBeNull();
    expect(await use(of, 2)).toEqual({ replayed: false, result: 2 });
  });

  test('used twenty times at once has one effect, and all get its result', async () => {
    const of = claim();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => use(of, index)));
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.result)).size).toBe(1);
  });

  test('keeps a result that is known only at the end', async () => {
    const of = claim();
    await world.subgraph.deps.db.transaction(async (tx) => {
      await claimKey(tx, of, null);
      await saveResult(tx, of, { id: 'made' });
    });
    expect(await findKey(world.sql(), of)).toEqual({ id: 'made' });
  });

  test('that is not given guarantees nothing', async () => {
    for (const key of [null, undefined]) {
      const of = claim({ key });
      expect([await use(of, 1), await use(of, 2)]).toEqual([{ replayed: false, result: 1 }, { replayed: false, result: 2 }]); // prettier-ignore
      expect(await findKey(world.sql(), of)).toBeNull();
    }
  });

  test('has 1 to 128 printable ASCII characters', async () => {
    for (const key of ['!', '~'.repeat(128)]) expect(await use(claim({ key }), 1)).toMatchObject({ replayed: false });
    for (const key of ['', ' ', 'a b', 'ä', 'a\n', 'x'.repeat(129)]) {
      await expect(use(claim({ key }), 1)).rejects.toMatchObject(
        refusedWith({ code: 'VALIDATION', path: ['idempotencyKey'] }),
      );
    }
  });
});
