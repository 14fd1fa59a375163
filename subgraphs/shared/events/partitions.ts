import type { Redis } from '../process/redis.ts';
import type { Time } from '../time/time.ts';

/** How long the partitions of a process that died wait for the next. */
const leaseMs = 5_000;

/** A stream that a consumer reads while it holds its lease. */
export type HeldPartition = {
  readonly stream: string;
  readonly lease: string;
  holds: boolean;
  /** How often it was taken. What was read before the last time is not to be handled any more. */
  times: number;
  /** What this consumer was given and has not acknowledged is read first. */
  recover: boolean;
  recoveredAtMs: number;
  /** Its entries are handled apart from those of the others; null while they are not. */
  work: Promise<void> | null;
};

/** Partitions by their leases in Redis, all of one process taken and renewed together. */
export type Leases = {
  readonly partitions: readonly HeldPartition[];
  /** Takes those that nobody holds, and renews those that are held, where it was last done some time ago or none is held. */
  renew(): Promise<void>;
  /** The next `renew` asks in any case. */
  expire(): void;
  /** Gives back what is held. */
  release(): Promise<void>;
};

const takeScript = `local taken = {}
for i, key in ipairs(KEYS) do
  local holder = redis.call('get', key)
  if not holder or holder == ARGV[1] then
    redis.call('set', key, ARGV[1], 'PX', ARGV[2])
    taken[i] = 1
  else taken[i] = 0 end
end
return taken`;
const releaseScript = `for _, key in ipairs(KEYS) do if redis.call('get', key) == ARGV[1] then redis.call('del', key) end end`;

export function openLeases(given: {
  readonly service: string;
  readonly streams: readonly string[];
  readonly owner: string;
  readonly redis: Redis;
  readonly time: Time;
}): Leases {
  const { service, streams, owner, redis, time } = given;
  const partitions = streams.map(
    (stream): HeldPartition => ({
      stream, lease: `events:lease:${service}:${stream}`, holds: false, times: 0, recover: true, recoveredAtMs: -Infinity, work: null,
    }), // prettier-ignore
  );
  const keys = partitions.map(({ lease }) => lease);
  let takenAtMs = -Infinity;
  let taking: Promise<void> | null = null;

  async function take(): Promise<void> {
    const atMs = time.monotonicMs();
    const taken = (await redis.eval(takeScript, { keys, arguments: [owner, String(leaseMs)] })) as number[];
    takenAtMs = atMs;
    for (const [index, partition] of partitions.entries()) {
      const holds = taken[index] === 1;
      if (holds && !partition.holds) {
        partition.times += 1;
        partition.recover = true;
      }
      partition.holds = holds;
    }
  }

  return {
    partitions,
    async renew() {
      const isOld = time.monotonicMs() - takenAtMs > leaseMs / 3 || partitions.every(({ holds }) => !holds);
      if (isOld) await (taking ??= take().finally(() => (taking = null)));
    },
    expire() {
      takenAtMs = -Infinity;
    },
    async release() {
      if (partitions.some(({ holds }) => holds)) await redis.eval(releaseScript, { keys, arguments: [owner] });
    },
  };
}
