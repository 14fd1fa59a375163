import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeCursor,
  encodeCursor,
  maxPageSize,
  pageArguments,
  toPage,
} from '../../../subgraphs/shared/connection.ts';

const refused = { extensions: { code: 'BAD_USER_INPUT' } };
const caught = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe('cursors', () => {
  test('bring the key back', () => {
    const key = fc.array(fc.oneof(fc.string(), fc.integer(), fc.double({ noDefaultInfinity: true, noNaN: true })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(fc.property(key, (values) => expect(decodeCursor(encodeCursor(values), values.length)).toEqual(values.map((value) => (Object.is(value, -0) ? 0 : value))))); // prettier-ignore
  });

  test('whatever else comes is refused as bad input', () => {
    fc.assert(fc.property(fc.string(), (text) => expect(caught(() => decodeCursor(text, 9))).toMatchObject(refused)));
    for (const value of [null, 1, 'x', {}, [], [1, 2], [null], [{}], [true]]) {
      expect(caught(() => decodeCursor(Buffer.from(JSON.stringify(value)).toString('base64url'), 1))).toMatchObject(
        refused,
      );
    }
  });
});

describe('pages', () => {
  test('have 20 rows unless told otherwise, and 1 to 100', () => {
    expect(pageArguments({}, 1)).toEqual({ first: 20, after: null });
    expect(pageArguments({ first: null, after: null }, 1)).toEqual({ first: 20, after: null });
    expect(pageArguments({ first: maxPageSize, after: encodeCursor(['x']) }, 1)).toEqual({ first: 100, after: ['x'] });
    for (const first of [0, -1, 101, 1.5, Number.NaN])
      expect(caught(() => pageArguments({ first }, 1))).toMatchObject(refused);
  });

  test('walked to the end give every row once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 25 }), (count, first) => {
        const all = Array.from({ length: count }, (_, index) => index);
        const seen: number[] = [];
        for (let after: string | null = null, more = true; more;) {
          const page = pageArguments({ first, after }, 1);
          const rows = all.filter((row) => page.after === null || row > Number(page.after[0])).slice(0, first + 1);
          const { edges, pageInfo } = toPage(rows, page, (row) => [row]);
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
