import { createHash } from 'node:crypto';
import { addressGroup } from '../../shared/values/address-group.ts';
import { type Refusal, RefusedError } from '../../shared/errors/errors.ts';
import { idFromBytes } from '../../shared/values/ids.ts';
import type { UserDeps } from '../dependencies.ts';
import { type Credentials, readUser } from '../store.ts';
import { invalidCredentialsError } from '../domain/user.ts';
import { isWait } from '../login-throttle.ts';
import type { Turn } from '../password-queue.ts';
import { findKnownPlace } from '../sign-in-place-store.ts';
import type { Places } from '../sign-in-places.ts';
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

/** Who shows a password: from where, or in which session. */
export type PasswordCaller = { readonly places: Places; readonly sessionId?: string };

/**
 * Looks at a password: the only way to, so that every look is throttled and takes the same time whether or not the
 * account exists. False when it is wrong. Throws RefusedError with the seconds to wait after too many failures.
 */
export async function lookAtPassword(
  deps: UserDeps,
  shown: { account: string; password: string; credentials: Credentials | null; caller: PasswordCaller },
): Promise<boolean> {
  const { account, credentials, caller } = shown;
  const { address } = caller.places;
  const known = await knownPlaceOf(deps, credentials?.userId ?? nobodysId(account), caller.places);
  const from = caller.sessionId === undefined ? known : ({ kind: 'SESSION', id: caller.sessionId } as const);
  const reservation = await deps.throttle.begin({ account, address, from });
  if (isWait(reservation)) {
    const message =
      reservation.because === 'BUSY'
        ? 'Too many sign in to this account, or from this address, at this moment; try again.'
        : 'Too many attempts failed; wait before the next.';
    throw new RefusedError(invalidCredentialsError(message, reservation.seconds));
  }
  let fits: boolean;
  try {
    const turn: Turn = { rank: from === null ? 'SIGN_IN' : 'KNOWN', client: clientOf(address, account) };
    fits = await deps.hasher.verify(shown.password, credentials?.passwordHash ?? null, turn);
  } catch (error) {
    await reservation.givenUp();
    throw error;
  }
  await (fits ? reservation.succeeded() : reservation.failed());
  return fits;
}

/** The device or the address, for the throttle, from which this user has signed in before; null for strangers. */
export async function knownPlaceOf(deps: UserDeps, userId: string, places: Places) {
  const kind = await findKnownPlace(deps.db.em(), userId, places);
  if (kind === null) return null;
  return { kind, id: (kind === 'DEVICE' ? places.deviceToken : addressGroup(places.address ?? '')) ?? '' } as const;
}

/** Whose turn it is in the queue of passwords: an address's; without one, as of services, each account's. */
export const clientOf = (address: string | undefined, account: string): string =>
  address === undefined ? `account ${account}` : addressGroup(address);

/** An id that no account has, so that an unknown number costs the same statements. */
export const nobodysId = (account: string): string =>
  idFromBytes(createHash('sha256').update(account).digest().subarray(0, 16));
