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
  readonly first: number;
  /** The place of the last row of the page before. */
  readonly after: Key | null;
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

export const foreignCursor = () => badUserInput('after: is not a cursor of this list with this filter and order.');

/** Throws BAD_USER_INPUT for anything that `encodeCursor` did not make for this list. */
function decodeCursor(cursor: string, mark: string, length: number): Key {
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
  throw foreignCursor();
}

/** A page of a list. Throws BAD_USER_INPUT when `first` is not between 1 and 100, or `after` is not a cursor of the list. */
export function pageArguments(
  given: { first?: number | null | undefined; after?: string | null | undefined },
  list: List,
): PageRequest {
  const first = given.first ?? 20;
  if (!Number.isInteger(first) || first < 1 || first > maxPageSize)
    throw badUserInput(`first: must be between 1 and ${maxPageSize}.`);
  const mark = markOf(list);
  const { after = null } = given;
  return { first, mark, after: after === null ? null : decodeCursor(after, mark, list.keyLength) };
}

/** A page from `first + 1` rows read: the extra row only tells that there is more. */
export function toPage<Node>(rows: readonly Node[], page: PageRequest, keyOf: (node: Node) => Key): Page<Node> {
  const edges = rows.slice(0, page.first).map((node) => ({ cursor: encodeCursor(page.mark, keyOf(node)), node }));
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
