import type * as OpenId from 'openid-client';
import { RefusedError, unavailable } from '../../shared/errors/errors.ts';
import type { Logger } from '../../shared/process/telemetry.ts';
import { checkEmail } from '../domain/email.ts';
import { invalidCredentialsError } from '../domain/user.ts';
import type { OidcIssuer } from './identity-config.ts';
import { type ProvedIdentity, isSubject } from './identity.ts';

/** The secrets of one sign-in, kept by the server from its beginning to its end. */
export type OidcSecrets = { readonly verifier: string; readonly nonce: string };

/** One issuer, as its client. Its metadata are discovered when they are first needed, and read again every hour; older ones serve for a day. */
export type OidcClient = {
  readonly issuer: OidcIssuer;
  /** Where to send the browser. Throws SERVICE_UNAVAILABLE. */
  begin(request: { redirectUri: string; state: string; secrets: OidcSecrets }): Promise<URL>;
  /** Has metadata from now on. Throws SERVICE_UNAVAILABLE. */
  ready(): Promise<void>;
  /**
   * Exchanges the code and checks the ID token. Throws RefusedError with InvalidCredentialsError for a code that is not good
   * and a token that can't be trusted, SERVICE_UNAVAILABLE where the issuer can't be asked.
   *
   * @param callback.iss what the issuer called itself when it sent the browser back (RFC 9207)
   */
  prove(callback: {
    redirectUri: string;
    code: string;
    iss: string | null;
    secrets: OidcSecrets;
  }): Promise<ProvedIdentity>;
};

/** Three requests end within the time that an operation has. */
const timeoutSeconds = 3;
const rediscoverAfterMs = 3_600_000;
const keptForMs = 86_400_000;
/** What tells that the issuer was not there, and not that it refused. */
const outages: ReadonlySet<unknown> = new Set([
  'OAUTH_TIMEOUT', 'OAUTH_ABORT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON',
]); // prettier-ignore

const untrusted = () =>
  new RefusedError(invalidCredentialsError('The sign-in was refused, or it has ended; try again.'));

