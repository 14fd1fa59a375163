import type { ReadKey } from './representations.ts';
import type { JsonObject } from './types.ts';

/** What was found for objects by a list of their values: a level of maps for each. */
export type ValueTree<T extends object> = Map<unknown, ValueTree<T> | T>;

/**
 * What was made for an object with the same values, or what `make` makes of this one. Null, which `make` may answer, is
 * not kept. Lists and objects are the same value only where they are the same one.
 */
export function findByValues<T extends object>(
  top: ValueTree<T>,
  reads: readonly ReadKey[],
  object: JsonObject,
  make: (object: JsonObject) => T | null,
): T | null {
  let tree = top;
  const last = reads.length - 1;
  for (let index = 0; index < last; index++) {
    const value = reads[index]?.(object);
    let next = tree.get(value) as ValueTree<T> | undefined;
    if (!next) tree.set(value, (next = new Map()));
    tree = next;
  }
  const value = reads[last]?.(object);
  const known = tree.get(value) as T | undefined;
  if (known) return known;
  const made = make(object);
  if (made) tree.set(value, made);
  return made;
}
