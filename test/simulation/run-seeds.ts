import { parentPort } from 'node:worker_threads';
import { type Guards, guardsOf, mutations } from './mutations.ts';
import { simulate } from './simulate.ts';

/** Seeds to run, every `stride`th from `first` on, until one breaks something. */
export type Seeds = {
  /** Without this guard; null: with all. */
  readonly withoutGuard: string | null;
  readonly first: number;
  readonly stride: number;
  readonly count: number;
};
export type Report = {
  readonly runs: number;
  readonly steps: number;
  readonly faults: number;
  readonly virtualMs: number;
  readonly broken: { readonly seed: number; readonly what: string } | null;
};

async function runSeeds({ withoutGuard, first, stride, count }: Seeds): Promise<Report> {
  const mutation = mutations.find(({ guard }) => guard === withoutGuard) ?? null;
  if (withoutGuard !== null && !mutation) throw new Error(`there is no guard ${withoutGuard}`);
  const guards: Guards = await guardsOf(mutation);
  let [steps, faults, virtualMs] = [0, 0, 0];
  for (let runs = 1; runs <= count; runs += 1) {
    const seed = first + (runs - 1) * stride;
    const result = await simulate(seed, guards);
    steps += result.steps;
    faults += result.faults;
    virtualMs += result.virtualMs;
    if (result.broken !== null) return { runs, steps, faults, virtualMs, broken: { seed, what: result.broken } };
  }
  // The product says it in other words now: then nothing was taken out.
  const [missing] = guards.missing();
  if (missing !== undefined) throw new Error(`no statement or table has ${missing}`);
  return { runs: count, steps, faults, virtualMs, broken: null };
}

// eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
const answer = (message: { report: Report } | { error: string }): void => parentPort?.postMessage(message);

// As a worker: one list of seeds after another.
parentPort?.on('message', (seeds: Seeds) => {
  void runSeeds(seeds).then(
    (report) => answer({ report }),
    (error: Error) => answer({ error: String(error.stack) }),
  );
});
