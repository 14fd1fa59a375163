import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestHandler, Response } from 'express';
import { LRUCache } from 'lru-cache';
import { addressGroup } from '../../subgraphs/shared/values/address-group.ts';
import type { Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import { type TokenBucket, openTokenBucket } from '../../subgraphs/shared/queues/token-bucket.ts';
import { openAdmission } from '../turns/admission.ts';

/** Keeps those who forge webhooks from costing more than a little, without a look at what they send. */
export type WebhookGate = {
  /** Before the body is read: lets it through, now or when its turn comes, or answers 429. */
  readonly admit: RequestHandler;
  /** Tells how a delivery from this request's address was answered. */
  answered(request: IncomingMessage, status: number): void;
  close(): void;
};

/** Deliveries of one address that may be no good, and how fast they are forgotten: a provider's key may just be wrong. */
const failuresAtOnce = 100;
const failuresPerSecond = 1;
/** An address stays suspect for so long after its last failure at most. */
const suspectForSeconds = 60;
const rememberedAddresses = 10_000;

/** Deliveries of suspect addresses are checked one at a time, with a rest after each. */
const limits = { maxRunning: 1, maxRunningPerClient: 1, maxQueued: 100, maxWaitMs: 5_000 } as const;
const restMs = 20;
/** One that takes its time does not keep the others waiting. */
const maxTurnMs = 500;
/** Before a refusal is said: whoever sends again at once would be answered for nothing. */
const refusedAfterMs = 1_000;
const retryAfterSeconds = 5;
/** A body that is longer, or of unknown length, is not waited for: the connection ends. */
const maxSkippedBytes = 64 * 1024;

/**
 * What is signed is let in, from whichever address and however often. An address of which 100 deliveries were refused
 * (a second of quiet forgives one) is suspect: its deliveries wait in a line, so a provider behind the same address still gets
 * through, and what doesn't fit in the line is refused with 429.
 */
export function openWebhookGate(deps: {
  readonly addressOf: (request: IncomingMessage) => string;
  readonly metrics: Metrics;
  readonly nowMs?: () => number;
}): WebhookGate {
  const { addressOf, nowMs = () => performance.now() } = deps;
  const admission = openAdmission(limits, { metrics: deps.metrics, what: 'suspect_webhooks' });
  const buckets = new LRUCache<string, TokenBucket>({
    max: rememberedAddresses,
    memoMethod: () => openTokenBucket({ capacity: failuresAtOnce, perSecond: failuresPerSecond, nowMs }),
  });
  const clientOf = (request: IncomingMessage): string => addressGroup(addressOf(request));

  return {
    admit(request, response, next) {
      const client = clientOf(request);
      if ((buckets.get(client)?.left() ?? failuresAtOnce) >= 1) {
        next();
        return;
      }
      const isGone = () => request.socket.destroyed;
      const turn = async (): Promise<void> => {
        const isAnswered = once(response, 'close');
        next();
        await Promise.race([isAnswered, sleep(maxTurnMs)]);
        await sleep(restMs);
      };
      admission.run({ client, isGone }, turn).catch(() => refuse(request, response));
    },
    answered(request, status) {
      if (status < 400 || status >= 500) return;
      const bucket = buckets.memo(clientOf(request));
      bucket.take(Math.min(1, bucket.left() + suspectForSeconds * failuresPerSecond));
    },
    close: () => admission.close(),
  };
}

async function refuse(request: IncomingMessage, response: Response): Promise<void> {
  await sleep(refusedAfterMs);
  if (request.socket.destroyed) return;
  const length = Number(request.headers['content-length'] ?? Infinity);
  if (!(length <= maxSkippedBytes)) response.setHeader('connection', 'close');
  response.setHeader('retry-after', String(retryAfterSeconds));
  response.status(429).json({ code: 'TOO_MANY_REQUESTS' });
}
