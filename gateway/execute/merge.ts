import { type GraphQLSchema, isInterfaceType } from 'graphql';
import { getOwn, isInherited, setOwn } from './own.ts';
import { type JsonObject, isJsonObject } from './types.ts';

/** Writes what a subgraph answered into what is known already. */
export type Merge = (target: JsonObject, source: JsonObject, options: { readonly copy: boolean }) => void;

/**
 * Merging keeps what one subgraph knows when another answers null for it, so the order in which parallel fetches end
 * doesn't show. Lists of the same length are merged element by element. The name of an object type is never replaced by
 * that of an interface (which is what a subgraph with an interface object answers as `__typename`).
 *
 * `copy` makes nested objects that are new to the target copies: the same source is merged at places where response
 * names may mean different things.
 */
export function mergeInto(schema: GraphQLSchema): Merge {
  function mergeObject(target: JsonObject, source: JsonObject, options: { readonly copy: boolean }): void {
    for (const key of Object.keys(source)) {
      const value = source[key];
      if (value === undefined) continue;
      let current = target[key];
      // What objects inherit are functions, which no answer holds, and the prototype itself.
      if (typeof current === 'function' || key === '__proto__') current = getOwn(target, key);
      if (current === undefined || current === null) {
        setOwn(target, key, options.copy && typeof value === 'object' ? copyOf(value) : value);
      } else if (value === null || value === current) {
        continue;
      } else if (isJsonObject(value) && isJsonObject(current)) {
        mergeObject(current, value, options);
      } else if (Array.isArray(value) && Array.isArray(current) && value.length === current.length) {
        mergeList(current, value, options);
      } else if (key !== '__typename' || !namesInterface(value)) {
        setOwn(target, key, options.copy && typeof value === 'object' ? copyOf(value) : value);
      }
    }
  }
  function mergeList(target: unknown[], source: readonly unknown[], options: { readonly copy: boolean }): void {
    source.forEach((value, index) => {
      const current = target[index];
      if (value === null || value === undefined || value === current) return;
      if (isJsonObject(value) && isJsonObject(current)) mergeObject(current, value, options);
      else if (Array.isArray(value) && Array.isArray(current) && value.length === current.length)
        mergeList(current, value, options);
      else target[index] = options.copy && typeof value === 'object' ? copyOf(value) : value;
    });
  }
  const namesInterface = (name: unknown): boolean => typeof name === 'string' && isInterfaceType(schema.getType(name));
  return mergeObject;
}

/** Merges objects that hold nothing but leaves; false, and perhaps a part merged, for one that holds more. */
type MergeLeaves = (target: JsonObject, source: JsonObject) => boolean;

/**
 * What `mergeInto` gives does, for just these fields, none of which is an object or a list of objects. Whatever else the
 * source holds was not asked for.
 */
export function compileLeafMerge(merge: Merge, names: ReadonlySet<string>, generateCode: boolean): Merge {
  if (names.has('__typename') || [...names].some(isInherited)) return merge;
  const mergeLeaves = generateCode ? generateLeafMerge([...names]) : loopLeafMerge([...names]);
  return (target, source, options) => {
    if (!mergeLeaves(target, source)) merge(target, source, options);
  };
}

/** V8 learns the form of objects by the place where they are read, and a loop over names is one place. */
function generateLeafMerge(names: readonly string[]): MergeLeaves {
  const statements = names.map((name) => {
    const at = `[${JSON.stringify(name)}]`;
    return `value = source${at}; if (typeof value === 'object' && value !== null) return false; if (value === null ? target${at} === undefined : value !== undefined) target${at} = value;`;
  });
  // oxlint-disable-next-line typescript/no-implied-eval
  return new Function(
    'target',
    'source',
    `'use strict'; let value; ${statements.join('\n')} return true;`,
  ) as MergeLeaves;
}

const loopLeafMerge =
  (names: readonly string[]): MergeLeaves =>
  (target, source) => {
    for (const name of names) {
      const value = source[name];
      if (typeof value === 'object' && value !== null) return false;
      if (value === null ? target[name] === undefined : value !== undefined) target[name] = value;
    }
    return true;
  };

/** A copy of JSON-like data; a Date or the like (in-process scalars) is a leaf and is shared. */
export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== 'object' || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && !isPlainPrototype(prototype)) return value;
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) setOwn(copy, key, copyOf((value as JsonObject)[key]));
  return copy;
}

/** Object.prototype of any realm: the only prototype without one of its own. */
const isPlainPrototype = (prototype: unknown): boolean => Object.getPrototypeOf(prototype) === null;
