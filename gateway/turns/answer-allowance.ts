import { performance } from 'node:perf_hooks';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import { isAnswerTooLarge, notedSize } from '../../subgraphs/shared/answers/answer-size.ts';
import type { Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import { type TokenBucket, openTokenBucket } from '../../subgraphs/shared/queues/token-bucket.ts';
import { type Applicant, openAdmission } from './admission.ts';

/**
 * How many bytes of large answers a client may have: making one takes tens of milliseconds of the gateway's and of a
 * subgraph's only thread.
 */
export type AnswerAllowance = {
  /**
   * Runs the operation and charges its client for a large answer. One whose client had more than its allowance waits until
   * that is earned again, one at a time; OVERLOADED, in the words of `Admission.run`, when that would take too long.
   */
  run(applicant: Applicant, operation: () => Promise<ExecutionResult>, refused: Refused): Promise<ExecutionResult>;
  close(): void;
};

type Refused = (error: GraphQLError) => ExecutionResult;

/** The largest answer is earned in so many seconds; a client that has rested has one in hand. */
const secondsOfLargest = 4;
const rememberedClients = 10_000;
/** Those that wait. Each is a client's only one, so they cost a timer each, and nothing else. */
const limits = { maxRunning: 1_000, maxRunningPerClient: 1, maxQueued: 1_000, maxWaitMs: 5_000 } as const;

export function openAnswerAllowance(options: {
  maxAnswerBytes: number;
  metrics: Metrics;
  nowMs?: () => number;
}): AnswerAllowance {
  const { maxAnswerBytes, metrics, nowMs = () => performance.now() } = options;
  const bytesPerSecond = maxAnswerBytes / secondsOfLargest;
  const admission = openAdmission(limits, { metrics, what: 'overdrawn_operations', nowMs, isBusy: () => false });
  /** Of clients that had large answers lately. */
  const buckets = new LRUCache<string, TokenBucket>({
    max: rememberedClients,
    memoMethod: () => openTokenBucket({ capacity: maxAnswerBytes, perSecond: bytesPerSecond, nowMs }),
  });

  function charge(client: string, result: ExecutionResult): ExecutionResult {
    const bytes = result.errors?.some(isAnswerTooLarge) ? maxAnswerBytes : notedSize(result);
    if (bytes > 0) buckets.memo(client).take(bytes);
    return result;
  }
  /** Until all is earned that the client had; less than nothing, or nothing, when it is. */
  const waitMs = (client: string): number => (-(buckets.get(client)?.left() ?? 0) / bytesPerSecond) * 1_000;

  async function earnAndRun(
    { client, isGone }: Applicant,
    operation: () => Promise<ExecutionResult>,
    refused: Refused,
  ) {
    const ms = waitMs(client);
    if (ms > limits.maxWaitMs) return refused(admission.refuse('answers too large'));
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    return isGone?.() ? refused(admission.refuse('client gone')) : charge(client, await operation());
  }
  return {
    run(applicant, operation, refused) {
      const { client } = applicant;
      if (waitMs(client) <= 0) return operation().then((result) => charge(client, result));
      return admission.run(applicant, () => earnAndRun(applicant, operation, refused), refused);
    },
    close: () => admission.close(),
  };
}
