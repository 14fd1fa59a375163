import type { UserViewer } from '../../shared/auth/viewer.ts';
import type { UserDeps } from '../dependencies.ts';
import { revokeSession } from '../session-store.ts';
import { announceRevoked } from '../sessions.ts';

/** Ends the viewer's session; doing so again changes nothing. */
export async function logout(deps: UserDeps, viewer: UserViewer): Promise<true> {
  await revokeSession(deps.db.em(), { id: viewer.sessionId, userId: viewer.userId, because: 'LOGOUT', at: deps.now() });
  await announceRevoked(deps, [viewer.sessionId]);
  return true;
}
