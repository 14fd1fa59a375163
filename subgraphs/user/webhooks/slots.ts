import { createFairQueue } from '../../shared/queues/fair-queue.ts';

/** How much may be under way at once, shared out in turns. */
export type Slots = {
  /** One slot for a client, in its turn. */
  take(client: string): Promise<void>;
  /** Up to `wanted` of those that are free now. */
  takeFree(wanted: number): number;
  give(count: number): void;
};

export function createSlots(count: number): Slots {
  const waiting = createFairQueue<() => void>();
  let free = count;
  return {
    async take(client) {
      if (free > 0) free -= 1;
      else await new Promise<void>((taken) => waiting.push(client, taken));
    },
    takeFree(wanted) {
      const taken = Math.max(0, Math.min(free, wanted));
      free -= taken;
      return taken;
    },
    give(given) {
      for (let left = given; left > 0; left -= 1) {
        const next = waiting.take();
        if (next) next();
        else free += 1;
      }
    },
  };
}
