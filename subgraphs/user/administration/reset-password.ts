import { RefusedError, orRefusals } from '../../shared/errors/errors.ts';
import type { UserDeps } from '../dependencies.ts';
import { type AuthPayload, authRefused, clientOf, knownPlaceOf, nobodysId, signedIn } from '../commands/sign-in.ts';
import { normaliseMobile } from '../domain/mobile.ts';
import { checkPassword, ownerOf } from '../domain/password.ts';
import { invalidCredentialsError } from '../domain/user.ts';
import { dropEmailCode } from '../email/email-store.ts';
import { deleteAllIdentities } from '../identities/identity-store.ts';
import { isWait } from '../login-throttle.ts';
import { revokeOtherSessions } from '../session-store.ts';
import { type OpenSession, announceRevoked, openSession } from '../sessions.ts';
import type { Places } from '../sign-in-places.ts';
import { readUser } from '../store.ts';
import { changeAccount, findAccount, lockAccount, putPassword } from './account-store.ts';
import { tryCode, useCode } from './one-time-code-store.ts';

const wrong = () => new RefusedError(invalidCredentialsError('The code is wrong, or it has ended.'));

/**
 * Sets an account's password by a one-time code, ends all its sessions, unlinks its identities and opens a new session. An unknown number, a wrong code
 * and one that has ended get the same answer.
 */
export function resetPassword(
  deps: UserDeps,
  places: Places,
  given: { mobile: string; code: string; password: string },
): Promise<AuthPayload> {
  return orRefusals(async () => {
    const checked = checkPassword(given.password, ['password']);
    if (!checked.ok) throw new RefusedError(checked.refusal);
    const mobile = normaliseMobile(given.mobile) ?? given.mobile;
    const { code } = given;
    const userId = await codeFits(deps, places, { mobile, code });
    const user = await readUser(deps.db.em(), userId);
    if (!user) throw wrong();
    const ofUser = checkPassword(given.password, ['password'], ownerOf(user));
    if (!ofUser.ok) throw new RefusedError(ofUser.refusal);
    const client = clientOf(places.address, mobile);
    const passwordHash = await deps.hasher.hash(checked.value, { rank: 'KNOWN', client });
    const { session, revoked } = await store(deps, { userId, code, passwordHash, places });
    await announceRevoked(deps, revoked);
    return signedIn(deps, session, false);
  }, authRefused);
}

/** The user whose code this is. Every try is counted: by the code, by the number and by the address; as at `login`, a known place has a counter of its own. */
async function codeFits(
  deps: UserDeps,
  places: Places,
  { mobile, code }: { mobile: string; code: string },
): Promise<string> {
  const userId = (await findAccount(deps.db.em(), mobile))?.id ?? nobodysId(mobile);
  const from = await knownPlaceOf(deps, userId, places);
  const reservation = await deps.throttle.begin({ account: `code:${mobile}`, address: places.address, from });
  if (isWait(reservation))
    throw new RefusedError(
      invalidCredentialsError('Too many codes were tried; wait before the next.', reservation.seconds),
    );
  let fits: boolean;
  try {
    fits = await deps.db.transaction((tx) => tryCode(tx, { userId, code, at: deps.now() }));
  } catch (error) {
    await reservation.givenUp();
    throw error;
  }
  await (fits ? reservation.succeeded() : reservation.failed());
  if (!fits) throw wrong();
  return userId;
}

async function store(
  deps: UserDeps,
  { userId, code, passwordHash, places }: { userId: string; code: string; passwordHash: string; places: Places },
): Promise<{ session: OpenSession; revoked: readonly string[] }> {
  return deps.db.transaction(async (tx) => {
    const at = deps.now();
    const account = await lockAccount(tx, userId);
    if (!account || account.status === 'SUSPENDED' || !(await useCode(tx, { userId, code }))) throw wrong();
    await putPassword(tx, { userId, passwordHash, at });
    // Whoever had the account until now may have linked an identity, or asked to verify a mailbox.
    await deleteAllIdentities(tx, userId);
    await dropEmailCode(tx, userId);
    if (account.status === 'INVITED') await changeAccount(tx, userId, { status: 'ACTIVE', at });
    const revoked = await revokeOtherSessions(tx, { userId, keep: null, because: 'PASSWORD_CHANGED', at });
    return { session: await openSession(tx, deps, { userId, places }), revoked };
  });
}
