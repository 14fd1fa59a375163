import type { FetchNode } from '@apollo/query-planner';
import { type FieldNode, type SelectionSetNode, parse } from 'graphql';
import { pickOperation } from './operation.ts';
import { responseName } from './overlaps.ts';
import { isInherited } from './own.ts';
import { compileQuery, fieldsOf } from './subgraph-query.ts';

/** A fetch of a plan, and the path at which it puts what it fetches. */
export type PlacedFetch = { readonly node: FetchNode; readonly path: readonly (string | number)[] };

/** More than identify an entity would cost more to compare than is gained. */
const maxLeaves = 4;

/**
 * Of some objects nothing is fetched but a few leaves, until entity fetches ask about each by them: those that agree in
 * these leaves get the same answers, and can't be told apart. Gives the response names of the leaves, or null for paths
 * where that isn't so:
 * - one fetch brings all the objects and all that is known of them, without objects of their own;
 * - no other selects anything on the way there beyond that fetch's own place, which could replace them;
 * - what is asked about them are leaves too, so that nothing is below them.
 *
 * A list of one author's products in many reviews holds the same few products again and again.
 */
export function leavesAt(fetches: readonly PlacedFetch[], path: PlacedFetch['path']): readonly string[] | null {
  const steps = path.map(String);
  // `__proto__` can't be assigned as others can.
  if (steps.some(isInherited)) return null;
  let found: { readonly fields: readonly FieldNode[]; readonly depth: number } | undefined;
  let deepest = 0;
  for (const { node, path: at } of fetches) {
    const from = at.map(String);
    if (isPrefix(steps, from)) {
      if (from.length > steps.length || !asksForLeaves(node)) return null;
    } else if (isPrefix(from, steps)) {
      if (node.outputRewrites?.length) return null;
      const { depth, fields } = follow(node, steps, from.length);
      if (!fields) deepest = Math.max(deepest, depth);
      else if (found) return null;
      else found = { fields, depth: from.length };
    }
  }
  if (!found || deepest > found.depth) return null;
  const names = [...new Set(found.fields.map(responseName))];
  const isSimple = found.fields.every(({ selectionSet }) => !selectionSet) && !names.some(isInherited);
  return isSimple && names.length > 0 && names.length <= maxLeaves ? names : null;
}

const isPrefix = (prefix: readonly string[], path: readonly string[]): boolean =>
  prefix.length <= path.length && prefix.every((step, index) => path[index] === step);

const asksForLeaves = (node: FetchNode): boolean =>
  node.requires !== undefined && !node.outputRewrites?.length && !compileQuery(node).isNested;

/** How far along the path a fetch selects objects; with the fields of those at its end if it gets there. */
function follow(node: FetchNode, steps: readonly string[], from: number): { depth: number; fields?: FieldNode[] } {
  const { operation, fragments } = pickOperation(parse(node.operation, { noLocation: true }), undefined);
  const fieldsIn = (sets: readonly (SelectionSetNode | undefined)[]): FieldNode[] =>
    sets.flatMap((selectionSet) => fieldsOf(selectionSet, fragments));
  let fields = fieldsIn([operation.selectionSet]);
  if (node.requires) fields = fieldsIn(fields.map(({ selectionSet }) => selectionSet));
  let depth = 0;
  for (let index = from; index < steps.length; index++) {
    if (steps[index] === '@') continue;
    const inner = fieldsIn(fields.filter((field) => responseName(field) === steps[index]).map(({ selectionSet }) => selectionSet)); // prettier-ignore
    if (inner.length === 0) return { depth };
    fields = inner;
    depth = index + 1;
  }
  return { depth, fields };
}
