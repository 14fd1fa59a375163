import { type Role, roles as allRoles } from '../../shared/auth/viewer.ts';
import { RefusedError, orRefusals, validationError } from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import type { UserDeps } from '../dependencies.ts';
import { type UserPayload, userRefused } from '../commands/update-profile.ts';
import { revokeOtherSessions } from '../session-store.ts';
import { announceRevoked } from '../sessions.ts';
import { readUser } from '../store.ts';
import { changeAccount } from './account-store.ts';
import { requireAccount, requireAdministrator, requireAnother, requireStanding } from './administrators.ts';
import { renewMerchant } from '../webhooks/webhook-events.ts';
import { type Asker, writeDown } from './audit.ts';

/** Roles as they are kept: each once, in one order. Throws RefusedError for none. */
export function checkedRoles(roles: readonly Role[], path: readonly string[]): readonly Role[] {
  if (roles.length === 0) throw new RefusedError(validationError('An account must have at least one role.', path));
  return allRoles.filter((role) => roles.includes(role));
}

/**
 * Gives a user these roles and no others. A user who loses a role is signed out everywhere: access tokens name the roles of
 * their beginning.
 */
export function setRoles(
  deps: UserDeps,
  asker: Asker,
  input: { userId: string; roles: readonly Role[] },
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    const administrator = requireAdministrator(asker);
    const { userId } = input;
    const roles = checkedRoles(input.roles, ['roles']);
    const done = await deps.db.transaction(async (tx) => {
      const claim = {
        ownerId: administrator.userId,
        operation: 'setRoles',
        key: idempotencyKey,
        input: { userId, roles },
      };
      const { replayed } = await claimKey(tx, claim, {});
      const administrators = await requireStanding(tx, administrator);
      const account = await requireAccount(tx, userId);
      if (replayed || account.roles.join() === roles.join()) return { replayed, revoked: [] };
      if (account.roles.includes('ADMIN') && !roles.includes('ADMIN') && account.status === 'ACTIVE')
        requireAnother(administrators, userId);
      const at = deps.now();
      await changeAccount(tx, userId, { roles, at });
      const { roles: before } = account;
      if (roles.includes('MERCHANT') && !before.includes('MERCHANT')) await renewMerchant(tx, userId, at);
      const deed = { actorId: administrator.userId, traceId: asker.traceId, action: 'roles.set' } as const;
      await writeDown(tx, deps, { ...deed, subject: `user:${userId}`, before: { roles: before }, after: { roles } });
      const lost = before.some((role) => !roles.includes(role));
      return {
        replayed,
        revoked: lost ? await revokeOtherSessions(tx, { userId, keep: null, because: 'ROLES_CHANGED', at }) : [],
      };
    });
    await announceRevoked(deps, done.revoked);
    return { user: await readUser(deps.db.em(), userId), replayed: done.replayed, userErrors: [] };
  }, userRefused);
}
