import { Worker } from 'node:worker_threads';

/** How much longer than its processor time work takes on this machine just now: 1 where nothing else is to be done. */
export type Yardstick = {
  /** The most since then, by `performance.now()`. */
  slowdownSince(ms: number): number;
  close(): Promise<void>;
};

const workMs = 100;
const everyMs = 2_000;
/** Longer than any outage. */
const remembered = 300;

/** Enough work at a time that it is not let pass before others, as what mostly sleeps is. */
const source = `
const { parentPort } = require('node:worker_threads');
setInterval(() => {
  const [begunMs, cpu] = [performance.now(), process.threadCpuUsage()];
  for (let usedMs = 0; usedMs < ${workMs};) {
    for (let turn = 0; turn < 1e5; turn += 1);
    const { user, system } = process.threadCpuUsage(cpu);
    usedMs = (user + system) / 1_000;
  }
  parentPort.postMessage(performance.now() - begunMs);
}, ${everyMs});
`;

export function openYardstick(): Yardstick {
  const worker = new Worker(source, { eval: true });
  const measured: { endMs: number; tookMs: number }[] = [];
  worker.on('message', (tookMs: number) => {
    measured.push({ endMs: performance.now(), tookMs });
    if (measured.length > remembered) measured.shift();
  });
  return {
    slowdownSince: (ms) => Math.max(1, ...measured.filter(({ endMs }) => endMs >= ms).map(({ tookMs }) => tookMs / workMs)), // prettier-ignore
    close: async () => void (await worker.terminate()),
  };
}