export function createOidcClient(issuer: OidcIssuer, { log, now }: { log: Logger; now: () => Date }): OidcClient {
  let good: { readonly atMs: number; readonly configuration: OpenId.Configuration } | undefined;
  let asking: Promise<OpenId.Configuration> | undefined;

  async function ask(client: typeof OpenId): Promise<OpenId.Configuration> {
    const atMs = now().getTime();
    try {
      const configuration = await discover(client, issuer);
      good = { atMs, configuration };
      return configuration;
    } finally {
      asking = undefined;
    }
  }

  /** The last good metadata go on until newer ones have come, so that an issuer whose discovery is away loses no sign-in. */
  async function configuration(client: typeof OpenId): Promise<OpenId.Configuration> {
    const ageMs = good === undefined ? Infinity : now().getTime() - good.atMs;
    if (good !== undefined && ageMs <= rediscoverAfterMs) return good.configuration;
    if (good !== undefined && ageMs <= keptForMs) {
      if (asking === undefined) {
        asking = ask(client);
        asking.catch((error: unknown) => void outage(error));
      }
      return good.configuration;
    }
    asking ??= ask(client);
    return asking;
  }

  /** It can't be asked, or does not know us: nothing that the person can help. */
  function outage(error: unknown): Error {
    const { code, error: reason } = error as { code?: unknown; error?: unknown };
    log.error(
      { issuer: issuer.issuer, code, reason, err: (error as Error).message },
      'an identity issuer can’t be asked',
    );
    return unavailable(`${issuer.name} does not answer as it should; try again in a moment.`);
  }

  async function configured(client: typeof OpenId): Promise<OpenId.Configuration> {
    try {
      return await configuration(client);
    } catch (error) {
      throw outage(error);
    }
  }

  /** Why a code brought no token that can be trusted, in our words; the log has the issuer's. */
  function refusal(error: unknown): Error {
    const { code, error: reason, status } = error as { code?: unknown; error?: unknown; status?: number };
    if (reason === 'invalid_grant') return untrusted();
    // What fetch throws has no code of the library's; a body with another reason says that we are not the client it knows.
    const isFetch = error instanceof TypeError && code === undefined;
    if (reason !== undefined || outages.has(code) || isFetch || (status ?? 0) >= 500) return outage(error);
    log.warn(
      { issuer: issuer.issuer, code, err: (error as Error).message },
      'an identity was refused: its proof can’t be trusted',
    );
    return untrusted();
  }

  return {
    issuer,
    async ready() {
      await configured(await import('openid-client'));
    },
    async begin({ redirectUri, state, secrets }) {
      const client = await import('openid-client');
      const config = await configured(client);
      return client.buildAuthorizationUrl(config, {
        response_type: 'code',
        redirect_uri: redirectUri,
        scope: issuer.scopes.join(' '),
        state,
        nonce: secrets.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(secrets.verifier),
        code_challenge_method: 'S256',
      });
    },
    async prove({ redirectUri, code, iss, secrets }) {
      const client = await import('openid-client');
      const callback = new URL(redirectUri);
      callback.searchParams.set('code', code);
      if (iss !== null) callback.searchParams.set('iss', iss);
      const config = await configured(client);
      let claims: OpenId.IDToken | undefined;
      try {
        const tokens = await client.authorizationCodeGrant(config, callback, {
          pkceCodeVerifier: secrets.verifier,
          expectedNonce: secrets.nonce,
          idTokenExpected: true,
        });
        claims = tokens.claims();
      } catch (error) {
        throw refusal(error);
      }
      // The library compares `azp` where there are several audiences; one that names another client is not for us at all.
      if (!claims || (claims.azp !== undefined && claims.azp !== issuer.clientId) || !isSubject(claims.sub)) {
        log.warn(
          { issuer: issuer.issuer, azp: claims?.azp },
          'an identity was refused: its token is not for this client',
        );
        throw untrusted();
      }
      return { type: 'OIDC', issuer: issuer.issuer, subject: claims.sub, ...personOf(claims) };
    },
  };
}

async function discover(client: typeof OpenId, issuer: OidcIssuer): Promise<OpenId.Configuration> {
  const isPlain = new URL(issuer.issuer).protocol === 'http:';
  const execute = isPlain ? [client.allowInsecureRequests] : [];
  const found = await client.discovery(new URL(issuer.issuer), issuer.clientId, undefined, undefined, {
    timeout: timeoutSeconds,
    execute,
  });
  const metadata = found.serverMetadata();
  const { clientSecret } = issuer;
  // OIDC Core 9: without a word about it, an issuer takes the secret by HTTP Basic.
  const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const authentication =
    clientSecret === null
      ? client.None()
      : methods.includes('client_secret_basic')
        ? client.ClientSecretBasic(clientSecret)
        : client.ClientSecretPost(clientSecret);
  const config = new client.Configuration(metadata, issuer.clientId, {}, authentication);
  config.timeout = timeoutSeconds;
  if (isPlain) client.allowInsecureRequests(config);
  // Without it the signature of a token that came over TLS from the issuer itself is not looked at.
  client.enableNonRepudiationChecks(config);
  return config;
}

const nameClaims = ['name', 'nickname', 'preferred_username', 'given_name'] as const;

/** What an ID token says of the person, where it has a form of ours. */
function personOf(claims: OpenId.IDToken): { name: string | null; email: string | null } {
  const texts = nameClaims.map((claim) => claims[claim]).filter((value) => typeof value === 'string');
  const email =
    claims['email_verified'] === true && typeof claims['email'] === 'string' ? checkEmail(claims['email'], []) : null;
  return { name: texts.find((text) => text.trim() !== '') ?? null, email: email?.ok ? email.value : null };
}
