import { type Refusal, RefusedError, orRefusals } from '../../shared/errors/errors.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import { forgetKeys } from '../../shared/events/forget-events.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { isId } from '../../shared/values/ids.ts';
import {
  requireAccount,
  requireAdministratorOfOthers,
  requireAnother,
  requireStanding,
} from '../administration/administrators.ts';
import { type Asker, writeDown } from '../administration/audit.ts';
import { type UserPayload, userRefused } from '../commands/update-profile.ts';
import type { UserDeps } from '../dependencies.ts';
import { revokeOtherSessions } from '../session-store.ts';
import { announceRevoked } from '../sessions.ts';
import { readUser } from '../store.ts';
import { eraseAccount, insertErasure } from './erasure-store.ts';
import { type Obstacle, obstaclesElsewhere } from './other-services.ts';
import { runErasure } from './run-erasures.ts';

const maxShown = 50;

const blocked = (obstacles: readonly Obstacle[]): Refusal => ({
  __typename: 'ErasureBlockedError',
  code: 'ERASURE_BLOCKED',
  message: 'Orders, payments, returns, money or products of this user have to come to an end first.',
  path: ['userId'],
  obstacles: obstacles.slice(0, maxShown),
});

/**
 * Erases a person: here at once, in the other services within seconds. Refused while something of the user is under way. Orders,
 * money and journals stay, without a person. Erasing an erased user again succeeds.
 */
export function eraseUser(
  deps: UserDeps,
  asker: Asker,
  input: { readonly userId: string; readonly reason: string },
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    const administrator = requireAdministratorOfOthers(asker, input, 'erase');
    const { userId, reason } = input;
    const known = isId(userId) ? await readUser(deps.db.em(), userId) : null;
    if (known && known.status !== 'ERASED') {
      const obstacles = await obstaclesElsewhere(deps, { userId, traceId: asker.traceId });
      if (obstacles.length > 0) throw new RefusedError(blocked(obstacles));
    }
    const done = await deps.db.transaction(async (tx) => {
      const claim = { ownerId: administrator.userId, operation: 'eraseUser', key: idempotencyKey, input };
      const { replayed } = await claimKey(tx, claim, {});
      const administrators = await requireStanding(tx, administrator);
      const account = await requireAccount(tx, userId, { withErased: true });
      if (account.status === 'ERASED') return { replayed, revoked: [] };
      if (account.roles.includes('ADMIN') && account.status === 'ACTIVE') requireAnother(administrators, userId);
      const at = deps.now();
      const revoked = await revokeOtherSessions(tx, { userId, keep: null, because: 'ERASED', at });
      await eraseAccount(tx, userId, at);
      await forgetKeys(tx, userId);
      await insertErasure(tx, { userId, traceId: asker.traceId, at });
      await writeDown(tx, deps, {
        actorId: administrator.userId,
        traceId: asker.traceId,
        action: 'user.erased',
        subject: `user:${userId}`,
        before: { status: account.status },
        after: { status: 'ERASED', reason },
      });
      return { replayed, revoked };
    });
    failPoint('user.erasure_recorded');
    await announceRevoked(deps, done.revoked);
    await runErasure(deps, userId);
    return { user: await readUser(deps.db.em(), userId), replayed: done.replayed, userErrors: [] };
  }, userRefused);
}
