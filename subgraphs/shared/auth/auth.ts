import { createHash, timingSafeEqual } from 'node:crypto';
import { SignJWT, errors as joseErrors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { forbidden, unauthenticated, unauthorisedCaller, unavailable } from '../errors/errors.ts';
import type { Redis } from '../process/redis.ts';
import { inTime } from '../time/in-time.ts';

const roles = ['CUSTOMER', 'MERCHANT', 'OPERATOR', 'ADMIN'] as const;
export type Role = (typeof roles)[number];
/** Whether a token's claim is a list of roles that this platform gives. */
export const areRoles = (given: unknown): given is Role[] =>
  Array.isArray(given) && given.every((role) => (roles as readonly unknown[]).includes(role));

/** On whose behalf a subgraph is asked. A service is one of ours, known by its app token; it never carries a user. */
export type Viewer =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'user'; readonly userId: string; readonly roles: readonly Role[]; readonly sessionId: string }
  | { readonly kind: 'service'; readonly app: string };

export type UserViewer = Extract<Viewer, { kind: 'user' }>;
export const anonymous: Viewer = { kind: 'anonymous' };

const staffRoles: readonly Role[] = ['OPERATOR', 'ADMIN'];
export const isStaff = (viewer: Viewer): boolean =>
  viewer.kind === 'user' && viewer.roles.some((role) => staffRoles.includes(role));
export const isAdmin = (viewer: Viewer): boolean => viewer.kind === 'user' && viewer.roles.includes('ADMIN');
export const isService = (viewer: Viewer): boolean => viewer.kind === 'service';
/** The owner, staff, or one of our services: who may read something that belongs to `ownerId`. */
export const mayRead = (viewer: Viewer, ownerId: string): boolean =>
  isService(viewer) || isStaff(viewer) || (viewer.kind === 'user' && viewer.userId === ownerId);

/** The signed-in user. Throws UNAUTHENTICATED for anybody else. */
export function requireUser(viewer: Viewer): UserViewer {
  if (viewer.kind !== 'user') throw unauthenticated('Sign in to do this.');
  return viewer;
}
/** A member of staff (OPERATOR or ADMIN). Throws UNAUTHENTICATED or FORBIDDEN. */
export function requireStaff(viewer: Viewer): UserViewer {
  const user = requireUser(viewer);
  if (!isStaff(user)) throw forbidden('Only staff may do this.');
  return user;
}
/** An administrator. Throws UNAUTHENTICATED or FORBIDDEN. */
export function requireAdmin(viewer: Viewer): UserViewer {
  const user = requireUser(viewer);
  if (!isAdmin(user)) throw forbidden('Only an administrator may do this.');
  return user;
}
/** One of our services, for operations that are @inaccessible to clients. Throws FORBIDDEN. */
export function requireService(viewer: Viewer, ...apps: readonly string[]): string {
  if (viewer.kind !== 'service' || (apps.length > 0 && !apps.includes(viewer.app)))
    throw forbidden('Only a service of the platform may do this.');
  return viewer.app;
}

/** Headers by which a caller shows who it is; lower case, as Node gives them. */
export const callerHeaders = {
  app: 'x-service-app',
  token: 'x-service-token',
  identity: 'x-identity',
  clientAddress: 'x-client-address',
  trace: 'traceparent',
  /** Milliseconds after which the caller no longer waits. */
  timeout: 'x-timeout-ms',
} as const;
export type Headers = Readonly<Record<string, string | string[] | undefined>>;
const header = (headers: Headers, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};

const identityLifetimeSeconds = 60;
/** Clocks are put right to within a second: an identity may be dated ahead by no more than this. */
const identityToleranceSeconds = 5;
const identityRenewalMs = 30_000;
const identityCacheSize = 10_000;
type SignedIdentity = { identity: string | Promise<string>; readonly atMs: number };
const issuer = 'order-platform-gateway';
const audience = 'order-platform-subgraph';

/**
 * Signs the gateway's word about who is asking: an HS256 JWT of at most 60 s. One signature serves a viewer for 30 s, by
 * the clock that it is dated with: when that is put right, what was signed before may have ended for who reads it.
 */
