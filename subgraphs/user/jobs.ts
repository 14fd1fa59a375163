import { grantValue, rpcAuthKey } from '../shared/auth/grants.ts';
import type { Sql } from '../shared/database/statements.ts';
import type { Jobs } from '../shared/jobs/jobs.ts';
import { readCredentialList } from './credential-store.ts';
import { deleteCodes } from './administration/one-time-code-store.ts';
import type { UserDeps } from './dependencies.ts';
import { deleteEmailCodes } from './email/email-store.ts';
import { desiredGrant } from './domain/service-credential.ts';
import { deleteSessions, deleteTokens, readRevokedSince } from './session-store.ts';
import { purgeShared } from '../shared/tables/retention.ts';
import { deleteNotifications } from './notifications/notification-store.ts';
import { deletePlaces, placeRetentionDays } from './sign-in-place-store.ts';
import { rememberRevocationUntil, revokedSessionsKey } from './sessions.ts';
import { deleteDeliveries } from './webhooks/delivery-store.ts';
import { deleteSellers } from './webhooks/endpoint-store.ts';
import { sellerRetentionDays } from './webhooks/policy.ts';

/** With the half second until a job is found, what Redis has lost is back within 5 s. */
const restoreEveryMs = 4_000;
const cleanUpEveryMs = 3_600_000;
const batchRows = 1_000;
const maxBatches = 100;

/** What this subgraph does in the background. */
export function defineJobs(jobs: Jobs, deps: UserDeps): void {
  jobs.define('user.restore-redis', () => restoreRedis(deps));
  jobs.recurring('user.restore-redis', restoreEveryMs);
  jobs.define('user.clean-up', () => cleanUp(deps));
  jobs.recurring('user.clean-up', cleanUpEveryMs);
}

/**
 * Makes Redis agree with the database again after it lost its data, or when it was down at a change: issued credentials
 * are put back, revoked ones taken out (the services themselves put all of SERVICE_TOKENS back),
 * and the gateways learn again of sessions that ended while an access token of theirs may still be good.
 */
export async function restoreRedis(deps: UserDeps): Promise<void> {
  await Promise.all([restoreGrants(deps), restoreRevocations(deps)]);
}

async function restoreGrants({ db, redis, log }: UserDeps): Promise<void> {
  for (const credential of await readCredentialList(db.em())) {
    const { app, service } = credential;
    const desired = desiredGrant(credential, grantValue);
    if (desired.kind === 'any') continue;
    const actual = await redis.hGet(rpcAuthKey(service), app);
    if (desired.kind === 'absent' ? actual === null : actual === desired.value) continue;
    if (desired.kind === 'absent') await redis.hDel(rpcAuthKey(service), app);
    else await redis.hSet(rpcAuthKey(service), app, desired.value);
    log.info(
      { app, service },
      desired.kind === 'absent'
        ? 'a revoked credential was in Redis again: taken out'
        : 'an issued credential was put back into Redis',
    );
  }
}

async function restoreRevocations(deps: UserDeps): Promise<void> {
  const nowMs = deps.now().getTime();
  await deps.redis.zRemRangeByScore(revokedSessionsKey, '-inf', nowMs);
  const rememberedMs = rememberRevocationUntil(deps, deps.now()) - nowMs;
  const revoked = await readRevokedSince(deps.db.em(), new Date(nowMs - rememberedMs));
  if (revoked.length === 0) return;
  const known = await deps.redis.zmScore(
    revokedSessionsKey,
    revoked.map(({ id }) => id),
  );
  const missing = revoked.filter((_, index) => known[index] === null);
  if (missing.length === 0) return;
  await deps.redis.zAdd(
    revokedSessionsKey,
    missing.map(({ id, revokedAt }) => ({ value: id, score: rememberRevocationUntil(deps, revokedAt) })),
  );
  for (const { id } of missing) deps.live.publish('auth-revoked', id);
}

/** Forgets what has had its time, in batches, so that no statement holds many locks. */
export async function cleanUp(deps: UserDeps): Promise<void> {
  const now = deps.now();
  const { retention } = deps.config;
  const daysAgo = (days: number): Date => new Date(now.getTime() - days * 86_400_000);
  await deleteBatches(deps, deleteCodes, now);
  await deleteBatches(deps, deleteEmailCodes, now);
  await deleteBatches(deps, deleteTokens, now);
  // The day more covers a clock that is off.
  await deleteBatches(deps, deleteSessions, daysAgo(1));
  await deleteBatches(deps, deletePlaces, daysAgo(placeRetentionDays));
  await deleteBatches(deps, deleteDeliveries, daysAgo(retention.webhookDays));
  await deleteBatches(deps, deleteSellers, daysAgo(sellerRetentionDays));
  await deleteBatches(deps, deleteNotifications, daysAgo(retention.notificationDays));
  await purgeShared(deps.db.em(), { inbox: true, idempotency: true });
}

type Delete = (sql: Sql, before: Date, limit: number) => Promise<number>;

async function deleteBatches({ db }: UserDeps, remove: Delete, before: Date): Promise<void> {
  for (let batch = 0; batch < maxBatches; batch += 1)
    if ((await remove(db.em(), before, batchRows)) < batchRows) return;
}
