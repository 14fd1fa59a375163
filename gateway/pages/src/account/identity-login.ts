import { BeginIdentityLoginDocument, IdentityIssuersDocument } from '../../../../schema/generated/operations.ts';
import { anonymousClient, dataOf } from '../api.ts';
import { signInWithIdentity } from '../session.ts';
import { t } from '../language/catalogue.ts';
import { firstRefusal } from '../language/refusals.ts';

/** Where issuers send people back to. The server knows it, too (subgraphs/user/identities/identity-config.ts). */
export const callbackPath = '/sign-in/callback';

export type Issuer = { readonly issuer: string; readonly name: string };
/** A sign-in at an issuer that this tab has begun, and where it was. */
type Begun = { readonly state: string; readonly proof: string; readonly returnTo: string };

const begunKey = 'identity-login';

/** The OpenID providers at which people may sign in. Throws ApiError. */
export async function findIssuers(): Promise<Issuer[]> {
  const { identityIssuers } = dataOf(await anonymousClient.query(IdentityIssuersDocument, {}).toPromise());
  return identityIssuers.filter(({ type }) => type === 'OIDC');
}

/** Sends the browser to the issuer; returns the sentence that says why not, or nothing as the page ends. Throws ApiError. */
export async function beginAt(issuer: string): Promise<string | null> {
  const redirectUri = `${location.origin}${callbackPath}`;
  const { beginIdentityLogin } = dataOf(
    await anonymousClient.mutation(BeginIdentityLoginDocument, { issuer, redirectUri }).toPromise(),
  );
  const { identityLogin, userErrors } = beginIdentityLogin;
  if (!identityLogin) return firstRefusal(userErrors) ?? t().signIn.cantBegin;
  const { state, proof, authorizationUrl } = identityLogin;
  const begun: Begun = { state, proof, returnTo: `${location.pathname}${location.search}` };
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

/** What came of a sign-in at an issuer: where to go on, or why there is none. */
export type Outcome = { readonly returnTo: string; readonly problem: string | null };

/** Ends the sign-in that this tab has begun, by what the issuer sent back. Throws ApiError. */
export async function endLogin(callback: URLSearchParams): Promise<Outcome> {
  const begun = takeBegun();
  const returnTo = begun?.returnTo ?? '/';
  const code = callback.get('code');
  if (callback.has('error')) return { returnTo, problem: t().signIn.notCompleted };
  // Another state: this tab has not asked for what it was sent.
  if (begun === null || code === null || callback.get('state') !== begun.state)
    return { returnTo, problem: t().signIn.elsewhere };
  const problem = await signInWithIdentity({ code, proof: begun.proof, callbackIssuer: callback.get('iss') });
  return { returnTo, problem };
}
