import type { Client } from 'urql';
import { BeginIdentityLoginDocument, IdentityIssuersDocument } from '../../../../schema/generated/operations.ts';
import { anonymousClient, dataOf } from '../api.ts';
import { perform } from '../client.ts';
import { t } from '../language/catalogue.ts';
import { firstRefusal } from '../language/refusals.ts';

/** Where issuers send people back to. The server knows it, too (subgraphs/user/identities/identity-config.ts). */
export const callbackPath = '/sign-in/callback';

export type Issuer = { readonly issuer: string; readonly name: string };
/** A sign-in at an issuer that this tab has begun, and where it was. `linking`: for an account that is signed in. */
type Begun = { readonly state: string; readonly proof: string; readonly returnTo: string; readonly linking: boolean };

const begunKey = 'identity-login';

/** The OpenID providers at which people may sign in. Throws ApiError. */
export async function findIssuers(): Promise<Issuer[]> {
  const { identityIssuers } = dataOf(await anonymousClient.query(IdentityIssuersDocument, {}).toPromise());
  return identityIssuers.filter(({ type }) => type === 'OIDC');
}

/**
 * Sends the browser to the issuer; returns the sentence that says why not, or nothing as the page ends. `client`: that of
 * the account to which the issuer's identity is to be linked; nobody's, to sign in. Throws ApiError.
 */
export async function beginAt(issuer: string, client: Client | null = null): Promise<string | null> {
  const variables = { issuer, redirectUri: `${location.origin}${callbackPath}` };
  const { beginIdentityLogin } =
    client === null
      ? dataOf(await anonymousClient.mutation(BeginIdentityLoginDocument, variables).toPromise())
      : await perform(client, BeginIdentityLoginDocument, variables);
  const { identityLogin, userErrors } = beginIdentityLogin;
  if (!identityLogin) return firstRefusal(userErrors) ?? t().signIn.cantBegin;
  const { state, proof, authorizationUrl } = identityLogin;
  const begun: Begun = { state, proof, returnTo: `${location.pathname}${location.search}`, linking: client !== null };
  try {
    sessionStorage.setItem(begunKey, JSON.stringify(begun));
  } catch {
    return t().signIn.noStorage;
  }
  location.assign(authorizationUrl);
  return null;
}

/** What this tab has begun, once; null for nothing, and where storage is switched off. */
function takeBegun(): Begun | null {
  try {
    const begun = JSON.parse(sessionStorage.getItem(begunKey) ?? 'null') as Begun | null;
    sessionStorage.removeItem(begunKey);
    return begun;
  } catch {
    return null;
  }
}

/** What an issuer has sent, as the API takes it. */
export type Shown = { readonly code: string; readonly proof: string; readonly callbackIssuer: string | null };
/** What this tab has begun and an issuer has answered, or why there is nothing to go on with. */
export type Answered =
  | { readonly returnTo: string; readonly problem: string }
  | { readonly returnTo: string; readonly problem: null; readonly shown: Shown; readonly linking: boolean };

/** The answer to what this tab has begun, once. */
export function takeAnswer(callback: URLSearchParams): Answered {
  const begun = takeBegun();
  const returnTo = begun?.returnTo ?? '/';
  const code = callback.get('code');
  if (callback.has('error')) return { returnTo, problem: t().signIn.notCompleted };
  // Another state: this tab has not asked for what it was sent.
  if (begun === null || code === null || callback.get('state') !== begun.state)
    return { returnTo, problem: t().signIn.elsewhere };
  const shown = { code, proof: begun.proof, callbackIssuer: callback.get('iss') };
  return { returnTo, problem: null, shown, linking: begun.linking };
}
