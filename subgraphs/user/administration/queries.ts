import { type Viewer, isAdmin, requireAdmin, requireStaff, requireUser } from '../../shared/auth/viewer.ts';
import type { Role } from '../../shared/auth/viewer.ts';
import { forbidden } from '../../shared/errors/errors.ts';
import { isId } from '../../shared/values/ids.ts';
import { type Page, pageArguments, toPage } from '../../shared/values/paging.ts';
import { idAfter } from '../queries.ts';
import type { UserDeps } from '../dependencies.ts';
import type { User } from '../domain/user.ts';
import { readUsers } from '../store.ts';
import { countStaff, listStaff } from './account-store.ts';
import { type AuditEntry, listAuditEntries } from './audit-store.ts';
import { type UserSession, readSessions } from './session-list-store.ts';

type PageInput = { readonly first?: number | null; readonly after?: string | null };

/** Who has more than the role CUSTOMER, the newest first. */
export async function staff(
  deps: UserDeps,
  viewer: Viewer,
  given: PageInput & { role?: Role | null },
): Promise<Page<User> & { totalCount: () => Promise<number> }> {
  requireStaff(viewer);
  const role = given.role ?? null;
  const page = pageArguments(given, { name: 'staff', keyLength: 1, selection: { role } });
  const ids = await listStaff(deps.db.em(), role, { limit: page.first + 1, after: idAfter(page) });
  const users = await readUsers(deps.db.em(), ids);
  const found = ids.map((id) => users.get(id)).filter((user) => user !== undefined);
  return { ...toPage(found, page, (user) => [user.id]), totalCount: () => countStaff(deps.db.em(), role) };
}

/** What administrators did, the newest first. */
export async function auditLog(
  deps: UserDeps,
  viewer: Viewer,
  given: PageInput & { actorId?: string | null; action?: string | null },
): Promise<Page<AuditEntry>> {
  requireAdmin(viewer);
  const filter = { actorId: given.actorId ?? null, action: given.action ?? null };
  const page = pageArguments(given, { name: 'auditLog', keyLength: 1, selection: filter });
  // An id that is none has done nothing.
  const entries =
    filter.actorId !== null && !isId(filter.actorId)
      ? []
      : await listAuditEntries(deps.db.em(), filter, { limit: page.first + 1, after: idAfter(page) });
  return toPage(entries, page, (entry) => [entry.id]);
}

/** The devices on which a user is signed in, for the user and administrators. */
export function sessionsOf(deps: UserDeps, viewer: Viewer, userId: string): Promise<UserSession[]> {
  if (requireUser(viewer).userId !== userId && !isAdmin(viewer))
    throw forbidden('Only the user and administrators see sessions.');
  return readSessions(deps.db.em(), userId, deps.now());
}
