import { createHash } from 'node:crypto';
import { addressGroup } from '../shared/values/address-group.ts';
import { tooManyRequests } from '../shared/errors/errors.ts';
import type { Redis } from '../shared/process/redis.ts';

/** How many registrations one address may ask for: accounts cost a hash and a row, and answers tell which numbers have one. */
export type RegistrationLimit = {
  /** Throws TOO_MANY_REQUESTS. An undefined address is one of ours. Rejects when Redis doesn't answer. */
  count(address: string | undefined): Promise<void>;
};

/** KEYS: the counter. ARGV: window in ms. Returns the count and the rest of the window in ms. */
const countScript = `
redis.call('SET', KEYS[1], 0, 'PX', ARGV[1], 'NX')
return {redis.call('INCR', KEYS[1]), redis.call('PTTL', KEYS[1])}`;

/** Counts in a fixed window in Redis, an IPv6 address by its /64. */
export function createRegistrationLimit(
  redis: Redis,
  limits: { maxRegistrationsPerAddress: number; loginWindowSeconds: number },
): RegistrationLimit {
  return {
    async count(address) {
      if (address === undefined) return;
      const key = `auth:registrations:address:${createHash('sha256').update(addressGroup(address)).digest('hex')}`;
      const [count, restMs] = (await redis.eval(countScript, {
        keys: [key],
        arguments: [String(limits.loginWindowSeconds * 1_000)],
      })) as [number, number];
      if (count <= limits.maxRegistrationsPerAddress) return;
      const minutes = Math.max(1, Math.ceil(restMs / 60_000));
      throw tooManyRequests(
        `Too many accounts were asked for from this address; try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`,
      );
    },
  };
}
