import { createHash } from 'node:crypto';
import type { Redis } from '../shared/redis.ts';
import { addressGroup } from './domain/client-address.ts';

/** Who tries. `account` is the normalised mobile number, whether or not somebody has it. */
export type Attempt = { readonly account: string; readonly address: string | undefined };

/**
 * Counts failed logins by account and by address in a fixed window in Redis. An attempt counts from its beginning, so
 * that a burst can't outrun the counter. Rejects when Redis doesn't answer: then nobody signs in by password.
 */
export type LoginThrottle = {
  /** Null: go on. Else the seconds to wait: the password must not be looked at. */
  begin(attempt: Attempt): Promise<number | null>;
  /** The password was right: the account starts anew, the address gets this attempt back. */
  succeeded(attempt: Attempt): Promise<void>;
};

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const accountKey = ({ account }: Attempt): string => `auth:login-failures:account:${digest(account)}`;
const addressKey = (address: string): string => `auth:login-failures:address:${digest(addressGroup(address))}`;

export function createLoginThrottle(
  redis: Redis,
  limits: { maxFailuresPerAccount: number; maxFailuresPerAddress: number; loginWindowSeconds: number },
): LoginThrottle {
  const windowMs = limits.loginWindowSeconds * 1000;

  /** Counts `by` and returns count and rest of the window; a count that begins here begins the window. */
  async function count(key: string, by: number): Promise<{ failures: number; restMs: number }> {
    const [, failures, restMs] = await redis
      .multi()
      .set(key, 0, { expiration: { type: 'PX', value: windowMs }, condition: 'NX' })
      .incrBy(key, by)
      .pTTL(key)
      .exec();
    return { failures: Number(failures), restMs: Number(restMs) };
  }

  return {
    async begin(attempt) {
      const counters = [{ key: accountKey(attempt), max: limits.maxFailuresPerAccount }];
      if (attempt.address !== undefined)
        counters.push({ key: addressKey(attempt.address), max: limits.maxFailuresPerAddress });
      const counted = await Promise.all(counters.map(async ({ key, max }) => ({ max, ...(await count(key, 1)) })));
      const waitsMs = counted.filter(({ failures, max }) => failures > max).map(({ restMs }) => restMs);
      return waitsMs.length === 0 ? null : Math.max(1, Math.ceil(Math.max(...waitsMs) / 1000));
    },
    async succeeded(attempt) {
      await Promise.all([
        redis.del(accountKey(attempt)),
        attempt.address === undefined ? null : count(addressKey(attempt.address), -1),
      ]);
    },
  };
}
