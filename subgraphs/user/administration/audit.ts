import type { Sql } from '../../shared/database/database.ts';
import type { Asker, StaffAct, StaffAction } from '../../shared/tables/staff-acts.ts';
import type { UserDeps } from '../dependencies.ts';
import { insertAuditEntry } from './audit-store.ts';

export type { Asker } from '../../shared/tables/staff-acts.ts';

/** What is done to accounts and credentials, in the log beside `staffActions`. */
export const accountActions = [
  'roles.set',
  'user.invited',
  'user.suspended',
  'user.reinstated',
  'sessions.revoked',
  'user.erased',
  'personal_data.exported',
  'credential.issued',
  'credential.revoked',
  'webhook_endpoint.saved',
  'webhook_endpoint.secret_rotated',
  'webhook_endpoint.removed',
  'webhook_endpoint.tested',
  'webhook_endpoint.redelivered',
  'notification.retried',
] as const;
/** What is done on the page of background jobs. */
export const jobActions = [
  'job.requeued',
  'job.retried',
  'job.deleted',
  'job.created',
  'job.paused',
  'job.resumed',
] as const;
/** What the platform does by itself. */
const platformActions = ['webhook_endpoint.disabled'] as const;
export type AuditAction =
  (typeof accountActions)[number] | (typeof jobActions)[number] | (typeof platformActions)[number] | StaffAction;

/** One thing that was done. */
export type Deed = {
  /** Null for the platform itself. */
  readonly actorId: string | null;
  readonly traceId: string;
  readonly action: AuditAction;
  /** What it was done to, e.g. `user:<id>`. */
  readonly subject: string;
  readonly before?: object | null;
  readonly after?: object | null;
};

/** Writes down what is done, in the transaction that does it. */
export const writeDown = (tx: Sql, deps: Pick<UserDeps, 'now' | 'newId'>, deed: Deed): Promise<void> =>
  insertAuditEntry(tx, { id: deps.newId(), at: deps.now(), before: null, after: null, ...deed });

/** Writes down what somebody did for the shop here, where the log is. */
export async function recordOwn(
  tx: Sql,
  deps: Pick<UserDeps, 'now' | 'newId'>,
  { viewer, traceId }: Asker,
  act: StaffAct,
): Promise<void> {
  if (viewer.kind === 'user') await writeDown(tx, deps, { actorId: viewer.userId, traceId, ...act });
}
