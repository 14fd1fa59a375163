import type { UserViewer } from '../../shared/auth/viewer.ts';
import { RefusedError, orRefusals } from '../../shared/errors/errors.ts';
import { claimKey, findKey } from '../../shared/tables/idempotency.ts';
import { codeHash, dropCode } from '../administration/one-time-code-store.ts';
import { lockOpenAccount } from '../administration/account-store.ts';
import { type UserPayload, userRefused } from '../commands/update-profile.ts';
import type { UserDeps } from '../dependencies.ts';
import { invalidCredentialsError } from '../domain/user.ts';
import { readUser } from '../store.ts';
import { putVerifiedEmail, tryEmailCode, useEmailCode } from './email-store.ts';

const wrong = () =>
  new RefusedError({ ...invalidCredentialsError('The code is wrong, or it has ended.'), path: ['code'] });

/** Makes the address the viewer's own to which the code was sent. */
export function verifyEmail(
  deps: UserDeps,
  { userId }: UserViewer,
  { code }: { code: string },
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    const input = { code: codeHash(userId, code).toString('hex') };
    const claim = { ownerId: userId, operation: 'verifyEmail', key: idempotencyKey, input };
    let replayed = (await findKey(deps.db.em(), claim)) !== null;
    if (!replayed) {
      // By itself, so that the try counts whatever comes of it.
      const email = await deps.db.transaction((tx) => tryEmailCode(tx, { userId, code, at: deps.now() }));
      if (email === null) throw wrong();
      replayed = await deps.db.transaction(async (tx) => {
        const claimed = await claimKey(tx, claim, {});
        if (claimed.replayed) return true;
        await lockOpenAccount(tx, userId);
        if (!(await useEmailCode(tx, { userId, code }))) throw wrong();
        await putVerifiedEmail(tx, { userId, email, at: deps.now() });
        // A code for a new password may have gone to an address that is no longer the account's.
        await dropCode(tx, userId);
        return false;
      });
    }
    return { user: await readUser(deps.db.em(), userId), replayed, userErrors: [] };
  }, userRefused);
}
