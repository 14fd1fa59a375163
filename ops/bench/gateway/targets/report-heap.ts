/** Loaded before a gateway: tells its parent the heap after a collection, when asked. */
import type { Heap } from '../processes.ts';

const bytesPerMiB = 2 ** 20;

process.on('message', (message) => {
  if (message !== 'heap') return;
  // The first collection runs finalizers, whose leavings the second one takes.
  globalThis.gc?.();
  setImmediate(() => {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    process.send?.({ heapMiB: heapUsed / bytesPerMiB, externalMiB: external / bytesPerMiB } satisfies Heap);
  });
});
// A listener would keep the process alive after all else has ended.
process.channel?.unref();
