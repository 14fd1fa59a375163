/** A token bucket: what is in it is spent, and earned again with time, up to its capacity. */
export type TokenBucket = {
  /** What is in it now; less than nothing after more was taken than there was. */
  left(): number;
  take(tokens: number): void;
};

/** Full at first. `nowMs` counts up, from whenever. */
export function openTokenBucket(options: { capacity: number; perSecond: number; nowMs: () => number }): TokenBucket {
  const { capacity, perSecond, nowMs } = options;
  let last = capacity;
  let atMs = nowMs();
  const left = (): number => Math.min(capacity, last + ((nowMs() - atMs) / 1_000) * perSecond);
  return {
    left,
    take(tokens) {
      last = left() - tokens;
      atMs = nowMs();
    },
  };
}
