import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { badUserInput } from '../errors/errors.ts';

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

/** The sort values of a row: its place in a list. */
export type Key = readonly (string | number)[];

/** A list as its cursors know it. */
export type List = {
  readonly name: string;
  /** How many values place a row in it. */
  readonly keyLength: number;
  /** What decides which rows it has and in which order: whose it is, filter, sort. As JSON has it; null is as good as left out. */
  readonly selection?: unknown;
};

/** One page that is asked for. */
export type PageRequest = {
  /** How many rows it has at most. */
  readonly first: number;
  /** The place of the last row of the page before. */
  readonly after: Key | null;
  /** The page is asked for from the end (`last`): its rows are read in the opposite order. */
  readonly isBackward: boolean;
  /** The place of the first row of the page behind, of a page that is asked for from the end. */
  readonly before: Key | null;
  /** The mark that all cursors of this list have. */
  readonly mark: string;
};

const markBytes = 6;

/** The same for lists that have the same rows in the same order, and for no others: a place in one means nothing in another. */
function markOf({ name, selection }: List): string {
  const plain: unknown = JSON.parse(JSON.stringify([name, selection ?? null], (_, value) => value ?? undefined));
  return createHash('sha256').update(canonicalize(plain) as string).digest().subarray(0, markBytes).toString('base64url'); // prettier-ignore
}

/** A keyset cursor, opaque to clients: the list's mark and the place of a row in it. */
const encodeCursor = (mark: string, key: Key): string =>
  Buffer.from(JSON.stringify([mark, ...key])).toString('base64url');

export const foreignCursor = (name: 'after' | 'before' = 'after') =>
  badUserInput(`${name}: is not a cursor of this list with this filter and order.`);

/** Throws BAD_USER_INPUT for anything that `encodeCursor` did not make for this list. */
function decodeCursor(
  cursor: string,
  mark: string,
  { name, length }: { name: 'after' | 'before'; length: number },
): Key {
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (
      Array.isArray(values) &&
      values.length === length + 1 &&
      values[0] === mark &&
      values.every((value) => typeof value === 'string' || Number.isFinite(value))
    )
      return values.slice(1);
  } catch {
    // not JSON: refused below like every other foreign cursor
  }
  throw foreignCursor(name);
}

/** What a client asks of a list: the rows after a place, or, of lists that take it, those before one. */
export type PageArguments = {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
};

/**
 * A page of a list. Throws BAD_USER_INPUT when its size is not between 1 and 100, its cursor is not one of the list, or it is
 * asked for from both ends.
 */
export function pageArguments({ first, after, last, before }: PageArguments, list: List): PageRequest {
  const isBackward = last !== null && last !== undefined;
  if (isBackward && first !== null && first !== undefined) throw badUserInput('first, last: give one of them.');
  if (isBackward && after !== null && after !== undefined) throw badUserInput('after: goes with first; last takes before.'); // prettier-ignore
  if (!isBackward && before !== null && before !== undefined) throw badUserInput('before: goes with last, the size of the page.'); // prettier-ignore
  const size = isBackward ? last : (first ?? 20);
  if (!Number.isInteger(size) || size < 1 || size > maxPageSize)
    throw badUserInput(`${isBackward ? 'last' : 'first'}: must be between 1 and ${maxPageSize}.`);
  const mark = markOf(list);
  const keyOf = (name: 'after' | 'before', cursor: string | null | undefined): Key | null =>
    cursor === null || cursor === undefined ? null : decodeCursor(cursor, mark, { name, length: list.keyLength });
  return { first: size, mark, isBackward, after: keyOf('after', after), before: keyOf('before', before) };
}

/** A page from `first + 1` rows, in the order in which they were read: the extra row only tells that there is more. */
export function toPage<Node>(rows: readonly Node[], page: PageRequest, keyOf: (node: Node) => Key): Page<Node> {
  const read = rows.slice(0, page.first).map((node) => ({ cursor: encodeCursor(page.mark, keyOf(node)), node }));
  const edges = page.isBackward ? read.toReversed() : read;
  const hasMore = rows.length > page.first;
  return {
    edges,
    pageInfo: {
      hasNextPage: page.isBackward ? page.before !== null : hasMore,
      hasPreviousPage: page.isBackward ? hasMore : page.after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}
