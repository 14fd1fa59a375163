import type { ReadKey, Representations } from './representations.ts';
import type { JsonObject } from './types.ts';

/** One entity that is asked for, and the objects that are waiting for it. */
export type Wanted = {
  readonly text: string;
  readonly objects: JsonObject[];
  /** At which of the fetch's paths each object is; null when there is only one path. */
  readonly pathIndexes: number[] | null;
};

/** Finds the entity that an object waits for among those of a fetch. */
export type WantedEntities = {
  /** False when the subgraph isn't asked about the object. */
  add(object: JsonObject, pathIndex: number): boolean;
  readonly all: readonly Wanted[];
};

type Tree = Map<unknown, Tree | Wanted>;

/**
 * Entities by their representations. Most are known by a few leaves, and most objects wait for an entity that another
 * waits for too: those are found by the values, without building the text again.
 */
export function openWanted(representations: Representations, hasSeveralPaths: boolean): WantedEntities {
  const all: Wanted[] = [];
  const byText = new Map<string, Wanted>();
  const byValues = new Map<string, Tree>();

  function find(object: JsonObject, isNew: boolean): Wanted | null {
    const text = representations.textOf(object);
    if (text === null) return null;
    const known = isNew ? undefined : byText.get(text);
    if (known) return known;
    const wanted = { text, objects: [], pathIndexes: hasSeveralPaths ? [] : null };
    if (!isNew) byText.set(text, wanted);
    all.push(wanted);
    return wanted;
  }
  function findByValues(object: JsonObject, top: Tree, keys: readonly ReadKey[]): Wanted | null {
    let tree = top;
    const last = keys.length - 1;
    // Texts of other values are other texts, but for lists and the like (a key of a custom scalar).
    let isNew = true;
    for (let index = 0; index < last; index++) {
      const value = keys[index]?.(object);
      if (typeof value === 'object' && value !== null) isNew = false;
      let next = tree.get(value) as Tree | undefined;
      if (!next) tree.set(value, (next = new Map()));
      tree = next;
    }
    const value = keys[last]?.(object);
    const known = tree.get(value) as Wanted | undefined;
    if (known) return known;
    if (typeof value === 'object' && value !== null) isNew = false;
    const wanted = find(object, isNew);
    if (wanted) tree.set(value, wanted);
    return wanted;
  }

  /** Of the last object: a list mostly holds objects of one type. */
  let lastTypename: string | undefined;
  let lastKeys: readonly ReadKey[] | null = null;
  let lastTree: Tree = new Map();
  function turnTo(typename: string): void {
    lastTypename = typename;
    const keys = representations.keysOf(typename);
    lastKeys = keys && keys.length > 0 ? keys : null;
    const tree = byValues.get(typename) ?? new Map<unknown, Tree | Wanted>();
    byValues.set(typename, tree);
    lastTree = tree;
  }

  return {
    all,
    add(object, pathIndex) {
      const typename = object['__typename'];
      if (typeof typename !== 'string') return false;
      if (typename !== lastTypename) turnTo(typename);
      const wanted = lastKeys ? findByValues(object, lastTree, lastKeys) : find(object, false);
      if (!wanted) return false;
      wanted.objects.push(object);
      wanted.pathIndexes?.push(pathIndex);
      return true;
    },
  };
}
