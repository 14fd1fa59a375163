import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from '../shared/process/redis.ts';
import { addressGroup } from '../shared/values/address-group.ts';

/**
 * Who tries. `account` is the normalised mobile number, whether or not somebody has it. `from` is null for strangers, who
 * share one counter of the account; else what the account knows its client by: this has a counter of its own, which the
 * failures of strangers don't touch (OWASP's "device cookies").
 */
export type Attempt = {
  readonly account: string;
  readonly address: string | undefined;
  readonly from: { readonly kind: 'DEVICE' | 'ADDRESS' | 'SESSION'; readonly id: string } | null;
};

/** A look at a password that was let through: it holds a place until it is told how it ended. */
export type Reservation = {
  /** The password was right: nothing is counted, and the account starts anew. */
  succeeded(): Promise<void>;
  /** The password was wrong: it counts, for the account and the address. */
  failed(): Promise<void>;
  /** The password was not looked at. */
  givenUp(): Promise<void>;
};

/** Why a password is not looked at: too many were wrong, or too many are being looked at now. */
export type Wait = { readonly because: 'FAILURES' | 'BUSY'; readonly seconds: number };

/**
 * Counts failed logins by account (strangers together, each known device, address or session by itself) and by address in a fixed window in Redis. An attempt reserves a place among the
 * failures that are still allowed before its password is looked at, so a burst of guesses can't outrun the counter;
 * only a wrong one stays counted. Where reservations alone fill the limit, an attempt waits for one to end. Rejects when
 * Redis doesn't answer: then nobody signs in by password.
 */
export type LoginThrottle = {
  begin(attempt: Attempt): Promise<Reservation | Wait>;
};

export const isWait = (answer: Reservation | Wait): answer is Wait => 'because' in answer;

/** As long as an attempt waits for others of its account to end; then its client is to come again. */
const defaultMaxWaitMs = 5_000;
const busyRetrySeconds = 1;
const firstPollMs = 20;
const maxPollMs = 200;
/** A reservation whose process died is void after this, and the time that the queue before the hash may take. */
const minLeaseMs = 30_000;
const leasePerQueuedMs = 50;

/**
 * KEYS: failures and reservations of each counter in turn. ARGV: reservation, lease in ms, then the limit of each.
 * Returns [1] when reserved in all, [0, rest of the longest full window in ms], or [0, -1] when only reservations are in the way.
 */
const reserveScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = tonumber(ARGV[2])
local rest, busy = -1, false
for i = 1, #KEYS / 2 do
  local failures, limit = tonumber(redis.call('GET', KEYS[2 * i - 1]) or '0'), tonumber(ARGV[2 + i])
  redis.call('ZREMRANGEBYSCORE', KEYS[2 * i], '-inf', now)
  if failures >= limit then rest = math.max(rest, redis.call('PTTL', KEYS[2 * i - 1]), 1)
  elseif failures + redis.call('ZCARD', KEYS[2 * i]) >= limit then busy = true end
end
if rest > 0 or busy then return {0, rest} end
for i = 1, #KEYS / 2 do
  redis.call('ZADD', KEYS[2 * i], now + lease, ARGV[1])
  redis.call('PEXPIRE', KEYS[2 * i], lease)
end
return {1, 0}`;

/** KEYS as above. ARGV: reservation, window in ms. A count that begins here begins the window. */
const failScript = `
for i = 1, #KEYS / 2 do
  redis.call('ZREM', KEYS[2 * i], ARGV[1])
  redis.call('SET', KEYS[2 * i - 1], 0, 'PX', ARGV[2], 'NX')
  redis.call('INCR', KEYS[2 * i - 1])
end`;

type Counter = { readonly failures: string; readonly reserved: string; readonly max: number };

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const counter = (name: string, max: number): Counter => ({
  failures: `auth:login-failures:${name}`,
  reserved: `auth:login-pending:${name}`,
  max,
});

export function createLoginThrottle(
  redis: Redis,
  limits: {
    maxFailuresPerAccount: number;
    maxFailuresPerAddress: number;
    loginWindowSeconds: number;
    maxQueuedPasswords: number;
  },
  { maxWaitMs = defaultMaxWaitMs }: { maxWaitMs?: number } = {},
): LoginThrottle {
  const windowMs = limits.loginWindowSeconds * 1000;
  const leaseMs = minLeaseMs + limits.maxQueuedPasswords * leasePerQueuedMs;
  let waiting = 0;

  /** Null: reserved. Else the rest of the window in ms, -1 while only reservations are in the way. */
  async function reserve(id: string, counters: readonly Counter[]): Promise<number | null> {
    const [reserved, restMs] = (await redis.eval(reserveScript, {
      keys: counters.flatMap(({ failures, reserved: pending }) => [failures, pending]),
      arguments: [id, String(leaseMs), ...counters.map(({ max }) => String(max))],
    })) as [number, number];
    return reserved === 1 ? null : restMs;
  }

  /** As `reserve`, but waits for others to end, where there is room to wait. */
  async function reserveInTime(id: string, counters: readonly Counter[]): Promise<number | null> {
    let restMs = await reserve(id, counters);
    if (restMs !== -1 || waiting >= limits.maxQueuedPasswords) return restMs;
    waiting += 1;
    try {
      const deadlineMs = performance.now() + maxWaitMs;
      for (let pollMs = firstPollMs; restMs === -1; pollMs = Math.min(maxPollMs, pollMs * 2)) {
        if (performance.now() + pollMs > deadlineMs) break;
        await sleep(pollMs * (0.5 + Math.random() / 2));
        restMs = await reserve(id, counters);
      }
      return restMs;
    } finally {
      waiting -= 1;
    }
  }

  return {
    async begin({ account, address, from }) {
      const who = from === null ? '' : `:${from.kind.toLowerCase()}:${digest(from.id)}`;
      const ofAccount = counter(`account:${digest(account)}${who}`, limits.maxFailuresPerAccount);
      const counters = [ofAccount];
      // A device or session that is known has shown more than its address, where others may have failed.
      if (address !== undefined && from?.kind !== 'DEVICE' && from?.kind !== 'SESSION')
        counters.push(counter(`address:${digest(addressGroup(address))}`, limits.maxFailuresPerAddress));
      const id = randomUUID();
      const restMs = await reserveInTime(id, counters);
      if (restMs === -1) return { because: 'BUSY', seconds: busyRetrySeconds };
      if (restMs !== null) return { because: 'FAILURES', seconds: Math.max(1, Math.ceil(restMs / 1000)) };
      const release = () => Promise.all(counters.map(({ reserved }) => redis.zRem(reserved, id)));
      return {
        async succeeded() {
          await Promise.all([release(), redis.del(ofAccount.failures)]);
        },
        async failed() {
          await redis.eval(failScript, {
            keys: counters.flatMap(({ failures, reserved }) => [failures, reserved]),
            arguments: [id, String(windowMs)],
          });
        },
        async givenUp() {
          await release();
        },
      };
    },
  };
}
