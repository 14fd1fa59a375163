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
import { lockAccount } from '../administration/account-store.ts';
import { type UserPayload, userRefused } from '../commands/update-profile.ts';
import type { UserDeps } from '../dependencies.ts';
import { readCredentials, readUser } from '../store.ts';
import { countIdentityRequest } from './begin-identity-login.ts';
import type { ShownIdentity } from './identity-proofs.ts';
import { deleteIdentities, findIdentityOwner, insertIdentity, readIdentities } from './identity-store.ts';
import type { ForeignType, Identity } from './identity.ts';

/** Links an identity to the viewer's account, who signs in by it from then on. */
export function linkIdentity(
  deps: UserDeps,
  { userId }: UserViewer,
  { clientAddress, ...shown }: ShownIdentity & { clientAddress: string | undefined },
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    // A code works once, so a repeated request is known by its key, not by the code.
    const input = { type: shown.type, code: createHash('sha256').update(shown.code).digest('hex') };
    const claim = { ownerId: userId, operation: 'linkIdentity', key: idempotencyKey, input };
    let replayed = (await findKey(deps.db.em(), claim)) !== null;
    if (!replayed) {
      await countIdentityRequest(deps, clientAddress);
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
  await lockAccount(tx, userId);
  const owner = await findIdentityOwner(tx, identity);
  if (owner === userId) return;
  if (owner !== null) throw new RefusedError(conflictError('This identity belongs to another account.'));
  const own = await readIdentities(tx, [userId]);
  if (own.some(({ type, issuer }) => type === identity.type && issuer === identity.issuer))
    throw new RefusedError(conflictError('Your account has another identity of this issuer; unlink that one first.'));
  await insertIdentity(tx, { ...identity, userId, linkedAt: deps.now() });
}

/** Takes identities away from the viewer's account, never the last way to sign in. */
export function unlinkIdentity(
  deps: UserDeps,
  { userId }: UserViewer,
  { type, issuer }: { type: ForeignType | 'MOBILE'; issuer?: string | null },
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    if (type === 'MOBILE')
      throw new RefusedError(validationError('A mobile number can’t be taken off its account.', ['type']));
    const { replayed } = await deps.db.transaction(async (tx) => {
      const input = { type, issuer: issuer ?? null };
      const claim = { ownerId: userId, operation: 'unlinkIdentity', key: idempotencyKey, input };
      const claimed = await claimKey(tx, claim, {});
      if (!claimed.replayed) await unlink(tx, { userId, type, issuer: issuer ?? null });
      return claimed;
    });
    return { user: await readUser(deps.db.em(), userId), replayed, userErrors: [] };
  }, userRefused);
}

async function unlink(tx: Sql, identity: { userId: string; type: ForeignType; issuer: string | null }): Promise<void> {
  const { userId } = identity;
  // So that of two at the same time the second sees what the first has left.
  await lockAccount(tx, userId);
  if ((await deleteIdentities(tx, identity)) === 0)
    throw new RefusedError(notFoundError('Your account has no such identity.', undefined, ['type']));
  if ((await readCredentials(tx, userId)) !== null) return;
  if ((await readIdentities(tx, [userId])).length === 0)
    throw new RefusedError({
      ...forbiddenError('This is the last way to sign in to your account: add another one first.'),
      path: ['type'],
    });
}
