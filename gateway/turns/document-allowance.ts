import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { type TokenBucket, openTokenBucket } from '../../subgraphs/shared/queues/token-bucket.ts';
import type { Applicant } from './admission.ts';
import { eventLoopBusy } from './event-loop.ts';

/**
 * How many documents a client may bring that nobody sent before. Nobody's application has thousands: whoever goes on
 * bringing new ones gets one a second while the process has other work, and at any speed while it has not.
 */
export type DocumentAllowance = {
  /** Waits until the client may bring another. False when that took too long, or when the client is gone. */
  take(applicant: Applicant): Promise<boolean>;
};

const documentsAtOnce = 300;
const documentsPerSecond = 1;
const rememberedClients = 10_000;
const pollMs = 50;
const busyFrom = 0.5;

export function openDocumentAllowance(options: {
  maxWaitMs: number;
  nowMs?: () => number;
  isBusy?: () => boolean;
}): DocumentAllowance {
  const { maxWaitMs, nowMs = () => performance.now(), isBusy = eventLoopBusy(busyFrom, pollMs) } = options;
  const buckets = new LRUCache<string, TokenBucket>({
    max: rememberedClients,
    memoMethod: () => openTokenBucket({ capacity: documentsAtOnce, perSecond: documentsPerSecond, nowMs }),
  });
  return {
    async take({ client, isGone = () => false }) {
      const bucket = buckets.memo(client);
      bucket.take(1);
      const left = bucket.left();
      if (left >= 0) return true;
      const waitMs = (-left / documentsPerSecond) * 1_000;
      const untilMs = nowMs() + Math.min(waitMs, maxWaitMs);
      while (isBusy()) {
        if (nowMs() >= untilMs || isGone()) break;
        // oxlint-disable-next-line no-await-in-loop
        await sleep(pollMs);
      }
      if (!isGone() && (waitMs <= maxWaitMs || nowMs() < untilMs)) return true;
      // It was not brought after all.
      bucket.take(-1);
      return false;
    },
  };
}
