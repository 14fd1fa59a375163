import { describe, expect, test } from '@jest/globals';
import { createFairQueue } from '../../../../subgraphs/shared/queues/fair-queue.ts';

const filled = (...items: string[]) => {
  const queue = createFairQueue<string>();
  for (const item of items) queue.push(item[0] as string, item);
  return queue;
};
const anybody = () => true;

describe('a fair queue', () => {
  test('takes turns among clients, each in its own order', () => {
    const queue = filled('a1', 'a2', 'a3', 'b1', 'c1', 'c2');
    expect(Array.from({ length: 7 }, () => queue.take(anybody))).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3', undefined]); // prettier-ignore
    expect(queue.size).toBe(0);
  });

  test('passes over clients who may not take now; they keep their turn', () => {
    const queue = filled('a1', 'b1', 'b2');
    expect(queue.take((client) => client !== 'a')).toBe('b1');
    expect(queue.take((client) => client === 'c')).toBeUndefined();
    expect(queue.take(anybody)).toBe('a1');
    expect(queue.size).toBe(1);
  });

  test('gives up the newest of the client with the most', () => {
    const queue = filled('a1', 'b1', 'b2', 'c1');
    expect([queue.takeFromLongest(), queue.takeFromLongest(), queue.size]).toEqual(['b2', 'a1', 2]);
    expect(createFairQueue().takeFromLongest()).toBeUndefined();
  });

  test('gives up nothing for a client that has as many as any', () => {
    const queue = filled('a1', 'a2', 'b1', 'b2', 'c1');
    expect(queue.takeFromLongest('a')).toBeUndefined();
    expect([queue.takeFromLongest('c'), queue.takeFromLongest('nobody'), queue.size]).toEqual(['a2', 'b2', 3]);
  });

  test('lets one leave before its turn, and knows none that has left', () => {
    const queue = filled('a1', 'a2', 'b1');
    queue.remove('a', 'a1');
    queue.remove('a', 'a1');
    queue.remove('b', 'b1');
    queue.remove('nobody', 'b1');
    expect([queue.size, queue.take(), queue.take()]).toEqual([1, 'a2', undefined]);
  });

  test('takes the due ones of all clients at once', () => {
    const queue = filled('a1', 'a3', 'b2', 'b3', 'c1');
    expect(queue.takeOldest((item) => item.endsWith('1') || item.endsWith('2'))).toEqual(['a1', 'b2', 'c1']);
    expect([queue.take(anybody), queue.take(anybody), queue.take(anybody)]).toEqual(['a3', 'b3', undefined]);
  });
});
