import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { guardsOf, mutations } from './mutations.ts';
import type { Report, Seeds } from './run-seeds.ts';
import { simulate } from './simulate.ts';

/** `SIMULATION_SEED=… npm test -- test/simulation` runs this one seed and prints its steps. */
const onlySeed = process.env['SIMULATION_SEED'];
const runs = Number(process.env['SIMULATION_RUNS'] ?? 10_000);
/** Seeds within which the loss of a guard must show. */
const maxRunsToCatch = 2_000;
const timeoutMs = 600_000;
const traceTail = 200;
/** How the loss of a guard shows: an invariant is broken, or the next guard behind it refuses what should never have come. */
const noticed =
  /^I\d+ |CONSTRAINT \w+ failed|Duplicate entry for key|\w+ can't follow [A-Z]+|changed under its lock|has nothing to do/;

/** A thread that runs seeds, one list after the other. */
class Thread {
  readonly #worker = new Worker(new URL('run-seeds.ts', import.meta.url));
  #last: Promise<unknown> = Promise.resolve();

  run(seeds: Seeds): Promise<Report> {
    const report = this.#last.then(
      () =>
        new Promise<Report>((resolve, reject) => {
          this.#worker.once('error', reject);
          this.#worker.once('message', (answer: { report?: Report; error?: string }) => {
            this.#worker.off('error', reject);
            if (answer.report) resolve(answer.report);
            else reject(new Error(answer.error));
          });
          // eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
          this.#worker.postMessage(seeds);
        }),
    );
    this.#last = report.catch(() => undefined);
    return report;
  }
  close = (): Promise<number> => this.#worker.terminate();
}

const threads: Thread[] = [];
const threadCount = Math.min(2, availableParallelism());
beforeAll(() => {
  if (onlySeed !== undefined) return;
  for (let count = 0; count < threadCount; count += 1) threads.push(new Thread());
});
afterAll(async () => {
  await Promise.all(threads.map((thread) => thread.close()));
});

/** The last steps of a seed, for whoever looks for the fault. */
async function stepsOf(seed: number): Promise<string> {
  const { trace } = await simulate(seed, await guardsOf(null), { trace: true });
  return trace.slice(-traceTail).join('\n');
}

if (onlySeed !== undefined) {
  test(`seed ${onlySeed}`, async () => {
    const { broken, trace } = await simulate(Number(onlySeed), await guardsOf(null), { trace: true });
    process.stdout.write(`${trace.join('\n')}\n`);
    expect(broken).toBe(null);
  });
} else {
  test(
    `in ${runs} runs of everything that can happen to buyers, processes and messages, no invariant is broken`,
    async () => {
      const begunMs = performance.now();
      const reports = await Promise.all(
        threads.map((thread, index) =>
          thread.run({
            withoutGuard: null,
            first: 1 + index,
            stride: threadCount,
            count: Math.ceil(runs / threadCount),
          }),
        ),
      );
      const sum = (of: (report: Report) => number) => reports.reduce((total, report) => total + of(report), 0);
      const seconds = (performance.now() - begunMs) / 1_000;
      process.stdout.write(
        `simulation: ${sum((report) => report.runs)} runs, ${sum(({ steps }) => steps)} steps, ${sum(({ faults }) => faults)} faults, ${Math.round(sum(({ virtualMs }) => virtualMs) / 3_600_000)} hours in ${seconds.toFixed(1)} s\n`,
      );
      for (const { broken } of reports)
        if (broken) throw new Error(`${broken.what}\nSIMULATION_SEED=${broken.seed}\n${await stepsOf(broken.seed)}`);
      expect(sum((report) => report.runs)).toBeGreaterThanOrEqual(runs);
      // A simulation in which nothing goes wrong shows nothing.
      expect(sum(({ faults }) => faults)).toBeGreaterThan(runs);
    },
    timeoutMs,
  );

  test('the same seed gives the same steps', async () => {
    const guards = await guardsOf(null);
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const [one, other] = [
        await simulate(seed, guards, { trace: true }),
        await simulate(seed, guards, { trace: true }),
      ];
      expect(other.trace).toEqual(one.trace);
    }
  });

  describe('the loss of a guard is noticed', () => {
    test.concurrent.each(mutations.map(({ guard }, index) => [guard, index] as const))(
      '%s',
      async (guard, index) => {
        const thread = threads[index % threadCount] as Thread;
        const { broken, runs: seeds } = await thread.run({
          withoutGuard: guard,
          first: 1,
          stride: 1,
          count: maxRunsToCatch,
        });
        if (!broken) throw new Error(`nothing was broken in ${seeds} runs without the guard "${guard}"`);
        expect(broken.what).toMatch(noticed);
        process.stdout.write(
          `simulation: without "${guard}" seed ${broken.seed} breaks: ${broken.what.split('\n')[0]}\n`,
        );
      },
      timeoutMs,
    );
  });
}
