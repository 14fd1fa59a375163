import { type Sql, databaseTime, run, select, toJson } from '../database/database.ts';
import type { Redis } from '../process/redis.ts';
import type { Time } from '../time/time.ts';
import { isEarlier } from './stream-ids.ts';

/**
 * Up to when all consumers have handled all that a service published. It is in the service's database, so that it outlives
 * Redis: what is older need not be published again when Redis has lost everything.
 */
export type HandledMark = {
  /**
   * Moves the mark on where the consumers are past what was published when this was called before. `isWhole`: Redis has
   * lost nothing that relays do not know of.
   */
  moveOn(sql: Sql, isWhole: () => Promise<boolean>): Promise<void>;
  /** All that was published before this, by `time`, has been handled: the mark need not move on until something else is. */
  settledAtMs(): number;
  /** By the database's clock, as `%Y-%m-%dT%T.%f`; null while it is not known. */
  read(sql: Sql): Promise<string | null>;
  /** Redis has lost something: how far its streams went says nothing any more. */
  forget(): void;
};

type Kept = { readonly at: string; readonly consumers: readonly string[]; readonly isOld: boolean };
type Group = { readonly name: string; readonly delivered: string; readonly firstPending: string };
type Stream = { readonly end: string; readonly groups: readonly Group[] };
/** What was published up to `at` is in the streams, up to these entries. */
type Watched = { readonly at: string; readonly atMs: number; readonly ends: readonly string[] };

/** A consumer that was not seen for so long is not waited for any more: no longer than rows are kept to be published again. */
const waitForConsumerHours = 48;

/** Of one stream: the id of its last entry; then of each group its name, what it was given last, and what it has not acknowledged. */
const streamScript = `if redis.call('exists', KEYS[1]) == 0 then return {'0-0'} end
local function valueOf(list, name) for i = 1, #list, 2 do if list[i] == name then return list[i + 1] end end end
local answer = {valueOf(redis.call('xinfo', 'stream', KEYS[1]), 'last-generated-id')}
for _, group in ipairs(redis.call('xinfo', 'groups', KEYS[1])) do
  local name = valueOf(group, 'name')
  table.insert(answer, name)
  table.insert(answer, valueOf(group, 'last-delivered-id'))
  table.insert(answer, redis.call('xpending', KEYS[1], name)[2] or '')
end
return answer`;

export function openHandledMark(deps: {
  service: string;
  redis: Redis;
  streams: readonly string[];
  time: Time;
}): HandledMark {
  const { service, redis, streams, time } = deps;
  let watched: Watched | null = null;
  let settledAtMs = -Infinity;

  async function readStream(stream: string): Promise<Stream> {
    const [end = '', ...told] = (await redis.eval(streamScript, { keys: [stream], arguments: [] })) as string[];
    const groups = Array.from({ length: told.length / 3 }, (_, index) => {
      const [name = '', delivered = '', firstPending = ''] = told.slice(index * 3, index * 3 + 3);
      return { name, delivered, firstPending };
    });
    return { end, groups };
  }
  async function readKept(sql: Sql): Promise<Kept | null> {
    const [row] = await select(
      sql,
      `select date_format(handled_at, '%Y-%m-%dT%T.%f') as at, consumers, if(handled_at < utc_timestamp(3) - interval ${waitForConsumerHours} hour, 1, 0) as is_old
       from outbox_mark where service = ?`,
      [service],
    );
    if (!row) return null;
    return { at: String(row['at']), consumers: toJson(row['consumers']), isOld: Number(row['is_old']) === 1 };
  }

  return {
    async moveOn(sql, isWhole) {
      const atMs = time.monotonicMs() - 1_000;
      // A second ago: what is noted as published in this millisecond may come into its stream after this.
      const at = await databaseTime(sql, 1);
      const now: Stream[] = [];
      for (const stream of streams) now.push(await readStream(stream));
      const before = watched;
      watched ??= { at, atMs, ends: now.map(({ end }) => end) };
      if (now.every(({ end }) => end === '0-0')) settledAtMs = atMs;
      if (!before) return;
      const kept = await readKept(sql);
      const consumers = consumersPast(before.ends, now, kept && !kept.isOld ? kept.consumers : []);
      if (!consumers || !(await isWhole())) return;
      watched = { at, atMs, ends: now.map(({ end }) => end) };
      await run(
        sql,
        `insert into outbox_mark (service, handled_at, consumers) values (?, ?, ?)
         on duplicate key update handled_at = values(handled_at), consumers = values(consumers)`,
        [service, before.at, JSON.stringify([...consumers])],
      );
      settledAtMs = before.atMs;
    },
    settledAtMs: () => settledAtMs,
    read: async (sql) => (await readKept(sql))?.at ?? null,
    forget() {
      watched = null;
      settledAtMs = -Infinity;
    },
  };
}

/** Who has handled all up to these entries; null while one has not, or one that is known is not there since Redis lost it. */
function consumersPast(
  ends: readonly string[],
  streams: readonly Stream[],
  known: readonly string[],
): ReadonlySet<string> | null {
  const consumers = new Set(known);
  for (const [index, { groups }] of streams.entries()) {
    const end = ends[index] ?? '';
    if (end === '0-0') continue;
    if (groups.length === 0 || known.some((name) => !groups.some((group) => group.name === name))) return null;
    for (const { name, delivered, firstPending } of groups) {
      consumers.add(name);
      if (isEarlier(delivered, end) || (firstPending !== '' && !isEarlier(end, firstPending))) return null;
    }
  }
  return consumers.size === 0 ? null : consumers;
}
