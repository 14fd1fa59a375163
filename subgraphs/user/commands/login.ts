import { claimKey } from '../../shared/tables/idempotency.ts';
import { RefusedError, orRefusals } from '../../shared/errors/errors.ts';
import type { UserDeps } from '../dependencies.ts';
import { normaliseMobile } from '../domain/mobile.ts';
import { invalidCredentialsError } from '../domain/user.ts';
import { type OpenSession, openSession } from '../sessions.ts';
import { type Credentials, findCredentials, lockPassword } from '../store.ts';
import type { Places } from '../sign-in-places.ts';
import { type AuthPayload, authRefused, lookAtPassword, signedIn } from './sign-in.ts';

const wrong = () => new RefusedError(invalidCredentialsError('The mobile number or the password is wrong.'));

/**
 * Signs in by mobile number and password. An unknown number and a wrong password get the same answer in the same time.
 * A repeated idempotency key is checked again and answered with a new session, since tokens are kept nowhere.
 */
export function login(
  deps: UserDeps,
  places: Places,
  shown: { mobile: string; password: string },
  idempotencyKey: string | null | undefined,
): Promise<AuthPayload> {
  return orRefusals(async () => {
    // What can't be a number is an account that nobody has; it is counted and answered like one.
    const account = normaliseMobile(shown.mobile) ?? shown.mobile;
    const credentials = await findCredentials(deps.db.em(), account);
    const { password } = shown;
    const fits = await lookAtPassword(deps, { account, password, credentials, caller: { places } });
    if (!fits || credentials === null) throw wrong();
    const { session, replayed } = await startSession(deps, credentials, { account, idempotencyKey, places });
    return signedIn(deps, session, replayed);
  }, authRefused);
}

/** A new session for a password that was looked at. Refuses when the password was changed since. */
async function startSession(
  deps: UserDeps,
  credentials: Credentials,
  request: { account: string; idempotencyKey: string | null | undefined; places: Places },
): Promise<{ session: OpenSession; replayed: boolean }> {
  const { userId } = credentials;
  return deps.db.transaction(async (tx) => {
    if (!(await lockPassword(tx, credentials))) throw wrong();
    const claim = {
      ownerId: userId,
      operation: 'login',
      key: request.idempotencyKey,
      input: { mobile: request.account },
    };
    const { replayed } = await claimKey(tx, claim, {});
    return { session: await openSession(tx, deps, { userId, places: request.places }), replayed };
  });
}

/** A new session for somebody whose password was looked at; for `register`, when its key is repeated. */
export const sessionFor = (deps: UserDeps, credentials: Credentials, places: Places): Promise<OpenSession> =>
  deps.db.transaction(async (tx) => {
    if (!(await lockPassword(tx, credentials))) throw wrong();
    return openSession(tx, deps, { userId: credentials.userId, places });
  });
