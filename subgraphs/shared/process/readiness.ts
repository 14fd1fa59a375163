import { inTime } from '../time/in-time.ts';
import { openTokenBucket } from '../queues/token-bucket.ts';

/** What a process needs, by the names that the log has for it (`openDependency`); a check rejects when it does not answer. */
export type Needs = Readonly<Record<string, () => Promise<unknown>>>;

/** Each level of services gives the one below it less time than it has itself, so that the answer still names who is away. */
export const readyTimeoutMs = { server: 1_000, service: 1_600, process: 2_000 } as const;

/** A process is not ready, and for want of whom: names alone, as anybody may ask. Logs say more. */
export class NotReady extends Error {
  override readonly name = 'NotReady';
}

/** Rejects with all that do not answer: `redis: does not answer; order: database: does not answer`. */
export async function checkReady(needs: Needs, timeoutMs: number = readyTimeoutMs.server): Promise<void> {
  const reasons = await Promise.all(
    Object.entries(needs).map(([name, check]) =>
      inTime(check(), timeoutMs).then(
        () => [],
        (error: unknown) => [`${name}: ${error instanceof NotReady ? error.message : 'does not answer'}`],
      ),
    ),
  );
  if (reasons.flat().length > 0) throw new NotReady(reasons.flat().join('; '));
}

/** Those that do not answer, though their owner works on without them. */
export async function findAway(needs: Needs): Promise<readonly string[]> {
  const names = await Promise.all(
    Object.entries(needs).map(([name, check]) => inTime(check(), readyTimeoutMs.server).then(() => [], () => [name])),
  ); // prettier-ignore
  return names.flat();
}

/** Of one kind; each asks every service and server once. */
const checksPerSecond = 20;

/**
 * A check that anybody may ask for, on a port that anybody reaches: who asks while one runs, or when 20 were made within the
 * last second, gets the outcome of the last.
 */
export function sparingly<T>(check: () => Promise<T>, nowMs: () => number = () => performance.now()): () => Promise<T> {
  let last: Promise<T> | undefined;
  let isRunning = false;
  const bucket = openTokenBucket({ capacity: checksPerSecond, perSecond: checksPerSecond, nowMs });
  return () => {
    if (last && (isRunning || bucket.left() < 1)) return last;
    bucket.take(1);
    isRunning = true;
    last = check().finally(() => {
      isRunning = false;
    });
    return last;
  };
}
