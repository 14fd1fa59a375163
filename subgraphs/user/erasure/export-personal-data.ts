import { isAdmin, requireUser } from '../../shared/auth/viewer.ts';
import { notFound } from '../../shared/errors/errors.ts';
import { isId } from '../../shared/values/ids.ts';
import { plainJson } from '../../shared/values/plain-json.ts';
import { type Asker, writeDown } from '../administration/audit.ts';
import type { UserDeps } from '../dependencies.ts';
import { readPersonalRows } from './erasure-store.ts';
import { otherServices, personalDataOf } from './other-services.ts';

const maxRows = 500;

/**
 * All that the platform keeps of the viewer, or for administrators of a user, bounded in each service. Throws NOT_FOUND for
 * anybody else's, and SERVICE_UNAVAILABLE where a service is away: half of it is no answer.
 */
export async function exportPersonalData(
  deps: Pick<UserDeps, 'db' | 'call' | 'now' | 'newId'>,
  asker: Asker,
  given: { readonly userId?: string | null },
): Promise<unknown> {
  const viewer = requireUser(asker.viewer);
  const userId = given.userId ?? viewer.userId;
  const isOwn = userId === viewer.userId;
  if (!isId(userId) || !(isOwn || isAdmin(viewer))) throw notFound('There is no such user.');
  const rows = await readPersonalRows(deps.db.em(), userId, maxRows);
  if (!rows.account) throw notFound('There is no such user.');
  const elsewhere = await Promise.all(
    otherServices.map(async (service) => [
      service,
      await personalDataOf(deps, service, { userId, traceId: asker.traceId }),
    ]),
  );
  if (!isOwn) {
    const deed = { actorId: viewer.userId, traceId: asker.traceId, subject: `user:${userId}` };
    await deps.db.transaction((tx) => writeDown(tx, deps, { ...deed, action: 'personal_data.exported' }));
  }
  return plainJson({ userId, exportedAt: deps.now(), user: rows, ...Object.fromEntries(elsewhere) });
}
