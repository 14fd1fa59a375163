import { type UserViewer, isAdmin, requireUser } from '../../shared/auth/viewer.ts';
import { RefusedError, forbiddenError, notFoundError, validationError } from '../../shared/errors/errors.ts';
import type { Sql } from '../../shared/database/database.ts';
import { isId } from '../../shared/values/ids.ts';
import { brokenTextRule } from '../../shared/values/text.ts';
import { type LockedAccount, lockAccount, lockAdministrators } from './account-store.ts';
import type { Asker } from './audit.ts';

const forAdministrators = () => new RefusedError(forbiddenError('Only an administrator may do this.'));

/** The administrator who asks. Throws UNAUTHENTICATED for nobody, RefusedError with ForbiddenError for anybody else. */
export function requireAdministrator({ viewer }: Asker): UserViewer {
  const user = requireUser(viewer);
  if (!isAdmin(user)) throw forAdministrators();
  return user;
}

const maxReasonLength = 1_024;

/** As `requireAdministrator`, for what is done to somebody else and for a reason. `deed`: to suspend, e.g. */
export function requireAdministratorOfOthers(
  asker: Asker,
  { userId, reason }: { readonly userId: string; readonly reason: string },
  deed: string,
): UserViewer {
  const administrator = requireAdministrator(asker);
  const broken = brokenTextRule(reason, { min: 1, max: maxReasonLength, lines: true });
  if (broken !== null) throw new RefusedError(validationError(`A reason ${broken}.`, ['reason']));
  if (userId === administrator.userId)
    throw new RefusedError({ ...forbiddenError(`Another administrator has to ${deed} you.`), path: ['userId'] });
  return administrator;
}

/**
 * Locks the administrators and gives those who can act. Throws RefusedError where the one who asks is no longer among them:
 * the token is some seconds older.
 */
export async function requireStanding(tx: Sql, { userId }: UserViewer): Promise<readonly string[]> {
  const administrators = await lockAdministrators(tx);
  if (!administrators.includes(userId)) throw forAdministrators();
  return administrators;
}

/** An account, locked. Throws RefusedError where there is none, or none any more but for `withErased`. */
export async function requireAccount(
  tx: Sql,
  userId: string,
  { withErased = false }: { withErased?: boolean } = {},
): Promise<LockedAccount> {
  const account = isId(userId) ? await lockAccount(tx, userId) : null;
  if (!account || (account.status === 'ERASED' && !withErased))
    throw new RefusedError(notFoundError('There is no such user.', userId, ['userId']));
  return account;
}

/** Refuses to leave the platform without an administrator who can act. */
export function requireAnother(administrators: readonly string[], userId: string): void {
  if (administrators.some((id) => id !== userId)) return;
  throw new RefusedError({
    ...forbiddenError('This is the last administrator who can act: make another one first.'),
    path: ['userId'],
  });
}