export function identitySigner(
  secret: string,
  now: () => Date = () => new Date(),
): (viewer: UserViewer) => string | Promise<string> {
  const key = new TextEncoder().encode(secret);
  const cache = new LRUCache<string, SignedIdentity>({ max: identityCacheSize });
  return (viewer) => {
    const cacheKey = `${viewer.userId} ${viewer.sessionId} ${viewer.roles.join(',')}`;
    const cached = cache.get(cacheKey);
    const at = now();
    const atMs = at.getTime();
    if (cached && cached.atMs <= atMs && atMs < cached.atMs + identityRenewalMs) return cached.identity;
    const signed = new SignJWT({ roles: viewer.roles, sid: viewer.sessionId })
      .setProtectedHeader({ alg: 'HS256', typ: 'identity+jwt' })
      .setSubject(viewer.userId).setIssuer(issuer).setAudience(audience)
      .setIssuedAt(at).setExpirationTime(new Date(atMs + identityLifetimeSeconds * 1_000))
      .sign(key); // prettier-ignore
    const entry: SignedIdentity = { identity: signed, atMs };
    cache.set(cacheKey, entry);
    signed.then(
      (text) => (entry.identity = text),
      () => cache.delete(cacheKey),
    );
    return signed;
  };
}

const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex');

/** The Redis hash of one callee: field = app, value = SHA-256 of the token (hex), followed by ` relaxed` where the grant is not strict. */
export const rpcAuthKey = (service: string): string => `rpc:auth:${service}`;
/** The Redis hash of one callee: field = app, value = when the callee last accepted it, in epoch ms, to within 5 s. */
export const rpcUsedKey = (service: string): string => `rpc:used:${service}`;

/** A strict grant is refused while Redis can't answer; a relaxed one is trusted as it was last known. Default: strict. */
export type Grant = { readonly app: string; readonly service: string; readonly strict?: boolean };

/** What stands in Redis for a grant with this token hash (hex). */
export const grantValue = (hash: string, strict = true): string => (strict ? hash : `${hash} relaxed`);

/** Lets `app` call `service` with `token`. Redis keeps only the token's hash. */
export const grantService = async (redis: Redis, grant: Grant & { token: string }): Promise<void> => {
  await redis.hSet(rpcAuthKey(grant.service), grant.app, grantValue(tokenHash(grant.token), grant.strict));
};

/** Takes the grant back; the callee forgets it within 5 s. */
export const revokeService = async (redis: Redis, grant: Grant): Promise<void> => {
  await redis.hDel(rpcAuthKey(grant.service), grant.app);
};

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
  const key = new TextEncoder().encode(options.identitySecret);
  const identities = new LRUCache<string, { viewer: UserViewer; expiresAtMs: number }>({ max: identityCacheSize });
  const grants = openGrants(options);

  async function viewerOf(token: string): Promise<UserViewer> {
    const cached = identities.get(token);
    if (cached && cached.expiresAtMs > options.now().getTime()) return cached.viewer;
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['HS256'],
        typ: 'identity+jwt',
        issuer,
        audience,
        requiredClaims: ['sub', 'sid', 'iat', 'exp'],
        maxTokenAge: identityLifetimeSeconds,
        clockTolerance: identityToleranceSeconds,
        currentDate: options.now(),
      });
      const {
        sub,
        sid,
        iat = 0,
        exp = 0,
        roles: given,
      } = payload as typeof payload & { sid?: unknown; roles?: unknown };
      // However late it ends by its own word.
      const expiresAtMs = Math.min(exp, iat + identityLifetimeSeconds) * 1000;
      const isOver = expiresAtMs <= options.now().getTime();
      if (isOver || typeof sub !== 'string' || typeof sid !== 'string' || !areRoles(given))
        throw unauthorisedCaller(`${options.service} does not accept this identity: it has ended or is not a user's.`);
      const viewer: UserViewer = { kind: 'user', userId: sub, roles: given, sessionId: sid };
      identities.set(token, { viewer, expiresAtMs });
      return viewer;
    } catch (error) {
      if (error instanceof joseErrors.JOSEError)
        throw unauthorisedCaller(`${options.service} does not accept this identity (${error.code}).`);
      throw error;
    }
  }

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
