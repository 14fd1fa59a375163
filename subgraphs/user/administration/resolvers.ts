import type { Role } from '../../shared/auth/viewer.ts';
import type { ResolverMap } from '../../shared/engine/subgraph.ts';
import type { UserContext } from '../dependencies.ts';
import type { User } from '../domain/user.ts';
import { placesOf } from '../sign-in-places.ts';
import type { AuditEntry } from './audit-store.ts';
import { type InviteInput, inviteUser } from './invite-user.ts';
import { auditLog, sessionsOf, staff } from './queries.ts';
import { recordJobActs } from './record-job-acts.ts';
import { resetPassword } from './reset-password.ts';
import type { UserSession } from './session-list-store.ts';
import { setRoles } from './set-roles.ts';
import { reinstateUser, suspendUser } from './suspend-user.ts';
import { revokeAllSessions, revokeSession } from './user-sessions.ts';

type Key = { readonly idempotencyKey?: string | null };
type PageInput = { readonly first?: number | null; readonly after?: string | null };

/** What administrators do with accounts, and what people do with their own sessions. */
export const administrationResolvers = {
  Query: {
    staff: (_: unknown, given: PageInput & { role?: Role | null }, { deps, viewer }: UserContext) =>
      staff(deps, viewer, given),
    auditLog: (
      _: unknown,
      given: PageInput & { actorId?: string | null; action?: string | null },
      { deps, viewer }: UserContext,
    ) => auditLog(deps, viewer, given),
  },
  Mutation: {
    setRoles: (
      _: unknown,
      { idempotencyKey, ...input }: { userId: string; roles: readonly Role[] } & Key,
      { deps, ...asker }: UserContext,
    ) => setRoles(deps, asker, input, idempotencyKey),
    inviteUser: (_: unknown, { idempotencyKey, ...input }: InviteInput & Key, { deps, ...asker }: UserContext) =>
      inviteUser(deps, asker, input, idempotencyKey),
    suspendUser: (
      _: unknown,
      { idempotencyKey, ...input }: { userId: string; reason: string } & Key,
      { deps, ...asker }: UserContext,
    ) => suspendUser(deps, asker, input, idempotencyKey),
    reinstateUser: (
      _: unknown,
      { idempotencyKey, userId }: { userId: string } & Key,
      { deps, ...asker }: UserContext,
    ) => reinstateUser(deps, asker, { userId }, idempotencyKey),
    revokeSession: (
      _: unknown,
      { sessionId, idempotencyKey }: { sessionId: string } & Key,
      { deps, ...asker }: UserContext,
    ) => revokeSession(deps, asker, sessionId, idempotencyKey),
    revokeAllSessions: (
      _: unknown,
      { userId, idempotencyKey }: { userId?: string | null } & Key,
      { deps, ...asker }: UserContext,
    ) => revokeAllSessions(deps, asker, { userId: userId ?? null }, idempotencyKey),
    recordJobActs: (
      _: unknown,
      given: { action: string; jobs: readonly { id?: string | null; name: string }[] },
      { deps, ...asker }: UserContext,
    ) => recordJobActs(deps, asker, given),
    resetPassword: (
      _: unknown,
      { deviceToken, ...given }: { mobile: string; code: string; password: string; deviceToken?: string | null },
      { deps, ...call }: UserContext,
    ) => resetPassword(deps, placesOf(call, deviceToken), given),
  },
  User: {
    sessions: ({ id }: User, _: unknown, { deps, viewer }: UserContext) => sessionsOf(deps, viewer, id),
  },
  UserSession: {
    current: ({ id }: UserSession, _: unknown, { viewer }: UserContext) =>
      viewer.kind === 'user' && viewer.sessionId === id,
  },
  AuditEntry: {
    actor: ({ actorId }: AuditEntry, _: unknown, { loaders }: UserContext) =>
      actorId === null ? null : loaders.user.load(actorId),
  },
} satisfies ResolverMap;
