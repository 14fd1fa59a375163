import { badUserInput } from './errors.ts';

export const maxPageSize = 100;

export type Page<Node> = {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
};

/** A keyset cursor: the sort values of a row, opaque to clients. */
export type Key = readonly (string | number)[];

export const encodeCursor = (key: Key): string => Buffer.from(JSON.stringify(key)).toString('base64url');

/** The key of a cursor of `length` values. Throws BAD_USER_INPUT for anything that `encodeCursor` did not make. */
export function decodeCursor(cursor: string, length: number): Key {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (
      Array.isArray(key) &&
      key.length === length &&
      key.every((value) => typeof value === 'string' || typeof value === 'number')
    )
      return key;
  } catch {
    // not JSON: refused below like every other foreign cursor
  }
  throw badUserInput('after: is not a cursor of this list.');
}

/** `first` and the decoded `after`. Throws BAD_USER_INPUT when `first` is not within 1 to 100. */
export function pageArguments(
  given: { first?: number | null | undefined; after?: string | null | undefined },
  keyLength: number,
): { first: number; after: Key | null } {
  const first = given.first ?? 20;
  if (!Number.isInteger(first) || first < 1 || first > maxPageSize)
    throw badUserInput(`first: must be within 1 and ${maxPageSize}.`);
  return {
    first,
    after: given.after === null || given.after === undefined ? null : decodeCursor(given.after, keyLength),
  };
}

/** A page from `first + 1` rows read: the extra row only tells that there is more. */
export function toPage<Node>(
  rows: readonly Node[],
  page: { first: number; after: Key | null },
  keyOf: (node: Node) => Key,
): Page<Node> {
  const edges = rows.slice(0, page.first).map((node) => ({ cursor: encodeCursor(keyOf(node)), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length > page.first,
      hasPreviousPage: page.after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}
