import { type UserViewer, isAdmin, requireUser } from '../../shared/auth/viewer.ts';
import { RefusedError, forbiddenError, notFoundError, orRefusals } from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { isId } from '../../shared/values/ids.ts';
import type { UserDeps } from '../dependencies.ts';
import { type UserPayload, userRefused } from '../commands/update-profile.ts';
import { revokeOtherSessions, revokeSession as endSession } from '../session-store.ts';
import { announceRevoked } from '../sessions.ts';
import { readUser } from '../store.ts';
import { requireAccount } from './administrators.ts';
import { type Asker, writeDown } from './audit.ts';
import { findSession } from './session-list-store.ts';

/** Signs a device out: one of the viewer's own, or for administrators anybody's. One that is signed out stays so. */
export function revokeSession(
  deps: UserDeps,
  asker: Asker,
  sessionId: string,
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    const viewer = requireUser(asker.viewer);
    const session = isId(sessionId) ? await findSession(deps.db.em(), sessionId) : null;
    // Whose it is is not told to those who may not end it.
    if (!session || (session.userId !== viewer.userId && !isAdmin(viewer)))
      throw new RefusedError(notFoundError('There is no such session.', sessionId, ['sessionId']));
    const { userId } = session;
    const { replayed } = await deps.db.transaction(async (tx) => {
      const claim = { ownerId: viewer.userId, operation: 'revokeSession', key: idempotencyKey, input: { sessionId } };
      const claimed = await claimKey(tx, claim, {});
      if (claimed.replayed) return claimed;
      await endSession(tx, { id: sessionId, userId, because: 'REVOKED', at: deps.now() });
      await noteForOthers(tx, deps, { viewer, traceId: asker.traceId, userId, sessions: [sessionId] });
      return claimed;
    });
    await announceRevoked(deps, [sessionId]);
    return { user: await readUser(deps.db.em(), userId), replayed, userErrors: [] };
  }, userRefused);
}

/** Signs all devices out: the viewer's own, this one too, or for administrators those of a user. */
export function revokeAllSessions(
  deps: UserDeps,
  asker: Asker,
  given: { userId?: string | null },
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    const viewer = requireUser(asker.viewer);
    const userId = given.userId ?? viewer.userId;
    if (userId !== viewer.userId && !isAdmin(viewer))
      throw new RefusedError({
        ...forbiddenError('Only an administrator may sign others out.'),
        path: ['userId'],
      });
    const done = await deps.db.transaction(async (tx) => {
      const claim = { ownerId: viewer.userId, operation: 'revokeAllSessions', key: idempotencyKey, input: { userId } };
      const { replayed } = await claimKey(tx, claim, {});
      await requireAccount(tx, userId);
      if (replayed) return { replayed, revoked: [] };
      const revoked = await revokeOtherSessions(tx, { userId, keep: null, because: 'REVOKED', at: deps.now() });
      await noteForOthers(tx, deps, { viewer, traceId: asker.traceId, userId, sessions: revoked });
      return { replayed, revoked };
    });
    await announceRevoked(deps, done.revoked);
    return { user: await readUser(deps.db.em(), userId), replayed: done.replayed, userErrors: [] };
  }, userRefused);
}

type Ended = { viewer: UserViewer; traceId: string; userId: string; sessions: readonly string[] };

/** What people do with their own sessions is theirs; what administrators do with those of others is written down. */
async function noteForOthers(
  tx: Parameters<typeof writeDown>[0],
  deps: UserDeps,
  { viewer, traceId, userId, sessions }: Ended,
): Promise<void> {
  if (userId === viewer.userId) return;
  const deed = { actorId: viewer.userId, traceId, action: 'sessions.revoked' } as const;
  await writeDown(tx, deps, { ...deed, subject: `user:${userId}`, before: { sessions } });
}
