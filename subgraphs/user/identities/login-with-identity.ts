import { RefusedError, conflictError, isDuplicateKey, orRefusals } from '../../shared/errors/errors.ts';
import { lockAccount } from '../administration/account-store.ts';
import { type AuthPayload, authRefused, signedIn } from '../commands/sign-in.ts';
import type { UserDeps } from '../dependencies.ts';
import { checkName, emailTakenError } from '../domain/user.ts';
import { type OpenSession, openSession } from '../sessions.ts';
import type { Places } from '../sign-in-places.ts';
import { countIdentityRequest } from './begin-identity-login.ts';
import type { ShownIdentity } from './identity-proofs.ts';
import { findIdentityOwner, insertAccountOfIdentity, insertIdentity, isEmailTaken } from './identity-store.ts';
import type { ProvedIdentity } from './identity.ts';

/** Of those whose issuer tells no name. */
const namelessName = 'Customer';
/** Two who come with the same identity for the first time: the second finds what the first has made. */
const maxRounds = 3;

/**
 * Signs in by an identity of another system. The first time it makes an account, without a number and a password. An account
 * that has verified the same e-mail address is not taken over: its owner signs in there and links the identity.
 */
export function loginWithIdentity(deps: UserDeps, places: Places, shown: ShownIdentity): Promise<AuthPayload> {
  return orRefusals(async () => {
    await countIdentityRequest(deps, places.address);
    const identity = await deps.identities.prove(shown, null);
    return signedIn(deps, await sessionOf(deps, places, identity), false);
  }, authRefused);
}

async function sessionOf(deps: UserDeps, places: Places, identity: ProvedIdentity): Promise<OpenSession> {
  for (let round = 1; ; round += 1) {
    const owner = await findIdentityOwner(deps.db.em(), identity);
    try {
      if (owner === null) return await register(deps, places, identity);
      const session = await deps.db.transaction(async (tx) => {
        // It may be unlinked meanwhile: under the account's lock it stays as it is.
        await lockAccount(tx, owner);
        const isStill = (await findIdentityOwner(tx, identity)) === owner;
        return isStill ? await openSession(tx, deps, { userId: owner, places }) : null;
      });
      if (session !== null) return session;
      if (round === maxRounds) throw new RefusedError(conflictError('This identity was changed meanwhile; try again.'));
    } catch (error) {
      if (!isDuplicateKey(error) || round === maxRounds) throw error;
    }
  }
}

async function register(deps: UserDeps, places: Places, identity: ProvedIdentity): Promise<OpenSession> {
  const { email, name: given, type, issuer, subject } = identity;
  if (email !== null && (await isEmailTaken(deps.db.em(), email)))
    throw new RefusedError({
      ...emailTakenError([]),
      message: `${email} belongs to an account already: sign in there, then link this identity.`,
    });
  await deps.registrations.count(places.address);
  const name = checkName(given ?? namelessName, []);
  const userId = deps.newId();
  return deps.db.transaction(async (tx) => {
    const at = deps.now();
    await insertAccountOfIdentity(tx, { id: userId, name: name.ok ? name.value : namelessName, email, at });
    await insertIdentity(tx, { type, issuer, subject, userId, linkedAt: at });
    return openSession(tx, deps, { userId, places });
  });
}
