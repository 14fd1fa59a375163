/** Work by keys: one piece of a key at a time, and what comes meanwhile goes together next. */
export type Lanes<Item, Result> = {
  /** In the lane of one of these keys, at least one: where one is busy, in its lane, and else in the first's. */
  run(keys: readonly string[], item: Item): Promise<Result>;
};

type Waiting<Item, Result> = {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
};

/**
 * For work that many ask for and that can only be done once at a time, such as changes of one row: whatever waits for a key is done
 * in one go. Work of an idle key is not delayed.
 *
 * @param options.maxTogether pieces of one go at most
 * @param options.maxWaiting pieces that wait for one key at most; `tooMany` makes the error that further ones get
 * @param options.alone does one piece
 * @param options.together does several, and gives their results in their order; null where nothing was done and each has to go alone
 */
export function openLanes<Item, Result>(options: {
  readonly maxTogether: number;
  readonly maxWaiting: number;
  readonly tooMany: () => Error;
  readonly alone: (item: Item) => Promise<Result>;
  readonly together: (items: readonly Item[]) => Promise<readonly Result[] | null>;
}): Lanes<Item, Result> {
  const { maxTogether, maxWaiting, tooMany, alone, together } = options;
  /** What waits for each busy key. */
  const lanes = new Map<string, Waiting<Item, Result>[]>();

  function longestOf(keys: readonly string[]): Waiting<Item, Result>[] | undefined {
    let longest: Waiting<Item, Result>[] | undefined;
    for (const key of keys) {
      const lane = lanes.get(key);
      if (lane && lane.length >= (longest?.length ?? 0)) longest = lane;
    }
    return longest;
  }

  async function doTogether(next: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = next.length === 1 ? null : await together(next.map(({ item }) => item));
      if (results) for (const [index, { resolve }] of next.entries()) resolve(results[index] as Result);
      else await Promise.all(next.map(({ item, resolve, reject }) => alone(item).then(resolve, reject)));
    } catch (error) {
      for (const { reject } of next) reject(error);
    }
  }

  async function goOn(key: string, waiting: Waiting<Item, Result>[]): Promise<void> {
    while (waiting.length > 0) await doTogether(waiting.splice(0, maxTogether));
    lanes.delete(key);
  }

  return {
    async run(keys, item) {
      const busy = longestOf(keys);
      if (busy) {
        if (busy.length >= maxWaiting) throw tooMany();
        return new Promise<Result>((resolve, reject) => busy.push({ item, resolve, reject }));
      }
      const [key] = keys;
      if (key === undefined) throw new Error('work without a key');
      const waiting: Waiting<Item, Result>[] = [];
      lanes.set(key, waiting);
      try {
        return await alone(item);
      } finally {
        void goOn(key, waiting);
      }
    },
  };
}
