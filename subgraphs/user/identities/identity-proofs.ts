import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Refusal, RefusedError, notFoundError, validationError } from '../../shared/errors/errors.ts';
import type { Logger } from '../../shared/process/telemetry.ts';
import type { Redis } from '../../shared/process/redis.ts';
import { invalidCredentialsError } from '../domain/user.ts';
import type { IdentityConfig } from './identity-config.ts';
import type { ForeignType, ProvedIdentity } from './identity.ts';
import { createOidcClient } from './oidc.ts';
import { createWechatClient } from './wechat.ts';

/** What a client shows of an identity; `callbackIssuer` is the callback's `iss`. */
export type ShownIdentity = {
  readonly type: ForeignType | 'MOBILE';
  readonly code: string;
  readonly proof?: string | null;
  readonly callbackIssuer?: string | null;
};

/** A sign-in at an issuer that has begun. */
export type IdentityLogin = {
  readonly authorizationUrl: string;
  readonly state: string;
  readonly proof: string;
  readonly expiresAt: Date;
};

/** A system whose identities are accepted. */
export type IdentityIssuer = { readonly type: ForeignType; readonly issuer: string; readonly name: string };

/** How identities of others are proved. */
export type IdentityProofs = {
  readonly issuers: readonly IdentityIssuer[];
  /** @param userId who links an identity; null for somebody who signs in */
  begin(request: { issuer: string; redirectUri: string; userId: string | null }): Promise<IdentityLogin>;
  /** Throws RefusedError for what proves nothing, SERVICE_UNAVAILABLE where the issuer can't be asked. */
  prove(shown: ShownIdentity, userId: string | null): Promise<ProvedIdentity>;
};

export const loginMinutes = 10;
const secretBytes = 32;
const maxCodeLength = 2_048;

/** What the server keeps of a sign-in that has begun, under the hash of its proof. */
const begun = z.object({
  issuer: z.string(),
  redirectUri: z.string(),
  verifier: z.string(),
  nonce: z.string(),
  userId: z.string().nullable(),
});

const keyOf = (proof: string): string => `auth:identity-logins:${createHash('sha256').update(proof).digest('hex')}`;

const refuse = (refusal: Refusal): never => {
  throw new RefusedError(refusal);
};
const ended = () => invalidCredentialsError('This sign-in has ended; begin again.');

/**
 * The server keeps verifier and nonce of a sign-in, and gives the browser a secret that stands for them, once. So a client can't
 * weaken them, and a code that somebody else got, or planted, fits to no sign-in of this browser.
 */
export function createIdentityProofs(
  config: IdentityConfig,
  parts: { redis: Redis; log: Logger; now: () => Date; randomBytes: (size: number) => Buffer },
): IdentityProofs {
  const { redis, now } = parts;
  const oidc = new Map(config.issuers.map((each) => [each.issuer, createOidcClient(each, parts)]));
  const wechat = config.wechat && createWechatClient(config.wechat, parts);
  const secret = () => parts.randomBytes(secretBytes).toString('base64url');

  async function proveOidc({ code, proof, callbackIssuer }: ShownIdentity, userId: string | null) {
    if (oidc.size === 0) return refuse(notFoundError('Nobody signs in by OIDC here.'));
    if (!proof) return refuse(validationError('OIDC needs the `proof` of `beginIdentityLogin`.', ['proof']));
    const key = keyOf(proof);
    const waiting = await redis.get(key);
    // An issuer whose metadata can't be had costs nobody the sign-in.
    if (waiting !== null) await oidc.get(begun.parse(JSON.parse(waiting)).issuer)?.ready();
    // It is used up whatever comes of it: a second code would be a guess.
    const kept = await redis.getDel(key);
    const login = kept === null ? undefined : begun.parse(JSON.parse(kept));
    const client = login && oidc.get(login.issuer);
    if (!login || !client || login.userId !== userId) return refuse(ended());
    const { redirectUri, ...secrets } = login;
    return client.prove({ redirectUri, code, iss: callbackIssuer ?? null, secrets });
  }

  return {
    issuers: [
      ...config.issuers.map(({ issuer, name }) => ({ type: 'OIDC' as const, issuer, name })),
      ...(wechat ? [{ type: 'WX_MINI' as const, issuer: wechat.appId, name: 'WeChat' }] : []),
    ],
    async begin({ issuer, redirectUri, userId }) {
      const client = oidc.get(issuer);
      if (!client) return refuse(notFoundError('Nobody signs in by this issuer here.', issuer, ['issuer']));
      if (!client.issuer.redirectUris.includes(redirectUri))
        return refuse(
          validationError('This page is not one that the issuer may send people back to.', ['redirectUri']),
        );
      const [proof, state, verifier, nonce] = [secret(), secret(), secret(), secret()];
      const authorizationUrl = (await client.begin({ redirectUri, state, secrets: { verifier, nonce } })).href;
      const expiresAt = new Date(now().getTime() + loginMinutes * 60_000);
      const kept = JSON.stringify({ issuer, redirectUri, verifier, nonce, userId });
      await redis.set(keyOf(proof), kept, { expiration: { type: 'PX', value: loginMinutes * 60_000 } });
      return { authorizationUrl, state, proof, expiresAt };
    },
    async prove(shown, userId) {
      const { type, code } = shown;
      if (code.length === 0 || code.length > maxCodeLength)
        return refuse(validationError(`A code has 1 to ${maxCodeLength} characters.`, ['code']));
      if (type === 'OIDC') return proveOidc(shown, userId);
      if (type === 'MOBILE')
        return refuse(validationError('A mobile number signs in by `login`, with its password.', ['type']));
      return wechat ? wechat.prove(code) : refuse(notFoundError('Nobody signs in by WeChat here.'));
    },
  };
}
