import { createHash } from 'node:crypto';
import { type Viewer, isStaff } from '../shared/auth/viewer.ts';
import { noteFailure } from '../shared/process/dependency.ts';
import type { Redis } from '../shared/process/redis.ts';
import type { Logger } from '../shared/process/telemetry.ts';
import { inTime } from '../shared/time/in-time.ts';
import { addressGroup } from '../shared/values/address-group.ts';
import type { CouponGuessLimits } from './config.ts';

/** Who tries coupon codes; null for those who may see all of them, and for our own services. */
export type Guesser = { readonly customerId: string | null; readonly address: string | undefined } | null;

/** Staff can list all coupons. */
export const guesserOf = (viewer: Viewer, address: string | undefined): Guesser =>
  viewer.kind === 'service' || isStaff(viewer)
    ? null
    : { customerId: viewer.kind === 'user' ? viewer.userId : null, address };

/** How many codes that don't exist somebody may try within a window: the answers tell which ones exist. */
export type CouponGuesses = {
  /**
   * Counts `wrong` codes of one request, which may be none, for the customer and for the address. Null: the answer may tell of the
   * request's codes. Else how long it must not, in ms, whether they exist or not. Nothing is limited while Redis is away.
   */
  count(guesser: NonNullable<Guesser>, wrong: number): Promise<number | null>;
};

const windowMs = 15 * 60_000;
const timeoutMs = 300;

/**
 * KEYS: the counters. ARGV: how many are wrong, the window in ms, then the limit of each. Returns the longest rest of the windows
 * whose limit is passed, in ms, and 0 where none is. The counting comes before the answer, so a burst of requests hears
 * of no more codes than the same requests one after the other.
 */
const countScript = `
local wrong, rest = tonumber(ARGV[1]), 0
for i, key in ipairs(KEYS) do
  local limit, over = tonumber(ARGV[2 + i]), false
  if wrong > 0 then
    redis.call('SET', key, 0, 'PX', ARGV[2], 'NX')
    over = redis.call('INCRBY', key, wrong) > limit
  else
    over = tonumber(redis.call('GET', key) or '0') >= limit
  end
  if over then rest = math.max(rest, redis.call('PTTL', key), 1) end
end
return rest`;

const keyOf = (by: string, text: string): string =>
  `order:coupon-guesses:${by}:${createHash('sha256').update(text).digest('hex')}`;

export function openCouponGuesses({
  redis,
  log,
  limits,
}: {
  redis: Redis;
  log: Logger;
  limits: CouponGuessLimits;
}): CouponGuesses {
  return {
    async count({ customerId, address }, wrong) {
      const counters = [
        ...(customerId === null ? [] : [{ key: keyOf('customer', customerId), max: limits.perCustomer }]),
        ...(address === undefined ? [] : [{ key: keyOf('address', addressGroup(address)), max: limits.perAddress }]),
      ];
      if (counters.length === 0) return null;
      const counted = redis.eval(countScript, {
        keys: counters.map(({ key }) => key),
        arguments: [wrong, windowMs, ...counters.map(({ max }) => max)].map(String),
      });
      try {
        const restMs = Number(await inTime(counted, timeoutMs));
        return restMs > 0 ? restMs : null;
      } catch (error) {
        noteFailure(log, error, 'wrong coupon codes are not counted');
        return null;
      }
    },
  };
}
