import { createHistogram } from 'node:perf_hooks';
import { openPost } from './transport.ts';

/** What clients saw. */
export type Load = {
  readonly count: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

const nanosecondsPerMs = 1e6;

/**
 * Clients that each ask, wait for the answer and ask again, until `seconds` are over or `count` requests are sent.
 * `bodyOf` gives the next request. An answer of another status than 200 ends the run.
 */
export async function load(options: {
  origin: string;
  seconds?: number;
  count?: number;
  /** One a client. */
  authorizations: readonly string[];
  bodyOf: () => string;
  /** Statuses beside 200 that are answers too. */
  alsoExpected?: readonly number[];
  /** Ends it before. */
  signal?: AbortSignal;
}): Promise<Load> {
  const { seconds = Infinity, count = Infinity, signal } = options;
  const { post, close } = openPost(options.origin, options.alsoExpected);
  const times = createHistogram();
  const startedAt = performance.now();
  const until = startedAt + seconds * 1_000;
  let sent = 0;
  const client = async (authorization: string): Promise<void> => {
    for (let begunAt = startedAt; begunAt < until && sent < count && !signal?.aborted; begunAt = performance.now()) {
      sent++;
      await post(options.bodyOf(), { authorization });
      times.record(Math.max(1, Math.round((performance.now() - begunAt) * nanosecondsPerMs)));
    }
  };
  await Promise.all(options.authorizations.map(client));
  const took = (performance.now() - startedAt) / 1_000;
  await close();
  const at = (percent: number): number => times.percentile(percent) / nanosecondsPerMs;
  return { count: times.count, seconds: took, p50Ms: at(50), p99Ms: at(99) };
}
