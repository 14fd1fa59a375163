import { useSyncExternalStore } from 'react';
import {
  LoginDocument,
  LoginWithIdentityDocument,
  type LoginMutation,
  LogoutDocument,
  RefreshTokensDocument,
  RegisterDocument,
  type RegisterMutation,
  type RegisterMutationVariables,
  RequestPasswordResetDocument,
  ResetPasswordDocument,
  type ResetPasswordMutationVariables,
  type LoginWithIdentityMutation,
  type LoginWithIdentityMutationVariables,
  type ResetPasswordMutation,
} from '../../../schema/generated/operations.ts';
import { anonymousClient, dataOf, serverNow } from './api.ts';
import { durationText } from './format.ts';
import { t } from './language/catalogue.ts';
import { refusalText } from './language/refusals.ts';

export type AuthPayload =
  | LoginMutation['login']
  | RegisterMutation['register']
  | ResetPasswordMutation['resetPassword']
  | LoginWithIdentityMutation['loginWithIdentity'];
export type SignedInUser = NonNullable<AuthPayload['user']>;
type Tokens = Omit<NonNullable<AuthPayload['tokens']>, 'deviceToken'>;
/** Who is signed in, in all tabs of this browser. */
export type Session = { readonly user: SignedInUser; readonly refreshToken: string };
type Access = { readonly userId: string; readonly token: string; readonly expiresAt: string };

const sessionKey = 'session';
/** Stays when the session ends: by it the shop knows this device, so that others' wrong passwords don't lock it out. */
const deviceKey = 'device-token';
const handOverKey = 'access-token';
/** A token that ends this soon is renewed before it is used. */
const renewBeforeMs = 20_000;

const listeners = new Set<() => void>();
let current: Session | null = readStored<Session>(() => localStorage.getItem(sessionKey));
/** The access token lives in this page's memory only. */
let access: Access | null = takeHandedOver();
let renewing: Promise<string | null> | undefined;
/** The server has ended the session, and nobody has signed in since. */
let wasEnded = false;

function readStored<T>(read: () => string | null): T | null {
  try {
    return JSON.parse(read() ?? 'null') as T | null;
  } catch {
    // Storage is switched off, or holds what is not ours.
    return null;
  }
}

/**
 * The access token that the page before left for this one, in this tab, while the browser changed pages. A refresh token
 * works once: were each load to spend one, a load that is broken off would lose the answer and with it the session.
 */
function takeHandedOver(): Access | null {
  const left = readStored<Access>(() => sessionStorage.getItem(handOverKey));
  attempt(() => sessionStorage.removeItem(handOverKey));
  return left?.userId === current?.user.id ? left : null;
}

/** Storage that is switched off makes the session live as long as the page. */
function attempt(write: () => void): void {
  try {
    write();
  } catch {
    return;
  }
}

window.addEventListener('pagehide', () => {
  if (access !== null) attempt(() => sessionStorage.setItem(handOverKey, JSON.stringify(access)));
});
window.addEventListener('pageshow', () => attempt(() => sessionStorage.removeItem(handOverKey)));

// Another tab signed in, renewed, or signed out.
window.addEventListener('storage', (event) => {
  if (event.key !== sessionKey && event.key !== null) return;
  const other = readStored<Session>(() => localStorage.getItem(sessionKey));
  if (other?.user.id !== current?.user.id) access = null;
  current = other;
  for (const listener of listeners) listener();
});

function store(session: Session | null): void {
  current = session;
  if (session === null) access = null;
  attempt(() => {
    if (session === null) localStorage.removeItem(sessionKey);
    else localStorage.setItem(sessionKey, JSON.stringify(session));
  });
  for (const listener of listeners) listener();
}

export const currentSession = (): Session | null => current;

/** The access token as it is, for showing it. */
const currentAccessToken = (): string | null => access?.token ?? null;

/** Hears of each sign-in, sign-out and renewal, in any tab. */
export const onSession = (listener: () => void) => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};
export const useSession = (): Session | null => useSyncExternalStore(onSession, currentSession);
export const useAccessToken = (): string | null => useSyncExternalStore(onSession, currentAccessToken);

/** Takes over the tokens of an answer to login, register or refreshTokens. */
export function adoptSession({ user, tokens }: { user: AuthPayload['user']; tokens: Tokens | null }): boolean {
  const who = user ?? current?.user;
  if (!tokens?.accessToken || !tokens.refreshToken || !who) return false;
  access = { userId: who.id, token: tokens.accessToken, expiresAt: tokens.accessExpiresAt };
  wasEnded = false;
  store({ user: who, refreshToken: tokens.refreshToken });
  return true;
}

