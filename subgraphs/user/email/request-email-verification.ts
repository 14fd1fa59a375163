import type { UserViewer } from '../../shared/auth/viewer.ts';
import { RefusedError, notFoundError, orRefusals, validationError } from '../../shared/errors/errors.ts';
import { claimKey, findKey } from '../../shared/tables/idempotency.ts';
import { codeLength, codeOf } from '../administration/one-time-code-store.ts';
import { lockOpenAccount } from '../administration/account-store.ts';
import { countCodeRequest } from '../codes/code-limit.ts';
import { type ShownPassword, requirePassword } from '../commands/own-password.ts';
import { type UserPayload, userRefused } from '../commands/update-profile.ts';
import type { UserDeps } from '../dependencies.ts';
import { checkEmail, emailKeyOf } from '../domain/email.ts';
import type { User } from '../domain/user.ts';
import { readUser } from '../store.ts';
import { putEmailCode } from './email-store.ts';

export const emailCodeMinutes = 10;

type Request = ShownPassword & { readonly email?: string | null };

/**
 * Sends a code to an address, to show that its mail is read by the viewer. Asks for the password where there is one: an
 * address that is changed by somebody else in an open session would take the account away, by a forgotten password.
 */
export function requestEmailVerification(
  deps: UserDeps,
  viewer: UserViewer,
  request: Request,
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    const { userId } = viewer;
    const user = await readUser(deps.db.em(), userId);
    if (!user) throw new RefusedError(notFoundError('This user does not exist.'));
    const email = addressOf(user, request);
    await requirePassword(deps, viewer, request);
    const claim = { ownerId: userId, operation: 'requestEmailVerification', key: idempotencyKey, input: { email } };
    if (await findKey(deps.db.em(), claim)) return { user, replayed: true, userErrors: [] };
    const recipients = [`user:${userId}`, `email:${emailKeyOf(email)}`];
    await countCodeRequest(deps, 'email', { recipients, address: request.clientAddress });
    const code = codeOf(deps.randomBytes(codeLength));
    const { replayed } = await deps.db.transaction(async (tx) => {
      const claimed = await claimKey(tx, claim, {});
      if (claimed.replayed) return claimed;
      await lockOpenAccount(tx, userId);
      const at = deps.now();
      const expiresAt = new Date(at.getTime() + emailCodeMinutes * 60_000);
      await putEmailCode(tx, { userId, email, code, at, expiresAt });
      const to = { channel: 'EMAIL', address: email } as const;
      await deps.codes.enqueue(tx, { kind: 'EMAIL_VERIFICATION', userId, to, code, expiresAt });
      return claimed;
    });
    deps.codes.wake();
    return { user, replayed, userErrors: [] };
  }, userRefused);
}

/** The address that is to be verified: the one that is given, or that the account has. */
function addressOf(user: User, { email }: Request): string {
  const given = email ?? user.email;
  if (given === null) throw new RefusedError(validationError('This account has no e-mail address yet.', ['email']));
  const checked = checkEmail(given, ['email']);
  if (!checked.ok) throw new RefusedError(checked.refusal);
  return checked.value;
}
