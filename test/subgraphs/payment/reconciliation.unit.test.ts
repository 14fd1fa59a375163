import { expect, test } from '@jest/globals';
import { compareLine, dueAt, endedDays, periodOf } from '../../../subgraphs/payment/domain/reconciliation.ts';

test('a day has 24 hours of its own clock', () => {
  expect(periodOf('2026-11-21', 0)).toEqual({
    from: new Date('2026-11-21T00:00:00.000Z'),
    to: new Date('2026-11-22T00:00:00.000Z'),
  });
  expect(periodOf('2026-11-21', 480)).toEqual({
    from: new Date('2026-11-20T16:00:00.000Z'),
    to: new Date('2026-11-21T16:00:00.000Z'),
  });
});

test.each(['', 'yesterday', '2026-2-3', '2026-02-30', '2026-13-01', '20261121', '2026-11-21T00:00:00Z', ' 2026-11-21', '2026-11-21\n'])(
  '%j is no day',
  (text) => {
    expect(periodOf(text, 0)).toBeNull();
  },
); // prettier-ignore

test('days end at midnight of their own clock', () => {
  expect(endedDays(new Date('2026-03-01T15:59:59.999Z'), 0, 2)).toEqual(['2026-02-28', '2026-02-27']);
  expect(endedDays(new Date('2026-03-01T15:59:59.999Z'), 480, 1)).toEqual(['2026-02-28']);
  expect(endedDays(new Date('2026-03-01T16:00:00.000Z'), 480, 1)).toEqual(['2026-03-01']);
});

test('a day is due at the first such hour after its end', () => {
  const due = (offset: number, hour: number) => {
    const period = periodOf('2026-11-21', offset);
    return period && dueAt(period, hour).toISOString();
  };
  expect(due(0, 3)).toBe('2026-11-22T03:00:00.000Z');
  expect(due(0, 0)).toBe('2026-11-22T00:00:00.000Z');
  expect(due(480, 3)).toBe('2026-11-22T03:00:00.000Z');
  expect(due(480, 17)).toBe('2026-11-21T17:00:00.000Z');
  expect(due(-300, 3)).toBe('2026-11-23T03:00:00.000Z');
});

test('a line agrees only with money that has moved, of the same amount and currency', () => {
  const line = { amount: { amount: 100n, currency: 'EUR' } };
  const ours = (amount: bigint, currency: string, done: boolean) => ({ amount: { amount, currency }, done });
  expect(compareLine(line, ours(100n, 'EUR', true))).toBeNull();
  expect(compareLine(line, ours(100n, 'EUR', false))).toBe('MISSING_HERE');
  expect(compareLine(line, null)).toBe('MISSING_HERE');
  expect(compareLine(line, ours(99n, 'EUR', true))).toBe('AMOUNT_MISMATCH');
  expect(compareLine(line, ours(100n, 'USD', false))).toBe('AMOUNT_MISMATCH');
});
