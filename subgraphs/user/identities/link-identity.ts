import { createHash } from 'node:crypto';
import type { UserViewer } from '../../shared/auth/viewer.ts';
import {
  RefusedError,
  conflictError,
  forbiddenError,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors/errors.ts';
import type { Sql } from '../../shared/database/database.ts';
import { claimKey, findKey } from '../../shared/tables/idempotency.ts';
import { lockOpenAccount } from '../administration/account-store.ts';
import { type ShownPassword, requireRecentSignIn } from '../commands/own-password.ts';
import { type UserPayload, userRefused } from '../commands/update-profile.ts';
import type { UserDeps } from '../dependencies.ts';
import { revokeOtherSessions } from '../session-store.ts';
import { announceRevoked } from '../sessions.ts';
import { readCredentials, readUser } from '../store.ts';
import { countIdentityRequest } from './begin-identity-login.ts';
import type { ShownIdentity } from './identity-proofs.ts';
import { deleteIdentities, findIdentityOwner, insertIdentity, readIdentities } from './identity-store.ts';
import type { ForeignType, Identity } from './identity.ts';

/**
 * Links an identity to the viewer's account, who signs in by it from then on. Asks for the password some time after the sign-in:
 * somebody else in an open session would keep the account by it.
 */
export function linkIdentity(
  deps: UserDeps,
  viewer: UserViewer,
  { clientAddress, password, ...shown }: ShownIdentity & ShownPassword,
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    const { userId } = viewer;
    // A code works once, so a repeated request is known by its key, not by the code.
    const input = { type: shown.type, code: createHash('sha256').update(shown.code).digest('hex') };
    const claim = { ownerId: userId, operation: 'linkIdentity', key: idempotencyKey, input };
    let replayed = (await findKey(deps.db.em(), claim)) !== null;
    if (!replayed) {
      await countIdentityRequest(deps, clientAddress);
      await requireRecentSignIn(deps, viewer, { password, clientAddress });
      const { type, issuer, subject } = await deps.identities.prove(shown, userId);
      replayed = await deps.db.transaction(async (tx) => {
        const claimed = await claimKey(tx, claim, {});
        if (!claimed.replayed) await link(tx, deps, { userId, identity: { type, issuer, subject } });
        return claimed.replayed;
      });
    }
    return { user: await readUser(deps.db.em(), userId), replayed, userErrors: [] };
  }, userRefused);
}

async function link(
  tx: Sql,
  deps: UserDeps,
  { userId, identity }: { userId: string; identity: Identity },
): Promise<void> {
  await lockOpenAccount(tx, userId);
  const owner = await findIdentityOwner(tx, identity);
  if (owner === userId) return;
  if (owner !== null) throw new RefusedError(conflictError('This identity belongs to another account.'));
  const own = await readIdentities(tx, [userId]);
  if (own.some(({ type, issuer }) => type === identity.type && issuer === identity.issuer))
    throw new RefusedError(conflictError('Your account has another identity of this issuer; unlink that one first.'));
  await insertIdentity(tx, { ...identity, userId, linkedAt: deps.now() });
}

/** Takes identities away from the viewer's account, never the last way to sign in, and ends the viewer's other sessions. */
export function unlinkIdentity(
  deps: UserDeps,
  viewer: UserViewer,
  { type, issuer, ...shown }: { type: ForeignType | 'MOBILE'; issuer?: string | null } & ShownPassword,
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    if (type === 'MOBILE')
      throw new RefusedError(validationError('A mobile number can’t be taken off its account.', ['type']));
    const { userId, sessionId } = viewer;
    const input = { type, issuer: issuer ?? null };
    const claim = { ownerId: userId, operation: 'unlinkIdentity', key: idempotencyKey, input };
    if ((await findKey(deps.db.em(), claim)) === null) await requireRecentSignIn(deps, viewer, shown);
    const done = await deps.db.transaction(async (tx) => {
      const { replayed } = await claimKey(tx, claim, {});
      if (replayed) return { replayed, revoked: [] };
      await unlink(tx, deps, { userId, ...input, type });
      const because = 'IDENTITY_UNLINKED';
      return { replayed, revoked: await revokeOtherSessions(tx, { userId, keep: sessionId, because, at: deps.now() }) };
    });
    await announceRevoked(deps, done.revoked);
    return { user: await readUser(deps.db.em(), userId), replayed: done.replayed, userErrors: [] };
  }, userRefused);
}

async function unlink(
  tx: Sql,
  deps: UserDeps,
  identity: { userId: string; type: ForeignType; issuer: string | null },
): Promise<void> {
  const { userId } = identity;
  // So that of two at the same time the second sees what the first has left.
  await lockOpenAccount(tx, userId);
  if ((await deleteIdentities(tx, identity)) === 0)
    throw new RefusedError(notFoundError('Your account has no such identity.', undefined, ['type']));
  if ((await readCredentials(tx, userId)) !== null) return;
  // An issuer that is no longer configured lets nobody in.
  const isAccepted = ({ type, issuer }: Identity) =>
    deps.identities.issuers.some((each) => each.type === type && each.issuer === issuer);
  if (!(await readIdentities(tx, [userId])).some(isAccepted))
    throw new RefusedError({
      ...forbiddenError('This is the last way to sign in to your account: add another one first.'),
      path: ['type'],
    });
}
