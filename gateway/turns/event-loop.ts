import { performance } from 'node:perf_hooks';

/**
 * Whether the event loop worked at least `share` (0 to 1) of the time since it was last looked at. Who asks again within
 * `everyMs` gets the same answer.
 */
export function eventLoopBusy(share: number, everyMs = 0): () => boolean {
  let atMs = performance.now();
  let last = performance.eventLoopUtilization();
  let busy = false;
  return () => {
    if (performance.now() - atMs < everyMs) return busy;
    const now = performance.eventLoopUtilization();
    busy = performance.eventLoopUtilization(now, last).utilization >= share;
    last = now;
    atMs = performance.now();
    return busy;
  };
}
