import { createHash, randomUUID } from 'node:crypto';
import { Counter } from 'prom-client';
import { changesKey, maxAnswerAgeSeconds, versionKey } from '../../subgraphs/shared/process/cache-versions.ts';
import { noteFailure } from '../../subgraphs/shared/process/dependency.ts';
import { inTime } from '../../subgraphs/shared/time/in-time.ts';
import type { Redis } from '../../subgraphs/shared/process/redis.ts';
import type { Logger, Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import { openBoundedStore } from './bounded-store.ts';
import { type CachePolicies, cachePolicies } from './cache-policy.ts';
import type { Variables } from '../execute/types.ts';
import type { Graph } from '../supergraph/reloadable.ts';

/** An answer that may be kept: the body's text, and how old it is. */
export type KeptAnswer = { readonly text: string; readonly ageSeconds: number };

type Asked = {
  readonly query: string;
  readonly variables: Variables;
  /** What the answer shows (`CachePolicy`). */
  readonly tags: readonly string[];
  readonly maxAgeSeconds: number;
};

export type ResponseCache = {
  /** Whether and for how long an answer may be kept, by the hints of the supergraph that is served now. */
  readonly policyOf: CachePolicies;
  /**
   * The answer from the cache, from a request for the same that is under way, or from `execute`, which gives null for an
   * answer that is not to be kept (one with errors); then this gives null too, and so it does for those who waited for
   * it. Nothing is given that began before a change of what it shows was over.
   */
  answer(asked: Asked, execute: () => Promise<string | null>): Promise<KeptAnswer | null>;
  close(): void;
};

const bounds = {
  name: 'answers',
  maxEntries: 10_000,
  maxBytes: 64 * 1024 * 1024,
  lifetimeSeconds: maxAnswerAgeSeconds,
};
const maxAnswerChars = 256 * 1024;
const timeoutMs = 300;

/**
 * KEYS: of the store, texts and ends; what is lost when Redis is emptied; then the tags' versions; then the tags' changes.
 * ARGV: key, number of tags, a value that nobody else has.
 *
 * A Redis that was restarted, or another one that took over, may have lost a tag's version and kept an answer from before:
 * its run and the mark that it was not emptied are versions, too.
 */
const readScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local tags = tonumber(ARGV[2])
local mark = redis.call('GET', KEYS[3])
if not mark then
  mark = ARGV[3]
  redis.call('SET', KEYS[3], mark)
end
local versions = { string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'), mark }
for i = 4, 3 + tags do versions[#versions + 1] = redis.call('GET', KEYS[i]) or '' end
for i = 4 + tags, 3 + 2 * tags do
  if redis.call('ZCOUNT', KEYS[i], '(' .. now, '+inf') > 0 then return { now, false } end
end
local ends = redis.call('ZSCORE', KEYS[2], ARGV[1])
local text = ends and tonumber(ends) > now and redis.call('HGET', KEYS[1], ARGV[1])
return { now, table.concat(versions, ' '), text }`;

/** What is kept: the versions that were read before the operation ran, when (milliseconds of Redis's clock), and for how long. */
type Entry = { readonly versions: string; readonly atMs: number; readonly maxAgeMs: number; readonly text: string };
const written = ({ versions, atMs, maxAgeMs, text }: Entry): string => `${versions}\n${atMs}\n${maxAgeMs}\n${text}`;
function readEntry(kept: string): Entry {
  const [versions = '', atMs, maxAgeMs] = kept.split('\n', 3);
  const head = `${versions}\n${atMs}\n${maxAgeMs}\n`;
  return { versions, atMs: Number(atMs), maxAgeMs: Number(maxAgeMs), text: kept.slice(head.length) };
}
type Outcome = 'hit' | 'joined' | 'miss' | 'changing' | 'unavailable';

/** Answers to anonymous queries, kept in Redis for all gateways. Gateways of another supergraph share nothing. */
export function openResponseCache(deps: {
  redis: Redis;
  log: Logger;
  metrics: Metrics;
  graph: Pick<Graph, 'onSchema'>;
}): ResponseCache {
  const { redis, log } = deps;
  const store = openBoundedStore(redis, bounds);
  let policies: CachePolicies = () => null;
  let schemaHash = '';
  const stopListening = deps.graph.onSchema(({ apiSchema, coreSupergraphSdl }) => {
    policies = cachePolicies(apiSchema, coreSupergraphSdl);
    schemaHash = createHash('sha256').update(coreSupergraphSdl).digest('base64url');
  });
  const underWay = new Map<string, Promise<string | null>>();
  const outcomes = new Counter({
    name: 'gateway_response_cache_total',
    help: 'Cacheable queries by what the response cache did',
    labelNames: ['outcome'],
    registers: [],
  });
  deps.metrics.registry.registerMetric(outcomes);
  const count = (outcome: Outcome): void => outcomes.inc({ outcome });

  async function look(key: string, tags: readonly string[]) {
    const keys = ['{answers}:texts', '{answers}:ends', '{answers}:mark', ...tags.map(versionKey), ...tags.map(changesKey)]; // prettier-ignore
    const reading = redis.eval(readScript, { keys, arguments: [key, String(tags.length), randomUUID()] });
    const [nowMs, versions, text] = (await inTime(reading, timeoutMs)) as [number, string | null, (string | null)?];
    const entry = typeof text === 'string' ? readEntry(text) : null;
    const isGood = entry !== null && entry.versions === versions && nowMs - entry.atMs < entry.maxAgeMs;
    return { nowMs, versions, entry: isGood ? entry : null };
  }
  function keep(key: string, entry: Entry): void {
    if (entry.text.length > maxAnswerChars) return;
    store.put(key, written(entry)).catch((error: unknown) => noteFailure(log, error, 'an answer could not be kept'));
  }
  const fresh = (text: string | null): KeptAnswer | null => (text === null ? null : { text, ageSeconds: 0 });

  return {
    policyOf: (read, query) => policies(read, query),
    async answer({ query, variables, tags, maxAgeSeconds }, execute) {
      const askedOf = schemaHash;
      const key = createHash('sha256')
        .update(`${askedOf}\n${query}\n${JSON.stringify(variables)}`)
        .digest('base64url');
      let found: Awaited<ReturnType<typeof look>>;
      try {
        found = await look(key, tags);
      } catch (error) {
        noteFailure(log, error, 'the response cache is not to be had');
        count('unavailable');
        return fresh(await execute());
      }
      const { nowMs, versions, entry } = found;
      if (versions === null) {
        count('changing');
        return fresh(await execute());
      }
      if (entry) {
        count('hit');
        return { text: entry.text, ageSeconds: Math.max(0, Math.floor((nowMs - entry.atMs) / 1_000)) };
      }
      // Whoever read the same versions may have the same answer; whoever read newer ones may not.
      const flight = `${key} ${versions}`;
      const joined = underWay.get(flight);
      if (joined) {
        count('joined');
        return fresh(await joined);
      }
      count('miss');
      const running = execute().finally(() => underWay.delete(flight));
      underWay.set(flight, running);
      const text = await running;
      // Another supergraph may have been loaded meanwhile, and have answered.
      if (text !== null && schemaHash === askedOf)
        keep(key, { versions, atMs: nowMs, maxAgeMs: maxAgeSeconds * 1_000, text });
      return fresh(text);
    },
    close() {
      stopListening();
      deps.metrics.registry.removeSingleMetric('gateway_response_cache_total');
    },
  };
}
