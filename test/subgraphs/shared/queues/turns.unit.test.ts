import { expect, test } from '@jest/globals';
import { openTurns } from '../../../../subgraphs/shared/queues/turns.ts';
import { countTurns } from '../../../support/count-turns.ts';

/** In which turn of the event loop, from now, each of the waiting was admitted. */
async function admittedAt(shares: readonly (number | undefined)[]): Promise<number[]> {
  const turns = openTurns();
  const loop = countTurns();
  const at = await Promise.all(shares.map((share) => turns.next(share).then(loop.turns)));
  loop.stop();
  return at;
}

test('those who wait for a turn get one each, in the order in which they came', async () => {
  expect(await admittedAt([undefined, undefined, undefined])).toEqual([1, 2, 3]);
});

test('what needs a part of a turn shares it, as long as there is room; what needs more than one has it alone', async () => {
  expect(await admittedAt([0.5, 0.5, 0.5])).toEqual([1, 1, 2]);
  expect(await admittedAt([0.4, 7, 0.4, 0.4])).toEqual([1, 2, 3, 3]);
  expect(await admittedAt([0, 0, 1, 0])).toEqual([1, 1, 1, 1]);
});
