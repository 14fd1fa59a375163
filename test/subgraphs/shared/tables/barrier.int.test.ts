import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Branch, enterAction, enterCompensation } from '../../../../subgraphs/shared/tables/barrier.ts';
import type { Sql } from '../../../../subgraphs/shared/database/database.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { type ProductWorld, openProductWorld } from '../../product/product-world.ts';

// The product subgraph's schema has the table.
let world: ProductWorld;
beforeAll(async () => {
  world = await openProductWorld();
});
afterAll(() => world.close());

const branch = (sagaId = newId()): Branch => ({ sagaId, branch: 'step' });
const commit = <T>(work: (tx: Sql) => Promise<T>) => world.subgraph.deps.db.transaction(work);
const act = (...branches: [Branch, ...Branch[]]) => commit((tx) => enterAction(tx, ...branches));
const compensate = (of: Branch) => commit((tx) => enterCompensation(tx, of));
const rollBack = (work: (tx: Sql) => Promise<unknown>) =>
  commit(async (tx) => {
    await work(tx);
    throw new Error('rolled back');
  }).catch((error: Error) => {
    if (error.message !== 'rolled back') throw error;
  });

describe('the barrier', () => {
  test('lets an action through once', async () => {
    const of = branch();
    expect([await act(of), await act(of)]).toEqual(['first', 'repeated']);
  });

  test('lets a compensation through once, after its action', async () => {
    const of = branch();
    await act(of);
    expect([await compensate(of), await compensate(of), await act(of)]).toEqual(['first', 'repeated', 'repeated']);
  });

  test('a compensation without an action is nothing, and refuses the action that comes later', async () => {
    const of = branch();
    expect([await compensate(of), await compensate(of), await act(of), await act(of)]).toEqual([
      'nothing',
      'repeated',
      'compensated',
      'compensated',
    ]);
  });

  test('an action that rolled back was never there', async () => {
    const of = branch();
    await rollBack((tx) => enterAction(tx, of));
    expect(await compensate(of)).toBe('nothing');
  });

  test('branches of a saga, and sagas, are apart', async () => {
    const of = branch();
    await compensate(of);
    expect(await act({ ...of, branch: 'other' })).toBe('first');
    expect(await act(branch())).toBe('first');
  });

  test('an action of several branches is first only where none was entered, and refused where any was compensated', async () => {
    const [one, two] = [branch(), branch()];
    expect([await act(one, two), await act(one, two), await act(two, branch())]).toEqual([
      'first',
      'repeated',
      'repeated',
    ]);
    const [three, four] = [branch(), branch()];
    await compensate(four);
    expect(await act(three, four)).toBe('compensated');
    // The refused statement left nothing of its other branches behind.
    expect(await compensate(three)).toBe('nothing');
  });
});

test('[GM-9] whatever comes in whatever order, commits or rolls back: done at most once, undone only when done, never done after undone', async () => {
  const step = fc.record({ op: fc.constantFrom('action', 'compensation'), commits: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
      const of = branch();
      let [done, undone, compensated] = [0, 0, false];
      for (const { op, commits } of steps) {
        if (!commits) await rollBack((tx) => (op === 'action' ? enterAction(tx, of) : enterCompensation(tx, of)));
        else if (op === 'action') {
          const turn = await act(of);
          expect(turn).toBe(done > 0 ? 'repeated' : compensated ? 'compensated' : 'first');
          if (turn === 'first') done += 1;
        } else {
          const turn = await compensate(of);
          expect(turn).toBe(compensated ? 'repeated' : done > 0 ? 'first' : 'nothing');
          if (turn === 'first') undone += 1;
          compensated = true;
        }
      }
      expect(done).toBeLessThanOrEqual(1);
      expect(undone).toBe(compensated && done > 0 ? undone : 0);
      expect(undone).toBeLessThanOrEqual(done);
    }),
    { numRuns: 60 },
  );
});

test('actions and compensations at the same time: the effect is there exactly when it was done and not undone', async () => {
  for (let round = 0; round < 15; round += 1) {
    const of = branch();
    const turns = await Promise.all([act(of), compensate(of), act(of), compensate(of)]);
    const done = turns.filter((_, index) => index % 2 === 0).filter((turn) => turn === 'first').length;
    const undone = turns.filter((_, index) => index % 2 === 1).filter((turn) => turn === 'first').length;
    expect(done).toBe(undone);
    expect(done).toBeLessThanOrEqual(1);
  }
});
