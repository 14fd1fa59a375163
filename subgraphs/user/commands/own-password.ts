import type { UserViewer } from '../../shared/auth/viewer.ts';
import { RefusedError } from '../../shared/errors/errors.ts';
import type { UserDeps } from '../dependencies.ts';
import { invalidCredentialsError } from '../domain/user.ts';
import { readSessionBegin } from '../session-store.ts';
import { type Credentials, readCredentials } from '../store.ts';
import { lookAtPassword } from './sign-in.ts';

/** A password that comes with a change of how one signs in. */
export type ShownPassword = { readonly password?: string | null; readonly clientAddress: string | undefined };

/** For this long after a sign-in its session may change how the user signs in, without the password again. */
export const freshMinutes = 10;

/** Asks for the viewer's password where the account has one: an open session alone may be in the wrong hands. */
export async function requirePassword(deps: UserDeps, viewer: UserViewer, shown: ShownPassword): Promise<void> {
  const credentials = await readCredentials(deps.db.em(), viewer.userId);
  if (credentials !== null) await look(deps, viewer, credentials, shown);
}

/** As `requirePassword`; a session that a sign-in has just opened needs none. */
export async function requireRecentSignIn(deps: UserDeps, viewer: UserViewer, shown: ShownPassword): Promise<void> {
  const credentials = await readCredentials(deps.db.em(), viewer.userId);
  if (credentials === null) return;
  const isShown = shown.password !== null && shown.password !== undefined;
  if (!isShown) {
    const begin = await readSessionBegin(deps.db.em(), { id: viewer.sessionId, userId: viewer.userId });
    if (begin !== null && deps.now().getTime() - begin.getTime() <= freshMinutes * 60_000) return;
  }
  await look(deps, viewer, credentials, shown);
}

async function look(
  deps: UserDeps,
  { userId, sessionId }: UserViewer,
  credentials: Credentials,
  { password, clientAddress }: ShownPassword,
): Promise<void> {
  const places = { address: clientAddress, deviceToken: null, client: null };
  const fits =
    password !== null &&
    password !== undefined &&
    (await lookAtPassword(deps, {
      account: credentials.mobile ?? userId,
      password,
      credentials,
      caller: { places, sessionId },
    }));
  if (!fits) throw new RefusedError({ ...invalidCredentialsError('The password is wrong.'), path: ['password'] });
}
