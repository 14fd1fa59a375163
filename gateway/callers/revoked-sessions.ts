import type { Live } from '../../subgraphs/shared/process/live.ts';
import { startLoop } from '../../subgraphs/shared/process/loop.ts';
import type { Redis } from '../../subgraphs/shared/process/redis.ts';
import type { Logger } from '../../subgraphs/shared/process/telemetry.ts';
import { type Time, realTime } from '../../subgraphs/shared/time/time.ts';
import { untilAvailable } from '../../subgraphs/shared/process/until-available.ts';

/** Sessions whose access tokens are refused although they have not ended. */
export type RevokedSessions = {
  has(sessionId: string): boolean;
  /** Calls for each session that becomes revoked. Returns the end of it. */
  onRevoked(listener: (sessionId: string) => void): () => void;
  close(): Promise<void>;
};

/** Sorted set of the user subgraph: member = session, score = epoch milliseconds after which it may be forgotten. */
const revokedSessionsKey = 'auth:revoked-sessions';
/** A notice carries no score: remembered until after the longest access token, then the set knows it or it has ended. */
const rememberNoticeMs = 15 * 60_000;
/** A notice may be lost, and a session ends everywhere within 5 s all the same. */
const lookEveryMs = 3_000;
/** So many looks are for what is new; then all are read again, as one may be put in late. */
const looksForNew = 9;
/** What is new has a score beyond the newest that is known, but for clocks of the user service that differ. */
const overlapMs = 60_000;

/**
 * Reads the revoked sessions at the start, again after every reconnect and every 30 s, looks for new ones every 3 s, and
 * follows live notices in between. While Redis is away, what is known stands.
 */
export async function openRevokedSessions(options: {
  redis: Redis;
  live: Live;
  log: Logger;
  now: () => Date;
  time?: Time;
}): Promise<RevokedSessions> {
  const forgetAtMs = new Map<string, number>();
  const listeners = new Set<(sessionId: string) => void>();
  const nowMs = () => options.now().getTime();

  function add(sessionId: string, untilMs: number): void {
    const known = forgetAtMs.has(sessionId);
    forgetAtMs.set(sessionId, Math.max(untilMs, forgetAtMs.get(sessionId) ?? 0));
    if (!known) for (const listener of listeners) listener(sessionId);
  }
  let newest = 0;
  /** 0: all of them are to be read. */
  let looksLeft = 0;
  async function look(): Promise<void> {
    const isWhole = looksLeft === 0;
    const from = isWhole ? nowMs() : Math.max(nowMs(), newest - overlapMs);
    const found = await options.redis.zRangeByScoreWithScores(revokedSessionsKey, from, '+inf');
    looksLeft = isWhole ? looksForNew : looksLeft - 1;
    for (const { value, score } of found) {
      newest = Math.max(newest, score);
      add(value, score);
    }
    for (const [sessionId, untilMs] of forgetAtMs) if (untilMs < nowMs()) forgetAtMs.delete(sessionId);
  }

  await untilAvailable(look);
  const { log, time = realTime } = options;
  const loop = startLoop({ name: 'revoked sessions', everyMs: lookEveryMs, log, time, turn: look });
  const stopListening = options.live.listen('auth-revoked', (sessionId) => {
    if (sessionId === null) {
      looksLeft = 0;
      loop.kick();
    } else add(sessionId, nowMs() + rememberNoticeMs);
  });
  return {
    has: (sessionId) => forgetAtMs.has(sessionId),
    onRevoked(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    async close() {
      stopListening();
      await loop.stop();
    },
  };
}
