import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Sales, addSales, noSales, refundedOfSale, rowsOf } from '../../../subgraphs/order/domain/sales.ts';

const day = (orders: number): Sales => ({ ...noSales, orders, grossMinor: BigInt(orders) * 100n });

describe('the rows of a report', () => {
  const days = new Map([['2026-02-27', day(1)], ['2026-03-01', day(2)], ['2026-03-02', day(4)], ['2026-04-01', day(8)]]); // prettier-ignore
  const rows = (interval: 'DAY' | 'WEEK' | 'MONTH', from: string, to: string) =>
    rowsOf(days, { from, to, interval }).map(({ from: first, orders }) => [first, orders]);

  it('have each day, those without a sale, too', () => {
    expect(rows('DAY', '2026-02-27', '2026-03-02')).toEqual([
      ['2026-02-27', 1],
      ['2026-02-28', 0],
      ['2026-03-01', 2],
      ['2026-03-02', 4],
    ]);
  });

  it('have weeks from Monday to Sunday, the first from the first day asked for', () => {
    expect(rows('WEEK', '2026-02-27', '2026-03-10')).toEqual([['2026-02-27', 3], ['2026-03-02', 4], ['2026-03-09', 0]]); // prettier-ignore
  });

  it('have months of the calendar', () => {
    expect(rows('MONTH', '2026-02-27', '2026-04-01')).toEqual([['2026-02-27', 1], ['2026-03-01', 6], ['2026-04-01', 8]]); // prettier-ignore
  });

  it('sum to the same, however long they are', () => {
    const sum = (interval: 'DAY' | 'WEEK' | 'MONTH') =>
      rowsOf(days, { from: '2026-01-05', to: '2026-04-01', interval }).reduce<Sales>(addSales, noSales);
    expect([sum('DAY').orders, sum('WEEK').orders, sum('MONTH').orders]).toEqual([15, 15, 15]);
  });
});

describe('what of a sale went back', () => {
  it('is between nothing and the total, and money that came twice is no part of it', () => {
    const money = fc.bigInt({ min: 0n, max: 10_000n });
    fc.assert(
      fc.property(money, money, money, (totalMinor, more, back) => {
        const paidMinor = totalMinor + more;
        const refunded = refundedOfSale({ totalMinor, paidMinor, refundedMinor: back });
        expect(refunded >= 0n && refunded <= totalMinor).toBe(true);
        expect(refunded).toBe(back <= more ? 0n : back - more > totalMinor ? totalMinor : back - more);
      }),
    );
  });
});
