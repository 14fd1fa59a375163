/** Those that wait, taken client by client: one with a thousand delays another's first by one. Any may leave before its turn. */
export type WaitingLine<Item> = {
  readonly size: number;
  add(client: string, item: Item): void;
  /** Nothing for one that does not wait. */
  remove(item: Item): void;
  /** The first of the client whose turn it is. */
  take(): Item | undefined;
  /** The newest of the client with the most; undefined when no other client has more than this one. */
  takeFromLongest(than: string): Item | undefined;
};

export function openWaitingLine<Item>(): WaitingLine<Item> {
  /** In the order of their next turn; none is empty. */
  const byClient = new Map<string, Set<Item>>();
  const clients = new Map<Item, string>();

  function remove(item: Item): void {
    const client = clients.get(item);
    if (client === undefined) return;
    clients.delete(item);
    const own = byClient.get(client);
    own?.delete(item);
    if (own?.size === 0) byClient.delete(client);
  }
  return {
    get size() {
      return clients.size;
    },
    add(client, item) {
      clients.set(item, client);
      const own = byClient.get(client);
      if (own) own.add(item);
      else byClient.set(client, new Set([item]));
    },
    remove,
    take() {
      for (const [client, own] of byClient) {
        const [first] = own;
        if (first === undefined) continue;
        byClient.delete(client);
        byClient.set(client, own);
        remove(first);
        return first;
      }
      return undefined;
    },
    takeFromLongest(than) {
      let longest = byClient.get(than) ?? new Set<Item>();
      for (const own of byClient.values()) if (own.size > longest.size) longest = own;
      if (longest === byClient.get(than) || longest.size === 0) return undefined;
      const newest = [...longest].at(-1) as Item;
      remove(newest);
      return newest;
    },
  };
}
