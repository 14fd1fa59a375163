import { orRefusals } from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import type { UserDeps } from '../dependencies.ts';
import { type UserPayload, userRefused } from '../commands/update-profile.ts';
import { readIdentities } from '../identities/identity-store.ts';
import { revokeOtherSessions } from '../session-store.ts';
import { announceRevoked } from '../sessions.ts';
import { readCredentials, readUser } from '../store.ts';
import { changeAccount } from './account-store.ts';
import {
  requireAccount,
  requireAdministrator,
  requireAdministratorOfOthers,
  requireAnother,
  requireStanding,
} from './administrators.ts';
import { renewMerchant } from '../webhooks/webhook-events.ts';
import { type Asker, writeDown } from './audit.ts';
import { dropCode } from './one-time-code-store.ts';

/** Keeps a user out: ends all sessions, and no new one begins until `reinstateUser`. Orders and money stay as they are. */
export function suspendUser(
  deps: UserDeps,
  asker: Asker,
  input: { userId: string; reason: string },
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    const administrator = requireAdministratorOfOthers(asker, input, 'suspend');
    const { userId, reason } = input;
    const done = await deps.db.transaction(async (tx) => {
      const claim = { ownerId: administrator.userId, operation: 'suspendUser', key: idempotencyKey, input };
      const { replayed } = await claimKey(tx, claim, {});
      const administrators = await requireStanding(tx, administrator);
      const account = await requireAccount(tx, userId);
      if (replayed || account.status === 'SUSPENDED') return { replayed, revoked: [] };
      if (account.roles.includes('ADMIN') && account.status === 'ACTIVE') requireAnother(administrators, userId);
      const at = deps.now();
      await changeAccount(tx, userId, { status: 'SUSPENDED', at });
      await dropCode(tx, userId);
      await writeDown(tx, deps, {
        actorId: administrator.userId,
        traceId: asker.traceId,
        action: 'user.suspended',
        subject: `user:${userId}`,
        before: { status: account.status },
        after: { status: 'SUSPENDED', reason },
      });
      return { replayed, revoked: await revokeOtherSessions(tx, { userId, keep: null, because: 'SUSPENDED', at }) };
    });
    await announceRevoked(deps, done.revoked);
    return { user: await readUser(deps.db.em(), userId), replayed: done.replayed, userErrors: [] };
  }, userRefused);
}

/** Lets a suspended user in again. */
export function reinstateUser(
  deps: UserDeps,
  asker: Asker,
  { userId }: { userId: string },
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    const administrator = requireAdministrator(asker);
    const { replayed } = await deps.db.transaction(async (tx) => {
      const claim = {
        ownerId: administrator.userId,
        operation: 'reinstateUser',
        key: idempotencyKey,
        input: { userId },
      };
      const claimed = await claimKey(tx, claim, {});
      await requireStanding(tx, administrator);
      const account = await requireAccount(tx, userId);
      if (claimed.replayed || account.status !== 'SUSPENDED') return claimed;
      // Who has no way to sign in yet is invited still, and needs a new code.
      const hasWay = (await readCredentials(tx, userId)) !== null || (await readIdentities(tx, [userId])).length > 0;
      const status = hasWay ? 'ACTIVE' : 'INVITED';
      const at = deps.now();
      await changeAccount(tx, userId, { status, at });
      await renewMerchant(tx, userId, at);
      await writeDown(tx, deps, {
        actorId: administrator.userId,
        traceId: asker.traceId,
        action: 'user.reinstated',
        subject: `user:${userId}`,
        before: { status: 'SUSPENDED' },
        after: { status },
      });
      return claimed;
    });
    return { user: await readUser(deps.db.em(), userId), replayed, userErrors: [] };
  }, userRefused);
}
