import type { UserViewer } from '../../shared/auth/viewer.ts';
import {
  RefusedError,
  conflictError,
  idempotencyConflictError,
  notFoundError,
  orRefusals,
} from '../../shared/errors/errors.ts';
import { type Claim, claimKey, findKey } from '../../shared/tables/idempotency.ts';
import { dropCode } from '../administration/one-time-code-store.ts';
import type { UserDeps } from '../dependencies.ts';
import { checkPassword, ownerOf } from '../domain/password.ts';
import { invalidCredentialsError } from '../domain/user.ts';
import { revokeOtherSessions } from '../session-store.ts';
import { announceRevoked } from '../sessions.ts';
import { type Credentials, readCredentials, readUser, replacePassword } from '../store.ts';
import { lookAtPassword } from './sign-in.ts';
import { type UserPayload, userRefused } from './update-profile.ts';

type Request = { readonly current: string; readonly next: string; readonly clientAddress: string | undefined };

/** Changes the viewer's own password and ends all other sessions of the viewer. */
export function changePassword(
  deps: UserDeps,
  viewer: UserViewer,
  request: Request,
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    const { userId } = viewer;
    const checked = checkPassword(request.next, ['next']);
    if (!checked.ok) throw new RefusedError(checked.refusal);
    const credentials = await readCredentials(deps.db.em(), userId);
    const user = await readUser(deps.db.em(), userId);
    if (user === null) throw new RefusedError(notFoundError('This user does not exist.'));
    if (credentials === null)
      throw new RefusedError(notFoundError('This account has no password: it signs in by other identities.'));
    const ofUser = checkPassword(request.next, ['next'], ownerOf(user));
    if (!ofUser.ok) throw new RefusedError(ofUser.refusal);
    // Passwords stay out of the claim, which keeps a fast hash of its input.
    const claim: Claim = { ownerId: userId, operation: 'changePassword', key: idempotencyKey, input: {} };
    let replayed = (await findKey(deps.db.em(), claim)) !== null;
    if (!replayed) {
      if (!(await fits(deps, viewer, credentials, { ...request, password: request.current }))) {
        throw new RefusedError({ ...invalidCredentialsError('The current password is wrong.'), path: ['current'] });
      }
      replayed = await replace(deps, viewer, {
        from: credentials.passwordHash,
        to: await deps.hasher.hash(checked.value, { rank: 'KNOWN', client: userId }),
        claim,
      });
    }
    if (replayed) await checkRepetition(deps, viewer, request);
    return { user: await readUser(deps.db.em(), userId), replayed, userErrors: [] };
  }, userRefused);
}

/** In a live session the failures of others, who may have locked the account's sign-in, don't count. */
const fits = async (
  deps: UserDeps,
  { userId, sessionId }: UserViewer,
  credentials: Credentials,
  { password, clientAddress }: { password: string; clientAddress: string | undefined },
): Promise<boolean> => {
  const caller = { places: { address: clientAddress, deviceToken: null, client: null }, sessionId };
  const account = credentials.mobile ?? userId;
  return lookAtPassword(deps, { account, password, credentials, caller });
};

/** True when the key was claimed meanwhile, and nothing was done. */
async function replace(
  deps: UserDeps,
  viewer: UserViewer,
  change: { from: string; to: string; claim: Claim },
): Promise<boolean> {
  const at = deps.now();
  const done = await deps.db.transaction(async (tx) => {
    const { replayed } = await claimKey(tx, change.claim, {});
    if (replayed) return { replayed, revoked: [] };
    // Before the password, as `resetPassword` does: the two never wait for each other in a circle.
    await dropCode(tx, viewer.userId);
    if (!(await replacePassword(tx, { userId: viewer.userId, from: change.from, to: change.to, at }))) {
      throw new RefusedError(conflictError('The password was changed in the meantime.'));
    }
    return {
      replayed,
      revoked: await revokeOtherSessions(tx, {
        userId: viewer.userId,
        keep: viewer.sessionId,
        because: 'PASSWORD_CHANGED',
        at,
      }),
    };
  });
  await announceRevoked(deps, done.revoked);
  return done.replayed;
}

/** The same key with the same new password: it is the account's now. */
async function checkRepetition(deps: UserDeps, viewer: UserViewer, request: Request): Promise<void> {
  const credentials = await readCredentials(deps.db.em(), viewer.userId);
  if (credentials === null || !(await fits(deps, viewer, credentials, { ...request, password: request.next })))
    throw new RefusedError(idempotencyConflictError(false));
}
