import { inTime } from '../../subgraphs/shared/time/in-time.ts';
import type { Redis } from '../../subgraphs/shared/process/redis.ts';

/** Texts by key in Redis, shared by all gateways, bounded in number and size. Losing them loses nothing. */
export type BoundedStore = {
  /** Rejects when Redis does not answer in time. */
  get(key: string): Promise<string | null>;
  /** Keeps the text for a while; what ends soonest goes when there is too much. Rejects when Redis does not answer in time. */
  put(key: string, text: string): Promise<void>;
};

export type StoreBounds = {
  /** Begins the names of its keys in Redis. */
  readonly name: string;
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly lifetimeSeconds: number;
};

/** Longer than that, and the work is done without what is stored. */
const timeoutMs = 300;

/** KEYS: texts (hash), when they end (sorted set, milliseconds of Redis's clock), bytes in all. ARGV: key. */
const getScript = `
local time = redis.call('TIME')
local ends = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not ends or tonumber(ends) <= time[1] * 1000 + time[2] / 1000 then return false end
return redis.call('HGET', KEYS[1], ARGV[1])`;

/**
 * ARGV: key, text, lifetime in milliseconds, most entries, most bytes. At most 100 expired ones are swept at a time. When
 * Redis has lost one of the keys alone, as an eviction does, the bytes no longer add up: then it begins anew.
 */
const putScript = `
if redis.call('EXISTS', unpack(KEYS)) < #KEYS then redis.call('DEL', unpack(KEYS)) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function drop(key)
  redis.call('DECRBY', KEYS[3], redis.call('HSTRLEN', KEYS[1], key))
  redis.call('HDEL', KEYS[1], key)
  redis.call('ZREM', KEYS[2], key)
end
drop(ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
local bytes = redis.call('INCRBY', KEYS[3], #ARGV[2])
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do drop(key) end
while redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[4]) or tonumber(redis.call('GET', KEYS[3])) > tonumber(ARGV[5]) do
  drop(redis.call('ZRANGE', KEYS[2], 0, 0)[1])
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[3]) end
return 1`;

export function openBoundedStore(redis: Redis, bounds: StoreBounds): BoundedStore {
  const { name, maxEntries, maxBytes, lifetimeSeconds } = bounds;
  const keys = ['texts', 'ends', 'bytes'].map((part) => `{${name}}:${part}`);
  return {
    async get(key) {
      return (await inTime(redis.eval(getScript, { keys, arguments: [key] }), timeoutMs)) as string | null;
    },
    async put(key, text) {
      const limits = [lifetimeSeconds * 1_000, maxEntries, maxBytes].map(String);
      await inTime(redis.eval(putScript, { keys, arguments: [key, text, ...limits] }), timeoutMs);
    },
  };
}
