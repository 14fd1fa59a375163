import type { Refusal } from '../../shared/errors.ts';
import { RefusedError } from '../../shared/errors.ts';
import type { UserDeps } from '../dependencies.ts';
import { type Credentials, readUser } from '../store.ts';
import { invalidCredentialsError } from '../domain/user.ts';
import { isWait } from '../login-throttle.ts';
import { type AuthTokens, type OpenSession, tokensFor } from '../sessions.ts';
import type { User } from '../domain/user.ts';

/** The answer of mutations that sign in. */
export type AuthPayload = {
  readonly user: User | null;
  readonly tokens: AuthTokens | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

export const authRefused = (userErrors: readonly Refusal[]): AuthPayload => ({
  user: null,
  tokens: null,
  replayed: false,
  userErrors,
});

/** Who is signed in now; for a session whose transaction has committed. */
export async function signedIn(deps: UserDeps, session: OpenSession, replayed: boolean): Promise<AuthPayload> {
  const user = await readUser(deps.db.em(), session.userId);
  if (!user) throw new Error('A session belongs to a user who does not exist.');
  return { user, tokens: await tokensFor(deps, session, user), replayed, userErrors: [] };
}

/**
 * Looks at a password: the only way to, so that every look is throttled and takes the same time whether or not the
 * account exists. False when it is wrong. Throws RefusedError with the seconds to wait after too many failures.
 */
export async function passwordFits(
  deps: UserDeps,
  shown: { account: string; password: string; credentials: Credentials | null; clientAddress: string | undefined },
): Promise<boolean> {
  const reservation = await deps.throttle.begin({ account: shown.account, address: shown.clientAddress });
  if (isWait(reservation)) {
    const message =
      reservation.because === 'BUSY'
        ? 'Too many sign in to this account, or from this address, at this moment; try again.'
        : 'Too many attempts failed; wait before the next.';
    throw new RefusedError(invalidCredentialsError(message, reservation.seconds));
  }
  let fits: boolean;
  try {
    fits = await deps.hasher.verify(shown.password, shown.credentials?.passwordHash ?? null);
  } catch (error) {
    await reservation.givenUp();
    throw error;
  }
  await (fits ? reservation.succeeded() : reservation.failed());
  return fits;
}
