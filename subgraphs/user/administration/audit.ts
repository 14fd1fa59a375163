import type { Sql } from '../../shared/database/database.ts';
import type { Viewer } from '../../shared/auth/viewer.ts';
import type { UserDeps } from '../dependencies.ts';
import { insertAuditEntry } from './audit-store.ts';

/** What can be in the log. */
export const auditActions = [
  'roles.set',
  'user.invited',
  'user.suspended',
  'user.reinstated',
  'sessions.revoked',
  'credential.issued',
  'credential.revoked',
] as const;
export type AuditAction = (typeof auditActions)[number];

/** Who asks for something, in which request. */
export type Asker = { readonly viewer: Viewer; readonly traceId: string };

/** One thing that was done. */
export type Deed = {
  readonly actorId: string;
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
