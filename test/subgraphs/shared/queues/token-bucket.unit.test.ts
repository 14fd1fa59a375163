import { expect, test } from '@jest/globals';
import { openTokenBucket } from '../../../../subgraphs/shared/queues/token-bucket.ts';

function filled() {
  const clock = { nowMs: 5_000 };
  const bucket = openTokenBucket({ capacity: 10, perSecond: 2, nowMs: () => clock.nowMs });
  return { bucket, pass: (ms: number) => (clock.nowMs += ms) };
}

test('a bucket is full at first, and what is taken is earned again up to its capacity', () => {
  const { bucket, pass } = filled();
  expect(bucket.left()).toBe(10);
  bucket.take(4);
  expect(bucket.left()).toBe(6);
  pass(1_500);
  expect(bucket.left()).toBe(9);
  pass(60_000);
  expect(bucket.left()).toBe(10);
});

test('more may be taken than there is, and what was taken may be given back', () => {
  const { bucket, pass } = filled();
  bucket.take(16);
  expect(bucket.left()).toBe(-6);
  pass(1_000);
  bucket.take(0);
  pass(1_000);
  expect(bucket.left()).toBe(-2);
  bucket.take(-3);
  expect(bucket.left()).toBe(1);
  bucket.take(-100);
  expect(bucket.left()).toBe(10);
});
