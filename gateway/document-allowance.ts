import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
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
  /** What a client has left at a time; less than nothing for those who wait. */
  const accounts = new LRUCache<string, { left: number; atMs: number }>({ max: rememberedClients });

  function accountOf(client: string): { left: number; atMs: number } {
    const now = nowMs();
    const account = accounts.get(client) ?? { left: documentsAtOnce, atMs: now };
    account.left = Math.min(documentsAtOnce, account.left + ((now - account.atMs) / 1_000) * documentsPerSecond);
    account.atMs = now;
    accounts.set(client, account);
    return account;
  }
  return {
    async take({ client, isGone = () => false }) {
      const account = accountOf(client);
      account.left -= 1;
      if (account.left >= 0) return true;
      const waitMs = (-account.left / documentsPerSecond) * 1_000;
      const untilMs = nowMs() + Math.min(waitMs, maxWaitMs);
      while (isBusy()) {
        if (nowMs() >= untilMs || isGone()) break;
        // oxlint-disable-next-line no-await-in-loop
        await sleep(pollMs);
      }
      if (!isGone() && (waitMs <= maxWaitMs || nowMs() < untilMs)) return true;
      // It was not brought after all.
      accountOf(client).left += 1;
      return false;
    },
  };
}
