import { type AnswerLimits, answerTooLarge } from '../../subgraphs/shared/answers/answer-size.ts';
import { compileReader, getOwn, isInherited, setOwn } from './own.ts';
import { type JsonObject, type ResponsePath, isJsonObject } from './types.ts';
import { type ValueTree, findByValues } from './value-tree.ts';

/** Where a fetch of the plan puts what it fetches. */
export type PlanPath = {
  /** Equal for equal paths. */
  readonly key: string;
  /** The objects at the path, each once. `isTree`: none is at several places, so that nobody need look. */
  collect(root: JsonObject, isTree: boolean): JsonObject[];
  /**
   * Collects them from a tree, and puts one object in the place of all that agree in the path's leaves (`leavesAt`).
   * Null when the path has none.
   */
  readonly unite: ((root: JsonObject) => JsonObject[]) | null;
  /**
   * For each object at the path, the places of the response where it is. Throws ANSWER_TOO_LARGE when there are more than an
   * answer may have values: an object is kept once, and may be at as many places as lists around it multiply to.
   */
  locate(root: JsonObject, limits: AnswerLimits): ReadonlyMap<JsonObject, ResponsePath[]>;
};

/**
 * Compiles a path of the plan: names, and `@` for the elements of a list. Nulls, and values that don't have the form that
 * the path expects, end the walk there: the shaper says what is wrong with them.
 */
export function compilePath(
  path: readonly (string | number)[],
  generateCode: boolean,
  leaves: readonly string[] | null,
): PlanPath {
  const steps = path.map(String);
  /** How a property is read; null for the elements of a list. */
  const reads = steps.map((step) => (step === '@' ? null : compileReader(step, generateCode)));
  const conditional = steps.find((step) => step === '' || step.includes('|'));
  // Only planned with `typeConditionedFetching`, which nothing here needs: see plan-document.ts.
  if (conditional !== undefined) throw new Error(`a path of the plan has a condition: ${steps.join('.')}`);

  /** A list below an entity is in the tree wherever the entity is: once is enough. */
  function collectFrom(value: unknown, depth: number, found: Set<unknown>[]): void {
    if (value === null || typeof value !== 'object') return;
    const read = reads[depth];
    if (Array.isArray(value)) {
      if (read !== null) return;
      const seen = (found[depth] ??= new Set());
      if (seen.has(value)) return;
      seen.add(value);
      for (const element of value) collectFrom(element, depth + 1, found);
    } else if (read === undefined) {
      (found[depth] ??= new Set()).add(value);
    } else if (read !== null) {
      collectFrom(read(value as JsonObject), depth + 1, found);
    }
  }
  type Located = { readonly places: Map<JsonObject, ResponsePath[]>; left: number; readonly limits: AnswerLimits };
  function locateFrom(value: unknown, at: ResponsePath, depth: number, found: Located): void {
    const step = steps[depth];
    if (Array.isArray(value)) {
      if (step !== '@') return;
      found.left -= value.length;
      if (found.left < 0) throw answerTooLarge(found.limits);
      value.forEach((element, index) => locateFrom(element, [...at, index], depth + 1, found));
    } else if (isJsonObject(value)) {
      if (step === undefined) {
        const places = found.places.get(value);
        if (places) places.push(at);
        else found.places.set(value, [at]);
      } else if (step !== '@') {
        locateFrom(getOwn(value, step), [...at, step], depth + 1, found);
      }
    }
  }

  const walkTree = generateCode ? generateTreeWalk(steps) : treeWalk(steps, reads);
  return {
    key: steps.join('\n'),
    unite: leaves && compileUnite(walkTree, leaves, generateCode),
    collect(root, isTree) {
      if (isTree) {
        const objects: JsonObject[] = [];
        walkTree(root, (object) => {
          objects.push(object);
          return object;
        });
        return objects;
      }
      const found: Set<unknown>[] = [];
      collectFrom(root, 0, found);
      return [...(found[steps.length] ?? [])] as JsonObject[];
    },
    locate(root, limits) {
      const found: Located = { places: new Map(), left: limits.maxValues, limits };
      locateFrom(root, [], 0, found);
      return found.places;
    },
  };
}

/** Visits the objects at a path of data where no object is at two places, and puts what is answered in their place. */
type TreeWalk = (root: JsonObject, visit: (object: JsonObject) => JsonObject) => void;

function treeWalk(steps: readonly string[], reads: readonly (((object: JsonObject) => unknown) | null)[]): TreeWalk {
  return (root, visit) => {
    function walk(value: unknown, depth: number): unknown {
      if (value === null || typeof value !== 'object') return value;
      const read = reads[depth];
      if (Array.isArray(value)) {
        if (read === null)
          value.forEach((element, index) => {
            const next = walk(element, depth + 1);
            if (next !== element) value[index] = next;
          });
      } else if (read === undefined) {
        return visit(value as JsonObject);
      } else if (read !== null) {
        const inner = read(value as JsonObject);
        const next = walk(inner, depth + 1);
        if (next !== inner) setOwn(value as JsonObject, steps[depth] as string, next);
      }
      return value;
    }
    walk(root, 0);
  };
}

/** The same as loops in each other, one for each list on the way. Only names of the plan get into the code, as string literals. */
function generateTreeWalk(steps: readonly string[]): TreeWalk {
  const at = (depth: number, place: string): string => {
    const value = `v${depth}`;
    const step = steps[depth];
    const next = `v${depth + 1}`;
    const isObject = `typeof ${value} === 'object' && ${value} !== null && !Array.isArray(${value})`;
    if (step === undefined)
      return `if (${isObject}) { const other = visit(${value}); if (other !== ${value}) ${place} = other; }`;
    if (step === '@')
      return `if (Array.isArray(${value})) for (let i${depth} = 0; i${depth} < ${value}.length; i${depth}++) { const ${next} = ${value}[i${depth}]; ${at(depth + 1, `${value}[i${depth}]`)} }`;
    const name = JSON.stringify(step);
    const read = isInherited(step) ? `Object.hasOwn(${value}, ${name}) ? ${value}[${name}] : undefined` : `${value}[${name}]`; // prettier-ignore
    return `if (${isObject}) { const ${next} = ${read}; ${at(depth + 1, `${value}[${name}]`)} }`;
  };
  // oxlint-disable-next-line typescript/no-implied-eval
  return new Function('v0', 'visit', `'use strict'; ${at(0, 'v0')}`) as TreeWalk;
}

function compileUnite(walkTree: TreeWalk, leaves: readonly string[], generateCode: boolean) {
  const reads = leaves.map((name) => compileReader(name, generateCode));
  return (root: JsonObject): JsonObject[] => {
    const objects: JsonObject[] = [];
    const byValues: ValueTree<JsonObject> = new Map();
    const keep = (object: JsonObject): JsonObject => {
      objects.push(object);
      return object;
    };
    walkTree(root, (object) => findByValues(byValues, reads, object, keep) ?? object);
    return objects;
  };
}
