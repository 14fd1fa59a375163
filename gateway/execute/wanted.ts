import type { HasFailed, ReadKey, Representations } from './representations.ts';
import type { JsonObject } from './types.ts';
import { type ValueTree, findByValues } from './value-tree.ts';

/** One entity that is asked for, and the objects that are waiting for it. */
export type Wanted = {
  readonly text: string;
  readonly objects: JsonObject[];
  /** At which of the fetch's paths each object is; null when there is only one path. */
  readonly pathIndexes: number[] | null;
};

/** Finds the entity that an object waits for among those of a fetch. */
export type WantedEntities = {
  add(object: JsonObject, pathIndex: number): void;
  readonly all: readonly Wanted[];
  /** Objects that the subgraph should be asked about and can't be, as something that is required is missing. */
  readonly unasked: readonly JsonObject[];
};

/**
 * Entities by their representations. Most are known by a few leaves, and most objects wait for an entity that another
 * waits for too: those are found by the values, without building the text again.
 */
export function openWanted(
  representations: Representations,
  { hasSeveralPaths, hasFailed }: { hasSeveralPaths: boolean; hasFailed: HasFailed | null },
): WantedEntities {
  const all: Wanted[] = [];
  const unasked: JsonObject[] = [];
  const byText = new Map<string, Wanted>();
  const byValues = new Map<string, ValueTree<Wanted>>();

  function find(object: JsonObject, isNew: boolean): Wanted | null {
    const text = representations.textOf(object, hasFailed ?? neverFailed);
    if (text === undefined) unasked.push(object);
    if (text === null || text === undefined) return null;
    const known = isNew ? undefined : byText.get(text);
    if (known) return known;
    const wanted = { text, objects: [], pathIndexes: hasSeveralPaths ? [] : null };
    if (!isNew) byText.set(text, wanted);
    all.push(wanted);
    return wanted;
  }
  const isComparable = (value: unknown): boolean => typeof value !== 'object' || value === null;
  /** Texts of other values are other texts, but for lists and the like (a key of a custom scalar). */
  const findNew = (object: JsonObject): Wanted | null =>
    find(object, lastKeys?.every((read) => isComparable(read(object))) ?? false);

  /** Of the last object: a list mostly holds objects of one type. */
  let lastTypename: string | undefined;
  let lastKeys: readonly ReadKey[] | null = null;
  let lastTree: ValueTree<Wanted> = new Map();
  function turnTo(typename: string): void {
    lastTypename = typename;
    const keys = representations.keysOf(typename);
    lastKeys = keys && keys.length > 0 ? keys : null;
    const tree: ValueTree<Wanted> = byValues.get(typename) ?? new Map();
    byValues.set(typename, tree);
    lastTree = tree;
  }

  /** A value that is missing may have failed for one object and be unknown of another. */
  const mayDiffer = (object: JsonObject, keys: readonly ReadKey[]): boolean =>
    hasFailed !== null && keys.some((read) => read(object) === undefined);

  return {
    all,
    unasked,
    add(object, pathIndex) {
      const typename = object['__typename'];
      if (typeof typename !== 'string') return;
      if (typename !== lastTypename) turnTo(typename);
      const wanted =
        lastKeys && !mayDiffer(object, lastKeys)
          ? findByValues(lastTree, lastKeys, object, findNew)
          : find(object, false);
      if (!wanted) return;
      wanted.objects.push(object);
      wanted.pathIndexes?.push(pathIndex);
    },
  };
}

const neverFailed: HasFailed = () => false;
