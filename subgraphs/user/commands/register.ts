import { createHash } from 'node:crypto';
import type { Role } from '../../shared/auth/viewer.ts';
import { RefusedError, idempotencyConflictError, orRefusals } from '../../shared/errors/errors.ts';
import { idFromBytes } from '../../shared/values/ids.ts';
import { type Claim, claimKey, findKey } from '../../shared/tables/idempotency.ts';
import type { UserDeps } from '../dependencies.ts';
import { type Checked, accept, combine } from '../domain/checked.ts';
import { checkMobile } from '../domain/mobile.ts';
import { checkPassword } from '../domain/password.ts';
import { type Gender, checkName, mobileTakenError } from '../domain/user.ts';
import type { Locale } from '../domain/locale.ts';
import type { Turn } from '../password-queue.ts';
import { type OpenSession, openSession } from '../sessions.ts';
import type { Places } from '../sign-in-places.ts';
import { findCredentials, insertAccount, readCredentials } from '../store.ts';
import { sessionFor } from './login.ts';
import { type AuthPayload, authRefused, clientOf, lookAtPassword, signedIn } from './sign-in.ts';

export type RegisterInput = {
  readonly name: string;
  readonly mobile: string;
  readonly password: string;
  readonly gender?: Gender | null;
  readonly nickname?: string | null;
  readonly locale?: Locale | null;
};

/** A registration that keeps the rules; mobile and password normalised. */
export type Registration = {
  readonly name: string;
  readonly mobile: string;
  readonly password: string;
  readonly gender: Gender;
  readonly nickname: string | null;
  /** Left out where none was given, as in what keys of earlier releases were used with. */
  readonly locale?: Locale;
};

/** Throws RefusedError with every rule that is broken. */
export function checkRegistration(input: RegisterInput): Registration {
  const nickname: Checked<string | null> =
    input.nickname === null || input.nickname === undefined
      ? { ok: true, value: null }
      : checkName(input.nickname, ['input', 'nickname']);
  const mobile = checkMobile(input.mobile, ['input', 'mobile']);
  const owner = { names: [input.name, input.nickname ?? null], mobile: mobile.ok ? mobile.value : null };
  const checked = combine<Registration>({
    name: checkName(input.name, ['input', 'name']),
    mobile,
    password: checkPassword(input.password, ['input', 'password'], owner),
    gender: { ok: true, value: input.gender ?? 'UNSPECIFIED' },
    nickname,
    ...(input.locale && { locale: accept(input.locale) }),
  });
  if ('refusals' in checked) throw new RefusedError(...checked.refusals);
  return checked.values;
}

/** Makes an account with the role CUSTOMER and signs it in. */
export function register(
  deps: UserDeps,
  places: Places,
  input: RegisterInput,
  idempotencyKey: string | null | undefined,
): Promise<AuthPayload> {
  return orRefusals(async () => {
    const registration = checkRegistration(input);
    const claim = claimOf(registration, idempotencyKey);
    // In this order: an account that is seen here has committed its key, too.
    const existing = await findCredentials(deps.db.em(), registration.mobile);
    const earlier = await findKey<{ userId: string }>(deps.db.em(), claim);
    if (earlier) return signInAgain(deps, { ...earlier, registration, places });
    // Before the number is told to be taken: who asks for many numbers learns whose they are.
    await deps.registrations.count(places.address);
    // Most clashes are seen here and cost no hash; the unique index decides the others.
    if (existing) throw new RefusedError(mobileTakenError());
    const made = await createAccount(deps, { registration, roles: ['CUSTOMER'], claim, places });
    if (made.replayed) return signInAgain(deps, { userId: made.userId, registration, places });
    return signedIn(deps, made.session as OpenSession, false);
  }, authRefused);
}

/**
 * Stores an account, and opens its first session where somebody registers from these places. The password is hashed before the transaction begins.
 * Throws RefusedError with MobileTakenError.
 */
export async function createAccount(
  deps: UserDeps,
  account: { registration: Registration; roles: readonly Role[]; claim: Claim; places: Places | null; id?: string },
): Promise<{ userId: string; session: OpenSession | null; replayed: boolean }> {
  const { password, ...profile } = account.registration;
  const { places } = account;
  const turn: Turn =
    places === null
      ? { rank: 'KNOWN', client: 'operators' }
      : { rank: 'REGISTER', client: clientOf(places.address, profile.mobile) };
  const passwordHash = await deps.hasher.hash(password, turn);
  const userId = account.id ?? deps.newId();
  return deps.db.transaction(async (tx) => {
    const { replayed, result } = await claimKey(tx, account.claim, { userId });
    if (replayed) return { userId: result.userId, session: null, replayed };
    await insertAccount(tx, { ...profile, id: userId, roles: account.roles, passwordHash, at: deps.now() });
    const session = places === null ? null : await openSession(tx, deps, { userId, places });
    return { userId, session, replayed };
  });
}

/**
 * Nobody is signed in yet, so the mobile number owns the key. The password stays out of the claim, which keeps a fast
 * hash of its input; a repetition is held against the slow hash of the account instead.
 */
export const claimOf = ({ password: _, ...input }: Registration, key: string | null | undefined): Claim => ({
  ownerId: idFromBytes(createHash('sha256').update(input.mobile).digest().subarray(0, 16)),
  operation: 'register',
  key,
  input,
});

/** The key was used before: the same account, a new session, if the password is still the account's. */
async function signInAgain(
  deps: UserDeps,
  request: { userId: string; registration: Registration; places: Places },
): Promise<AuthPayload> {
  const { mobile, password } = request.registration;
  const { places } = request;
  const credentials = await readCredentials(deps.db.em(), request.userId);
  const fits = await lookAtPassword(deps, { account: mobile, password, credentials, caller: { places } });
  if (!fits || credentials === null) throw new RefusedError(idempotencyConflictError(false));
  return signedIn(deps, await sessionFor(deps, credentials, places), true);
}
