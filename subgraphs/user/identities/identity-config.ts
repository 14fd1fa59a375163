import { z } from 'zod';
import { ConfigError, type Env, readEnv, url } from '../../shared/process/env.ts';

/** An OpenID provider at which people may sign in. */
export type OidcIssuer = {
  readonly issuer: string;
  /** What its button says. */
  readonly name: string;
  readonly clientId: string;
  /** Null for a client that has none (public, by PKCE alone). */
  readonly clientSecret: string | null;
  readonly scopes: readonly string[];
  /** Where the issuer may send people back to. */
  readonly redirectUris: readonly string[];
};

export type WechatConfig = { readonly apiBase: string; readonly appId: string; readonly appSecret: string };

export type IdentityConfig = {
  readonly issuers: readonly OidcIssuer[];
  /** Null: nobody signs in by WeChat. */
  readonly wechat: WechatConfig | null;
};

const maxIssuers = 10;
/** The storefront's page for those who come back. */
export const callbackPath = '/sign-in/callback';

/** Plain HTTP is for one's own machine: codes and secrets travel there. */
const isSafe = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, hash } = new URL(text);
  const isOwn = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  return (protocol === 'https:' || (protocol === 'http:' && isOwn)) && username === '' && hash === '';
};
const mustBeSafe = 'must be an https URL (http is for this machine alone)';
const safeUrl = z.string().max(255).refine(isSafe, { error: mustBeSafe });

/** Compared as text, by us and by the issuer; a query would be lost when the callback's is read. */
const isCanonical = (text: string): boolean =>
  !URL.canParse(text) || (new URL(text).href === text && !text.includes('?'));
const redirectUri = safeUrl.refine(isCanonical, { error: 'must be written as browsers write it, without a query' });

const issuers = z
  .array(
    z.strictObject({
      issuer: safeUrl,
      name: z.string().trim().min(1).max(64).optional(),
      clientId: z.string().min(1).max(255),
      clientSecret: z.string().min(1).optional(),
      scopes: z.array(z.string().regex(/^[\x21-\x7e]+$/)).default(['openid', 'profile', 'email']),
      redirectUris: z.array(redirectUri).min(1).optional(),
    }),
  )
  .max(maxIssuers)
  .refine((list) => new Set(list.map(({ issuer }) => issuer)).size === list.length, {
    error: 'an issuer is there twice',
  });

/** Throws ConfigError naming the variable and the mend, without what may be a secret. */
export function readIdentityConfig(env: Env, { publicUrl }: { publicUrl: string }): IdentityConfig {
  const given = readEnv(env, {
    OIDC_ISSUERS: z.string().optional(),
    WX_API_BASE: url('http', 'https')
      .refine((text) => env['NODE_ENV'] !== 'production' || isSafe(text), { error: mustBeSafe })
      .default('https://api.weixin.qq.com'),
    WX_APP_ID: z.string().max(255).optional(),
    WX_APP_SECRET: z.string().optional(),
  });
  const { WX_APP_ID: appId, WX_APP_SECRET: appSecret, WX_API_BASE: apiBase } = given;
  // WeChat Pay needs the app's id alone.
  if (appSecret !== undefined && appId === undefined)
    throw new ConfigError('WX_APP_ID: is not set — the mini program that WX_APP_SECRET belongs to.');
  return {
    issuers: given.OIDC_ISSUERS === undefined ? [] : parseIssuers(given.OIDC_ISSUERS, publicUrl),
    wechat:
      appId === undefined || appSecret === undefined ? null : { apiBase: apiBase.replace(/\/$/, ''), appId, appSecret },
  };
}

function parseIssuers(text: string, publicUrl: string): OidcIssuer[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ConfigError('OIDC_ISSUERS: is not JSON; docs/identities.md has an example.');
  }
  const result = issuers.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new ConfigError(
      `OIDC_ISSUERS: ${issue?.path.join('.')} ${issue?.message}; docs/identities.md has an example.`,
    );
  }
  return result.data.map((each) => ({
    issuer: each.issuer,
    name: each.name ?? new URL(each.issuer).hostname,
    clientId: each.clientId,
    clientSecret: each.clientSecret ?? null,
    // Without it there is no ID token.
    scopes: [...new Set(['openid', ...each.scopes])],
    redirectUris: each.redirectUris ?? [`${publicUrl}${callbackPath}`],
  }));
}
