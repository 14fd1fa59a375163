import { useSyncExternalStore } from 'react';
import { ApiError, request, serverNow } from './api.ts';
import * as operations from './operations.ts';
import type { AuthPayload, SignedInUser, Tokens } from './types.ts';

/** Who is signed in, in this tab only: sessionStorage goes with the tab. */
export type Session = { readonly user: SignedInUser; readonly tokens: Tokens };

const storageKey = 'session';
/** A token that ends this soon is renewed before it is used. */
const renewBeforeMs = 20_000;

const listeners = new Set<() => void>();
let current: Session | null = read();
let renewing: Promise<string | null> | undefined;

function read(): Session | null {
  try {
    const stored = JSON.parse(sessionStorage.getItem(storageKey) ?? 'null') as Session | null;
    return stored?.tokens?.accessToken ? stored : null;
  } catch {
    return null;
  }
}

function store(session: Session | null): void {
  current = session;
  try {
    if (session === null) sessionStorage.removeItem(storageKey);
    else sessionStorage.setItem(storageKey, JSON.stringify(session));
  } catch {
    // Storage is switched off: the session lives as long as the page.
  }
  for (const listener of listeners) listener();
}

export const currentSession = (): Session | null => current;

export const useSession = (): Session | null =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, currentSession);

/** Takes over the tokens of an answer to login, register or refreshTokens. */
export function adoptSession(payload: AuthPayload): boolean {
  if (!payload.tokens?.accessToken || !payload.tokens.refreshToken) return false;
  const user = payload.user ?? current?.user;
  if (!user) return false;
  store({ user, tokens: payload.tokens });
  return true;
}

/** Signs in; returns null, or the sentence that says why not. Throws ApiError when the server can't be asked. */
export async function signIn(credentials: { mobile: string; password: string }): Promise<string | null> {
  const { login } = await request(operations.login, credentials);
  const [refusal] = login.userErrors;
  if (refusal !== undefined) {
    return refusal.retryAfterSeconds
      ? `${refusal.message} Try again in ${refusal.retryAfterSeconds} seconds.`
      : refusal.message;
  }
  return adoptSession(login) ? null : 'The answer had no tokens. Try again.';
}

/** Ends the session here at once, and on the server as well as it can. */
export function signOut(): void {
  const token = current?.tokens.accessToken;
  store(null);
  // A lost answer leaves a session that ends by itself: nobody has its tokens any more.
  if (token !== undefined) request(operations.logout, {}, token).catch(() => undefined);
}

/** An access token that is good for a while, renewed when needed; null when nobody is signed in any more. */
export async function freshToken(): Promise<string | null> {
  if (current === null) return null;
  if (Date.parse(current.tokens.accessExpiresAt) - serverNow() > renewBeforeMs) return current.tokens.accessToken;
  renewing ??= renew(current.tokens.refreshToken).finally(() => {
    renewing = undefined;
  });
  return renewing;
}

async function renew(refreshToken: string): Promise<string | null> {
  const { refreshTokens } = await request(operations.refreshTokens, { refreshToken });
  if (!adoptSession(refreshTokens)) store(null);
  return current?.tokens.accessToken ?? null;
}

/** Runs an operation as the signed-in user. A token that is refused ends the session here. */
export async function requestAsUser<Data, Variables>(
  operation: operations.Operation<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const token = await freshToken();
  if (token === null) throw new ApiError('UNAUTHENTICATED', 'Please sign in.');
  try {
    return await request(operation, variables, token);
  } catch (error) {
    if (error instanceof ApiError && error.code === 'UNAUTHENTICATED') store(null);
    throw error;
  }
}
