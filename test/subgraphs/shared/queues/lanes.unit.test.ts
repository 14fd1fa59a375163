import { describe, expect, test } from '@jest/globals';
import { openLanes } from '../../../../subgraphs/shared/queues/lanes.ts';

/** Lanes whose work ends when the test says so, and what was begun, in its order. */
function openWorld({ maxTogether = 3, maxWaiting = 5 } = {}) {
  const begun: string[] = [];
  const ends: { resolve(): void; reject(error: Error): void }[] = [];
  const work = <T>(name: string, result: T): Promise<T> => {
    begun.push(name);
    return new Promise((resolve, reject) => ends.push({ resolve: () => resolve(result), reject }));
  };
  const lanes = openLanes<string, string>({
    maxTogether,
    maxWaiting,
    tooMany: () => new Error('too many'),
    alone: (item) => work(item, `${item} alone`),
    together: (items) => work(items.join('+'), items.includes('odd') ? null : items.map((item) => `${item} together`)),
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    lanes,
    begun,
    async end(error?: Error) {
      const next = ends.shift();
      if (error) next?.reject(error);
      else next?.resolve();
      await settle();
    },
  };
}

describe('lanes', () => {
  test('work of an idle key begins at once, alone, and keys do not wait for each other', async () => {
    const { lanes, begun, end } = openWorld();
    const answers = Promise.all([lanes.run(['a'], 'one'), lanes.run(['b'], 'two')]);
    expect(begun).toEqual(['one', 'two']);
    await end();
    await end();
    expect(await answers).toEqual(['one alone', 'two alone']);
  });

  test('what comes while a key is busy goes together, in its order and so many at most', async () => {
    const { lanes, begun, end } = openWorld();
    const answers = Promise.all(['1', '2', '3', '4', '5'].map((item) => lanes.run(['a'], item)));
    await end();
    expect(begun).toEqual(['1', '2+3+4']);
    await end();
    await end();
    expect(begun).toEqual(['1', '2+3+4', '5']);
    expect(await answers).toEqual(['1 alone', '2 together', '3 together', '4 together', '5 alone']);
    const later = lanes.run(['a'], '6');
    await end();
    expect(await later).toBe('6 alone');
  });

  test('work with several keys waits in the lane of one that is busy, the one with the most', async () => {
    const { lanes, begun, end } = openWorld();
    const answers = [
      lanes.run(['a'], 'a1'),
      lanes.run(['b'], 'b1'),
      lanes.run(['b'], 'b2'),
      lanes.run(['a', 'b', 'c'], 'abc'),
    ];
    await end();
    await end();
    expect(begun).toEqual(['a1', 'b1', 'b2+abc']);
    await end();
    expect(await Promise.all(answers)).toHaveLength(4);
  });

  test('those that cannot go together go each alone, at the same time', async () => {
    const { lanes, begun, end } = openWorld();
    const answers = Promise.all(['first', 'odd', 'even'].map((item) => lanes.run(['a'], item)));
    await end();
    await end();
    expect(begun).toEqual(['first', 'odd+even', 'odd', 'even']);
    await end();
    await end();
    expect(await answers).toEqual(['first alone', 'odd alone', 'even alone']);
  });

  test('an error is that of the work that had it, and the lane goes on', async () => {
    const { lanes, end } = openWorld({ maxTogether: 2 });
    const answers = Promise.allSettled(['1', '2', '3', '4', 'odd'].map((item) => lanes.run(['a'], item)));
    await end(new Error('alone'));
    await end(new Error('together'));
    await end(); // 4 and odd can't go together
    await end(new Error('4'));
    await end();
    const reasons = (await answers).map((one) => (one.status === 'rejected' ? (one.reason as Error).message : one.value)); // prettier-ignore
    expect(reasons).toEqual(['alone', 'together', 'together', '4', 'odd alone']);
  });

  test('more than may wait for one key are refused, and other keys are not', async () => {
    const { lanes, end } = openWorld({ maxWaiting: 2 });
    const answers = ['1', '2', '3'].map((item) => lanes.run(['a'], item));
    await expect(lanes.run(['a'], '4')).rejects.toThrow('too many');
    const other = lanes.run(['b'], '5');
    for (let turn = 0; turn < 3; turn += 1) await end();
    expect(await Promise.all([...answers, other])).toHaveLength(4);
  });
});
