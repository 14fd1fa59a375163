import { compileReader, getOwn, isInherited } from './own.ts';
import { type JsonObject, type ResponsePath, isJsonObject } from './types.ts';

/** Where a fetch of the plan puts what it fetches. */
export type PlanPath = {
  /** Equal for equal paths. */
  readonly key: string;
  /** The objects at the path, each once. `isTree`: none is at several places, so that nobody need look. */
  collect(root: JsonObject, isTree: boolean): JsonObject[];
  /** For each object at the path, the places of the response where it is. */
  locate(root: JsonObject): ReadonlyMap<JsonObject, ResponsePath[]>;
};

/**
 * Compiles a path of the plan: names, and `@` for the elements of a list. Nulls, and values that don't have the form that
 * the path expects, end the walk there: the shaper says what is wrong with them.
 */
export function compilePath(path: readonly (string | number)[], generateCode: boolean): PlanPath {
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
  function locateFrom(value: unknown, at: ResponsePath, depth: number, found: Map<JsonObject, ResponsePath[]>): void {
    const step = steps[depth];
    if (Array.isArray(value)) {
      if (step === '@') value.forEach((element, index) => locateFrom(element, [...at, index], depth + 1, found));
    } else if (isJsonObject(value)) {
      if (step === undefined) {
        const places = found.get(value);
        if (places) places.push(at);
        else found.set(value, [at]);
      } else if (step !== '@') {
        locateFrom(getOwn(value, step), [...at, step], depth + 1, found);
      }
    }
  }

  const collectFromTree = generateCode ? generateTreeWalk(steps) : treeWalk(reads);
  return {
    key: steps.join('\n'),
    collect(root, isTree) {
      if (isTree) {
        const objects: JsonObject[] = [];
        collectFromTree(root, objects);
        return objects;
      }
      const found: Set<unknown>[] = [];
      collectFrom(root, 0, found);
      return [...(found[steps.length] ?? [])] as JsonObject[];
    },
    locate(root) {
      const found = new Map<JsonObject, ResponsePath[]>();
      locateFrom(root, [], 0, found);
      return found;
    },
  };
}

/** Collects the objects at a path of data where no object is at two places. */
type TreeWalk = (root: JsonObject, found: JsonObject[]) => void;

function treeWalk(reads: readonly (((object: JsonObject) => unknown) | null)[]): TreeWalk {
  function walk(value: unknown, depth: number, found: JsonObject[]): void {
    if (value === null || typeof value !== 'object') return;
    const read = reads[depth];
    if (Array.isArray(value)) {
      if (read === null) for (const element of value) walk(element, depth + 1, found);
    } else if (read === undefined) {
      found.push(value as JsonObject);
    } else if (read !== null) {
      walk(read(value as JsonObject), depth + 1, found);
    }
  }
  return (root, found) => walk(root, 0, found);
}

/** The same as loops in each other, one for each list on the way. Only names of the plan get into the code, as string literals. */
function generateTreeWalk(steps: readonly string[]): TreeWalk {
  const at = (depth: number): string => {
    const value = `v${depth}`;
    const step = steps[depth];
    const next = `v${depth + 1}`;
    if (step === undefined) return `if (typeof ${value} === 'object' && ${value} !== null && !Array.isArray(${value})) found.push(${value});`; // prettier-ignore
    if (step === '@')
      return `if (Array.isArray(${value})) for (let i${depth} = 0; i${depth} < ${value}.length; i${depth}++) { const ${next} = ${value}[i${depth}]; ${at(depth + 1)} }`;
    const name = JSON.stringify(step);
    const read = isInherited(step) ? `Object.hasOwn(${value}, ${name}) ? ${value}[${name}] : undefined` : `${value}[${name}]`; // prettier-ignore
    return `if (typeof ${value} === 'object' && ${value} !== null && !Array.isArray(${value})) { const ${next} = ${read}; ${at(depth + 1)} }`;
  };
  // oxlint-disable-next-line typescript/no-implied-eval
  return new Function('v0', 'found', `'use strict'; ${at(0)}`) as TreeWalk;
}
