import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  addDays,
  dateIn,
  datesBetween,
  daysBetween,
  isLocalDate,
  startOfDay,
} from '../../../../subgraphs/shared/values/local-date.ts';

const anyDate = fc
  .date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('2199-12-31T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const someDays = fc.integer({ min: 0, max: 1_000 });

describe('dates of the calendar', () => {
  test('are days that exist, written YYYY-MM-DD', () => {
    for (const date of ['2026-11-21', '2028-02-29', '0001-01-01']) expect(isLocalDate(date)).toBe(true);
    for (const text of ['2027-02-29', '2026-13-01', '2026-1-1', '2026-11-21T00:00', '', 'today', 20_261_121, null])
      expect(isLocalDate(text)).toBe(false);
  });

  test('so many days later is so many days away', () => {
    fc.assert(
      fc.property(anyDate, someDays, (from, days) => {
        const to = addDays(from, days);
        expect(isLocalDate(to)).toBe(true);
        expect(daysBetween(from, to)).toBe(days);
        expect(addDays(to, -days)).toBe(from);
        expect(from < to).toBe(days > 0);
      }),
    );
  });

  test('the dates between two are each once, in order, without the last', () => {
    fc.assert(
      fc.property(anyDate, someDays, (from, days) => {
        const to = addDays(from, days);
        const dates = datesBetween(from, to);
        expect(dates).toHaveLength(days);
        expect(dates.toSorted()).toEqual(dates);
        expect(new Set(dates).size).toBe(days);
        expect(dates).not.toContain(to);
        if (days > 0) expect(dates[0]).toBe(from);
      }),
    );
  });

  test('the nights in which clocks change are nights like any other', () => {
    // Europe changes on 2027-03-28 and 2027-10-31.
    expect(datesBetween('2027-03-27', '2027-03-30')).toEqual(['2027-03-27', '2027-03-28', '2027-03-29']);
    expect(daysBetween('2027-10-30', '2027-11-02')).toBe(3);
  });

  test('nothing lies between a date and an earlier one', () => {
    expect(datesBetween('2027-01-02', '2027-01-01')).toEqual([]);
  });

  test('a date beyond the year 9999 is an error, not a text that sorts wrongly', () => {
    expect(() => addDays('9999-12-31', 1)).toThrow(RangeError);
  });
});

describe('the date of an instant', () => {
  const at = new Date('2026-11-21T23:30:00Z');

  test('depends on the zone', () => {
    expect(dateIn('UTC', at)).toBe('2026-11-21');
    expect(dateIn('Asia/Shanghai', at)).toBe('2026-11-22');
    expect(dateIn('America/Los_Angeles', at)).toBe('2026-11-21');
  });

  test('is in UTC the date whose beginning it follows', () => {
    expect(startOfDay('2026-11-21').toISOString()).toBe('2026-11-21T00:00:00.000Z');
  });

  test('is an error for a zone that there is not', () => {
    expect(() => dateIn('Europe/Atlantis', at)).toThrow(RangeError);
  });
});
