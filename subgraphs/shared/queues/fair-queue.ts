/** A queue that takes turns among clients: one with a thousand items delays another's first by one. */
export type FairQueue<Item> = {
  readonly size: number;
  /** Items of the client with the most. */
  readonly longest: number;
  push(client: string, item: Item): void;
  /** The next item of the next client for whom `mayTake` holds, by default of any, whose turn then is the last. */
  take(mayTake?: (client: string) => boolean): Item | undefined;
  /** Takes the newest item of the client with the most; nothing where that is no more than `than` has. */
  takeFromLongest(than?: string): Item | undefined;
  /** One leaves before its turn. */
  remove(client: string, item: Item): void;
  /** Takes all items for which this holds; it must hold for every older item of the client too. */
  takeOldest(isDue: (item: Item) => boolean): Item[];
};

export function createFairQueue<Item>(): FairQueue<Item> {
  /** In the order of their next turn; none is empty. */
  const queues = new Map<string, Item[]>();
  let size = 0;

  function removed(client: string, queue: Item[], count: number): void {
    size -= count;
    if (queue.length === 0) queues.delete(client);
  }

  return {
    get size() {
      return size;
    },
    get longest() {
      let longest = 0;
      for (const queue of queues.values()) longest = Math.max(longest, queue.length);
      return longest;
    },
    push(client, item) {
      const queue = queues.get(client);
      if (queue) queue.push(item);
      else queues.set(client, [item]);
      size += 1;
    },
    take(mayTake = () => true) {
      for (const [client, queue] of queues) {
        if (!mayTake(client)) continue;
        const item = queue.shift();
        queues.delete(client);
        queues.set(client, queue);
        removed(client, queue, 1);
        return item;
      }
      return undefined;
    },
    takeFromLongest(than) {
      let longest: [string, Item[]] | undefined;
      let length = (than !== undefined && queues.get(than)?.length) || 0;
      for (const entry of queues) {
        if (entry[1].length <= length) continue;
        longest = entry;
        length = entry[1].length;
      }
      if (!longest) return undefined;
      const [client, queue] = longest;
      const item = queue.pop();
      removed(client, queue, 1);
      return item;
    },
    remove(client, item) {
      const queue = queues.get(client) ?? [];
      const place = queue.indexOf(item);
      if (place === -1) return;
      queue.splice(place, 1);
      removed(client, queue, 1);
    },
    takeOldest(isDue) {
      const taken: Item[] = [];
      for (const [client, queue] of queues) {
        const kept = queue.findIndex((item) => !isDue(item));
        const due = queue.splice(0, kept === -1 ? queue.length : kept);
        taken.push(...due);
        removed(client, queue, due.length);
      }
      return taken;
    },
  };
}
