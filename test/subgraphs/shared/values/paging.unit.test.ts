import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Key, type List, maxPageSize, pageArguments, toPage } from '../../../../subgraphs/shared/values/paging.ts';

const refused = { extensions: { code: 'BAD_USER_INPUT' } };
const caught = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

const rows = (name: string, selection?: unknown, keyLength = 1): List => ({ name, keyLength, selection });
const cursorOf = (list: List, key: Key): string =>
  toPage([key], pageArguments({}, list), (row) => row).pageInfo.endCursor as string;
const keyFrom = (list: List, after: string): Key | null => pageArguments({ after }, list).after;

describe('cursors', () => {
  test('bring the key back', () => {
    const key = fc.array(fc.oneof(fc.string(), fc.integer(), fc.double({ noDefaultInfinity: true, noNaN: true })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(key, (values) => {
        const list = rows('a', null, values.length);
        const back = values.map((value) => (Object.is(value, -0) ? 0 : value));
        expect(keyFrom(list, cursorOf(list, values))).toEqual(back);
      }),
    );
  });

  test('whatever else comes is refused as bad input', () => {
    fc.assert(fc.property(fc.string(), (after) => expect(caught(() => keyFrom(rows('a'), after))).toMatchObject(refused))); // prettier-ignore
    const [mark] = JSON.parse(Buffer.from(cursorOf(rows('a'), [1]), 'base64url').toString()) as [string];
    for (const value of [null, 1, 'x', {}, [], [1], ['x', 1], [mark], [mark, 1, 2], [mark, null], [mark, {}], [mark, [1]], [mark, true], [mark, [mark]], { 0: mark, 1: 1, length: 2 }]) {
      const after = Buffer.from(JSON.stringify(value)).toString('base64url');
      expect(caught(() => keyFrom(rows('a'), after))).toMatchObject(refused);
    } // prettier-ignore
  });

  const lists: readonly List[] = [
    rows('a'),
    rows('b'),
    rows('a', 'x'),
    rows('a', { sort: { by: 'TOTAL', descending: true }, filter: {} }),
    rows('a', { sort: { by: 'TOTAL', descending: false }, filter: {} }),
    rows('a', { sort: { by: 'TOTAL', descending: true }, filter: { state: ['PAID'] } }),
    rows('a', { sort: { by: 'TOTAL', descending: true }, filter: { from: new Date(0) } }),
    rows('a', { sort: { by: 'TOTAL', descending: true }, filter: { from: new Date(1) } }),
  ];
  test('belong to one list: its name, its order and its filter', () => {
    for (const list of lists)
      for (const other of lists) {
        const read = () => keyFrom(other, cursorOf(list, [7]));
        if (list === other) expect(read()).toEqual([7]);
        else expect(caught(read)).toMatchObject(refused);
      }
  });

  test('of the same list are taken whichever way it is written', () => {
    const one = rows('a', { sort: { by: 'TOTAL', descending: true }, filter: { query: null } });
    const other = rows('a', { filter: {}, sort: { descending: true, by: 'TOTAL' }, more: undefined });
    expect(keyFrom(one, cursorOf(other, [7]))).toEqual([7]);
  });
});

describe('pages', () => {
  test('have 20 rows unless told otherwise, and 1 to 100', () => {
    const list = rows('a');
    expect(pageArguments({}, list)).toMatchObject({ first: 20, after: null });
    expect(pageArguments({ first: null, after: null }, list)).toMatchObject({ first: 20, after: null });
    expect(pageArguments({ first: maxPageSize, after: cursorOf(list, ['x']) }, list)).toMatchObject({ first: 100, after: ['x'] }); // prettier-ignore
    for (const first of [0, -1, 101, 1.5, Number.NaN])
      expect(caught(() => pageArguments({ first }, list))).toMatchObject(refused);
  });

  test('from the end take last and before, and nothing of the beginning', () => {
    const list = rows('a');
    const cursor = cursorOf(list, ['x']);
    expect(pageArguments({ last: 3 }, list)).toMatchObject({ first: 3, isBackward: true, before: null, after: null });
    expect(pageArguments({ last: 3, before: cursor }, list)).toMatchObject({ before: ['x'] });
    const wrong = [{ last: 0 }, { last: 101 }, { last: 1.5 }, { last: 3, first: 3 }, { last: 3, after: cursor }, { before: cursor }, { first: 3, before: cursor }, { last: 3, before: 'x' }, { last: 3, before: cursorOf(rows('b'), ['x']) }]; // prettier-ignore
    for (const given of wrong) expect([given, caught(() => pageArguments(given, list))]).toMatchObject([given, refused]); // prettier-ignore
  });

  test('walked from the end to the beginning give every row once, in the order of the list', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 25 }), (count, last) => {
        const all = Array.from({ length: count }, (_, index) => index);
        let seen: number[] = [];
        for (let before: string | null = null, more = true; more;) {
          const page = pageArguments({ last, before }, rows('a'));
          const beyond = page.before === null ? Infinity : Number(page.before[0]);
          const found = all.filter((row) => row < beyond).toReversed().slice(0, last + 1); // prettier-ignore
          const { edges, pageInfo } = toPage(found, page, (row) => [row]);
          expect(pageInfo).toMatchObject({ hasNextPage: before !== null, endCursor: edges.at(-1)?.cursor ?? null });
          seen = [...edges.map((edge) => edge.node), ...seen];
          more = pageInfo.hasPreviousPage;
          before = pageInfo.startCursor;
        }
        expect(seen).toEqual(all);
      }),
    );
  });

  test('walked to the end give every row once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 25 }), (count, first) => {
        const all = Array.from({ length: count }, (_, index) => index);
        const seen: number[] = [];
        for (let after: string | null = null, more = true; more;) {
          const page = pageArguments({ first, after }, rows('a'));
          const found = all.filter((row) => page.after === null || row > Number(page.after[0])).slice(0, first + 1);
          const { edges, pageInfo } = toPage(found, page, (row) => [row]);
          expect(pageInfo).toMatchObject({ hasPreviousPage: after !== null, startCursor: edges[0]?.cursor ?? null });
          seen.push(...edges.map((edge) => edge.node));
          more = pageInfo.hasNextPage;
          after = pageInfo.endCursor;
        }
        expect(seen).toEqual(all);
      }),
    );
  });
});
