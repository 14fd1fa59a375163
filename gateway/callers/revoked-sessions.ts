import type { Live } from '../../subgraphs/shared/process/live.ts';
import { startLoop } from '../../subgraphs/shared/process/loop.ts';
import type { Redis } from '../../subgraphs/shared/process/redis.ts';
import type { Logger } from '../../subgraphs/shared/process/telemetry.ts';
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
const rereadEveryMs = 30_000;

/**
 * Reads the revoked sessions at the start, again after every reconnect and every 30 s, and follows live notices in
 * between. While Redis is away, what is known stands.
 */
export async function openRevokedSessions(options: {
  redis: Redis;
  live: Live;
  log: Logger;
  now: () => Date;
}): Promise<RevokedSessions> {
  const forgetAtMs = new Map<string, number>();
  const listeners = new Set<(sessionId: string) => void>();
  const nowMs = () => options.now().getTime();

  function add(sessionId: string, untilMs: number): void {
    const known = forgetAtMs.has(sessionId);
    forgetAtMs.set(sessionId, Math.max(untilMs, forgetAtMs.get(sessionId) ?? 0));
    if (!known) for (const listener of listeners) listener(sessionId);
  }
  async function reread(): Promise<void> {
    for (const { value, score } of await options.redis.zRangeByScoreWithScores(revokedSessionsKey, nowMs(), '+inf'))
      add(value, score);
    for (const [sessionId, untilMs] of forgetAtMs) if (untilMs < nowMs()) forgetAtMs.delete(sessionId);
  }

  await untilAvailable(reread);
  const loop = startLoop({ name: 'revoked sessions', everyMs: rereadEveryMs, log: options.log, turn: reread });
  const stopListening = options.live.listen('auth-revoked', (sessionId) => {
    if (sessionId === null) loop.kick();
    else add(sessionId, nowMs() + rememberNoticeMs);
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
