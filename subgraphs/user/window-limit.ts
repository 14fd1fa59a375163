import { createHash } from 'node:crypto';
import { tooManyRequests } from '../shared/errors/errors.ts';
import type { Redis } from '../shared/process/redis.ts';

/** How often something may be asked for within a window. */
export type WindowLimit = {
  /**
   * Counts a request for something, of somebody: `{ what: 'reset', of: 'address:192.0.2.1', max: 100, refusal: 'Too many …' }`.
   * Throws TOO_MANY_REQUESTS with the minutes to wait. Rejects when Redis doesn't answer.
   */
  count(request: Counted): Promise<void>;
};

export type Counted = {
  readonly what: string;
  readonly of: string;
  readonly max: number;
  /** The beginning of the sentence that refuses. */
  readonly refusal: string;
};

/** KEYS: the counter. ARGV: window in ms. Returns the count and the rest of the window in ms. */
const countScript = `
redis.call('SET', KEYS[1], 0, 'PX', ARGV[1], 'NX')
return {redis.call('INCR', KEYS[1]), redis.call('PTTL', KEYS[1])}`;

/** Counts in fixed windows in Redis. Keys have a hash of whom they count. */
export function createWindowLimit(redis: Redis, { windowSeconds }: { windowSeconds: number }): WindowLimit {
  return {
    async count({ what, of, max, refusal }) {
      const [count, restMs] = (await redis.eval(countScript, {
        keys: [`auth:${what}:${createHash('sha256').update(of).digest('hex')}`],
        arguments: [String(windowSeconds * 1_000)],
      })) as [number, number];
      if (count <= max) return;
      const minutes = Math.max(1, Math.ceil(restMs / 60_000));
      throw tooManyRequests(`${refusal}; try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`);
    },
  };
}