/** The signed-in user has another name, or language, from now on. */
export function adoptProfile(changed: Partial<Pick<SignedInUser, 'name' | 'locale'>>): void {
  if (current !== null) store({ ...current, user: { ...current.user, ...changed } });
}

const deviceToken = (): string | null => readStored<string>(() => localStorage.getItem(deviceKey));

/** Null, or the sentence that says why not. */
function outcomeOf(payload: AuthPayload): string | null {
  const [refusal] = payload.userErrors;
  const device = payload.tokens?.deviceToken;
  if (device) attempt(() => localStorage.setItem(deviceKey, JSON.stringify(device)));
  if (refusal === undefined) return adoptSession(payload) ? null : t().signIn.noTokens;
  const waitSeconds = 'retryAfterSeconds' in refusal ? refusal.retryAfterSeconds : null;
  const text = refusalText(refusal);
  return waitSeconds ? t().signIn.tryIn(text, durationText(waitSeconds)) : text;
}

/** Signs in; returns null, or the sentence that says why not. Throws ApiError when the server can't be asked. */
export async function signIn(credentials: { mobile: string; password: string }): Promise<string | null> {
  return outcomeOf(
    dataOf(await anonymousClient.mutation(LoginDocument, { ...credentials, deviceToken: deviceToken() }).toPromise())
      .login,
  );
}

/** Makes an account and signs it in; returns and throws as `signIn`. */
export async function register(input: RegisterMutationVariables['input']): Promise<string | null> {
  return outcomeOf(
    dataOf(await anonymousClient.mutation(RegisterDocument, { input, deviceToken: deviceToken() }).toPromise())
      .register,
  );
}

/** Has a code sent to the account of this number, if there is one. Throws ApiError. */
export async function requestPasswordReset(mobile: string): Promise<void> {
  dataOf(await anonymousClient.mutation(RequestPasswordResetDocument, { mobile }).toPromise());
}

/** Sets a new password by a code and signs in; returns and throws as `signIn`. */
export async function resetPassword(
  shown: Omit<ResetPasswordMutationVariables, 'deviceToken'>,
): Promise<string | null> {
  const variables = { ...shown, deviceToken: deviceToken() };
  return outcomeOf(dataOf(await anonymousClient.mutation(ResetPasswordDocument, variables).toPromise()).resetPassword);
}

/** Signs in by what an OpenID provider sent back; returns and throws as `signIn`. */
export async function signInWithIdentity(
  shown: Pick<LoginWithIdentityMutationVariables, 'code' | 'proof' | 'callbackIssuer'>,
): Promise<string | null> {
  const variables = { type: 'OIDC', ...shown, deviceToken: deviceToken() } as const;
  return outcomeOf(
    dataOf(await anonymousClient.mutation(LoginWithIdentityDocument, variables).toPromise()).loginWithIdentity,
  );
}

/**
 * Ends the session here, and on the server as well as it can. A tab that has not had a token of its own yet gets one first: without
 * it the session would go on, and a renewal under way would bring it back.
 */
export function signOut(): void {
  void (async () => {
    const token = await freshToken().catch(() => null);
    store(null);
    if (token === null) return;
    const fetchOptions = { headers: { authorization: `Bearer ${token}` } };
    // A lost answer leaves a session that ends by itself: nobody has its tokens any more.
    await anonymousClient.mutation(LogoutDocument, {}, { fetchOptions }).toPromise();
  })();
}

/** The server has refused the session: it is over here too. */
export function endSession(): void {
  if (current === null) return;
  wasEnded = true;
  store(null);
}

/** Whether it was the server that has ended the session, which nobody expects. */
export const useSessionEnded = (): boolean => useSyncExternalStore(onSession, () => wasEnded && current === null);

/** An access token that is good for a while, renewed when needed; null when nobody is signed in any more. */
export async function freshToken(): Promise<string | null> {
  if (current === null) return null;
  if (access !== null && Date.parse(access.expiresAt) - serverNow() > renewBeforeMs) return access.token;
  renewing ??= oneTabAtATime(renew).finally(() => {
    renewing = undefined;
  });
  return renewing;
}

/** Tabs share the refresh token and each works once. Where the browser has no locks (plain http), tabs may collide. */
const oneTabAtATime = (work: () => Promise<string | null>): Promise<string | null> =>
  'locks' in navigator ? navigator.locks.request(sessionKey, work) : work();

async function renew(): Promise<string | null> {
  // Another tab may have renewed it while this one waited.
  current = readStored<Session>(() => localStorage.getItem(sessionKey)) ?? current;
  if (current === null) return null;
  const { refreshToken } = current;
  const answer = await anonymousClient.mutation(RefreshTokensDocument, { refreshToken }).toPromise();
  if (!adoptSession(dataOf(answer).refreshTokens)) endSession();
  return currentAccessToken();
}
