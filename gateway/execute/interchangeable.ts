import type { FetchNode } from '@apollo/query-planner';
import type { FieldNode } from 'graphql';
import type { ParsedOperation } from './operation.ts';
import { responseName } from './overlaps.ts';
import { isInherited } from './own.ts';
import { fieldsOf } from './subgraph-query.ts';

/** A fetch of a plan, its operation, and the path at which it puts what it fetches. */
export type PlacedFetch = {
  readonly node: FetchNode;
  readonly parsed: ParsedOperation;
  readonly path: readonly (string | number)[];
};

/** More than identify an entity would cost more to compare than is gained. */
const maxLeaves = 4;

/** The response names of the leaves by which objects at a path are known; null where they can't become one. */
export type LeavesAt = (path: PlacedFetch['path']) => readonly string[] | null;

/**
 * Of some objects nothing is fetched but a few leaves, until entity fetches ask about each by them: those that agree in
 * these leaves get the same answers, and can't be told apart. That is so where:
 * - one fetch brings all the objects and all that is known of them, without objects of their own;
 * - no other selects anything on the way there beyond that fetch's own place;
 * - what is asked about them are leaves too, so that nothing is below them.
 *
 * A list of one author's products in many reviews holds the same few products again and again.
 *
 * @param fetches all of a plan
 */
export function openLeavesAt(fetches: readonly PlacedFetch[]): LeavesAt {
  const all = fetches.map(readFetch);
  const known = new Map<string, readonly string[] | null>();
  return (path) => {
    const steps = path.map(String);
    const key = steps.join('\n');
    let leaves = known.get(key);
    if (leaves === undefined) known.set(key, (leaves = leavesOf(all, steps)));
    return leaves;
  };
}

function leavesOf(fetches: readonly ReadFetch[], steps: readonly string[]): readonly string[] | null {
  // `__proto__` can't be assigned as others can.
  if (steps.some(isInherited)) return null;
  let found: { readonly fields: readonly FieldNode[]; readonly depth: number } | undefined;
  let deepest = 0;
  for (const fetch of fetches) {
    const { steps: from } = fetch;
    if (isPrefix(steps, from)) {
      if (from.length > steps.length || !asksForLeaves(fetch)) return null;
    } else if (isPrefix(from, steps)) {
      if (fetch.isRewritten) return null;
      const { depth, fields } = follow(fetch, steps);
      if (!fields) deepest = Math.max(deepest, depth);
      else if (found) return null;
      else found = { fields, depth: from.length };
    }
  }
  if (!found || deepest > found.depth) return null;
  const names = [...new Set(found.fields.map(responseName))];
  const isSimple = found.fields.every(isLeaf) && !names.some(isInherited);
  return isSimple && names.length > 0 && names.length <= maxLeaves ? names : null;
}

type ReadFetch = {
  readonly steps: readonly string[];
  readonly isOfEntities: boolean;
  readonly isRewritten: boolean;
  /** At its place: of the root, or of the entities. Read when first asked for. */
  fields(): readonly FieldNode[];
  fieldsIn(fields: readonly FieldNode[]): FieldNode[];
};

function readFetch({ node, parsed: { operation, fragments }, path }: PlacedFetch): ReadFetch {
  let fields: readonly FieldNode[] | undefined;
  const fieldsIn = (outer: readonly FieldNode[]): FieldNode[] =>
    outer.flatMap(({ selectionSet }) => fieldsOf(selectionSet, fragments));
  const isOfEntities = node.requires !== undefined;
  function readFields(): readonly FieldNode[] {
    const top = fieldsOf(operation.selectionSet, fragments);
    return isOfEntities ? fieldsIn(top) : top;
  }
  return {
    steps: path.map(String),
    isOfEntities,
    isRewritten: Boolean(node.outputRewrites?.length),
    fields: () => (fields ??= readFields()),
    fieldsIn,
  };
}

const isPrefix = (prefix: readonly string[], path: readonly string[]): boolean =>
  prefix.length <= path.length && prefix.every((step, index) => path[index] === step);

const isLeaf = ({ selectionSet }: FieldNode): boolean => selectionSet === undefined;

const asksForLeaves = ({ isOfEntities, isRewritten, fields }: ReadFetch): boolean =>
  isOfEntities && !isRewritten && fields().every(isLeaf);

/** How far along the path a fetch selects objects; with the fields of those at its end if it gets there. */
function follow(fetch: ReadFetch, steps: readonly string[]): { depth: number; fields?: readonly FieldNode[] } {
  let fields = fetch.fields();
  let depth = 0;
  for (let index = fetch.steps.length; index < steps.length; index++) {
    if (steps[index] === '@') continue;
    const inner = fetch.fieldsIn(fields.filter((field) => responseName(field) === steps[index]));
    if (inner.length === 0) return { depth };
    fields = inner;
    depth = index + 1;
  }
  return { depth, fields };
}
