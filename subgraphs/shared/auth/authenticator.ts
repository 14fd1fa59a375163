import { timingSafeEqual } from 'node:crypto';
import { unauthorisedCaller, unavailable } from '../errors/errors.ts';
import type { Redis } from '../process/redis.ts';
import { inTime } from '../time/in-time.ts';
import { type Headers, callerHeaders, header } from './caller-headers.ts';
import { rpcAuthKey, rpcUsedKey, tokenHash } from './grants.ts';
import { identityReader } from './identity.ts';
import { type Viewer, anonymous } from './viewer.ts';

export type Authenticator = (headers: Headers) => Promise<{ viewer: Viewer; app: string }>;

const grantCacheMs = 5_000;
/** A Redis that is there and hangs would hold every call until its caller gives up. */
const grantReadTimeoutMs = 2_000;

/** While a grant stands by itself, Redis is not waited for any longer than this. */
const standingReadTimeoutMs = 500;

type GrantOptions = {
  service: string;
  redis: Redis;
  strict: boolean;
  now: () => Date;
  reseed: () => Promise<void>;
  standing?: StandingApps;
};
type KnownGrant = { readonly hash: string; readonly strict: boolean; readonly atMs: number };

/** The platform's own apps, as SERVICE_TOKENS names them, and for how long Redis's last word on them stands while it is away. */
export type StandingApps = { readonly tokens: ReadonlyMap<string, string>; readonly graceMs: number };

/**
 * Who calls a subgraph, from its headers. The app and token must be in `rpc:auth:<service>`; a grant is remembered for
 * 5 s, so a revoked one dies within that. `reseed` puts the configured grants back when Redis has lost them. When Redis can't answer, a strict service refuses (503) a strict grant;
 * a relaxed service, or a relaxed grant, is trusted as it was last known. So is, for `standing.graceMs`, the grant of one of
 * the platform's own apps that Redis has confirmed and whose token this process knows from its own configuration.
 * Only the gateway may show a user's identity; other apps are services.
 *
 * `refresh` reads all grants, so that the grace of own apps does not depend on when each of them called last.
 */
export function authenticator(
  options: GrantOptions & { identitySecret: string },
): Authenticator & { refresh(): Promise<void> } {
  const viewerOf = identityReader(options);
  const grants = openGrants(options);

  const authenticate: Authenticator = async (headers) => {
    const app = header(headers, callerHeaders.app);
    const token = header(headers, callerHeaders.token);
    if (!app || !token)
      throw unauthorisedCaller(`${options.service} answers only callers that show an app and a token.`);
    await grants.check(app, token);
    const identity = header(headers, callerHeaders.identity);
    if (app !== 'gateway') return { app, viewer: { kind: 'service', app } };
    return { app, viewer: identity ? await viewerOf(identity) : anonymous };
  };
  return Object.assign(authenticate, { refresh: grants.refresh });
}

/** The grants of one callee: `check` throws for an app and token that it does not accept. */
function openGrants(options: GrantOptions): {
  check(app: string, token: string): Promise<void>;
  refresh(): Promise<void>;
} {
  const grants = new Map<string, KnownGrant>();
  const standing = new Map([...(options.standing?.tokens ?? [])].map(([app, token]) => [app, tokenHash(token)]));
  const graceMs = options.standing?.graceMs ?? 0;
  const nowMs = () => options.now().getTime();

  const known = (value: string): KnownGrant => {
    const [hash = '', mode] = value.split(' ');
    return { hash, strict: mode !== 'relaxed', atMs: nowMs() };
  };
  async function readGrant(app: string): Promise<KnownGrant | undefined> {
    let value = await options.redis.hGet(rpcAuthKey(options.service), app);
    if (value === null) {
      await options.reseed();
      value = await options.redis.hGet(rpcAuthKey(options.service), app);
    }
    return value === null ? undefined : known(value);
  }
  const stands = (app: string, grant: KnownGrant): boolean =>
    standing.get(app) === grant.hash && nowMs() - grant.atMs < graceMs;

  async function check(app: string, token: string): Promise<void> {
    let grant = grants.get(app);
    let read = false;
    if (!grant || nowMs() - grant.atMs > grantCacheMs) {
      const timeoutMs = grant && stands(app, grant) ? standingReadTimeoutMs : grantReadTimeoutMs;
      try {
        grant = await inTime(readGrant(app), timeoutMs);
        read = true;
        if (grant) grants.set(app, grant);
        else grants.delete(app);
      } catch (error) {
        if (!grant || (options.strict && grant.strict && !stands(app, grant)))
          throw unavailable(
            `${options.service} can't check its caller: Redis does not answer (${(error as Error).message}).`,
          );
      }
    }
    const shown = Buffer.from(tokenHash(token), 'hex');
    const granted = Buffer.from(grant?.hash ?? '', 'hex');
    if (shown.length !== granted.length || !timingSafeEqual(shown, granted)) {
      throw unauthorisedCaller(`${options.service} does not accept this app and token.`);
    }
    // Only for people to look at: a call is not refused because this could not be noted.
    if (read)
      options.redis.hSet(rpcUsedKey(options.service), app, String(options.now().getTime())).catch(() => undefined);
  }

  async function refresh(): Promise<void> {
    await options.reseed();
    const values = await options.redis.hGetAll(rpcAuthKey(options.service));
    for (const app of grants.keys()) if (values[app] === undefined) grants.delete(app);
    for (const app of standing.keys()) if (values[app] !== undefined) grants.set(app, known(values[app]));
  }
  return { check, refresh };
}
