const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** How deliveries are tried. Tests take less time. */
export type DeliveryPolicy = {
  /** An answer that takes longer is none. */
  readonly timeoutMs: number;
  /** How long a delivery is one process's; longer than `timeoutMs`. */
  readonly leaseMs: number;
  /** Deliveries under way at once: to one endpoint of which the last one succeeded, and in all of a process. */
  readonly concurrencyPerEndpoint: number;
  readonly concurrency: number;
  /** The wait after the first try of a delivery; it then grows as the time that the delivery has been tried for. */
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
  /** So long a delivery is tried. */
  readonly giveUpAfterMs: number;
  /** How long an endpoint rests after a delivery that failed: doubled with each in a row. */
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
  /** An endpoint of which nothing has succeeded for so long is disabled. */
  readonly disableAfterMs: number;
  /** Answers that come within this are written down together. */
  readonly gatherMs: number;
};

export const deliveryPolicy: DeliveryPolicy = {
  timeoutMs: 10 * secondMs,
  leaseMs: 30 * secondMs,
  concurrencyPerEndpoint: 10,
  concurrency: 256,
  firstRetryMs: 5 * secondMs,
  maxRetryMs: 8 * hourMs,
  giveUpAfterMs: 3 * dayMs,
  firstPauseMs: secondMs,
  maxPauseMs: 5 * minuteMs,
  disableAfterMs: 3 * dayMs,
  gatherMs: 5,
};

/** When a delivery that can go out from `at` on is given up. */
export const giveUpTime = (at: Date, { giveUpAfterMs }: Pick<DeliveryPolicy, 'giveUpAfterMs'> = deliveryPolicy): Date =>
  new Date(at.getTime() + giveUpAfterMs);

/** How long a replaced secret goes on signing beside the new one. */
export const previousSecretMs = dayMs;
/** When a delivery that waits for the one before it is due though nothing has ended that: it is forgotten by then. */
export const dueByItselfAt = (createdAtBefore: Date, { retentionDays }: { retentionDays: number }): Date =>
  new Date(createdAtBefore.getTime() + (retentionDays + 1) * dayMs);
/** How long it is known who sells an order: longer than anything happens to one. */
export const sellerRetentionDays = 400;
export const maxEndpoints = 20;

/** By chance up to half sooner, so that not all come at once. */
const jittered = (ms: number, random: () => number): number => Math.round(ms * (0.5 + random() / 2));

/** When a delivery that failed at `at` is tried again: after as long as it has been tried so far. */
export function nextTryAt(
  policy: DeliveryPolicy,
  { giveUpAt, at, random }: { giveUpAt: Date; at: Date; random: () => number },
): Date {
  const triedForMs = at.getTime() - (giveUpAt.getTime() - policy.giveUpAfterMs);
  const waitMs = Math.min(policy.maxRetryMs, Math.max(policy.firstRetryMs, triedForMs));
  return new Date(at.getTime() + jittered(waitMs, random));
}

/** When a pause that begins at `at` ends, after so many in a row. */
export const pauseUntil = (
  policy: DeliveryPolicy,
  { failures, at, random }: { failures: number; at: Date; random: () => number },
): Date =>
  new Date(
    at.getTime() + jittered(Math.min(policy.maxPauseMs, policy.firstPauseMs * 2 ** Math.min(failures, 20)), random),
  );
