import { revokeService } from '../../shared/auth/grants.ts';
import { noteFailure } from '../../shared/process/dependency.ts';
import { RefusedError, notFoundError, orRefusals } from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { requireAdministrator } from '../administration/administrators.ts';
import { type Asker, writeDown } from '../administration/audit.ts';
import { findCredential, revokeCredential } from '../credential-store.ts';
import type { UserDeps } from '../dependencies.ts';
import { type ServiceCredentialPayload, credentialRefused, refuseConfigured } from './issue-service-credential.ts';

/** Takes back the right of an app to call a service; what SERVICE_TOKENS gave is taken back there. */
export function revokeServiceCredential(
  deps: UserDeps,
  asker: Asker,
  pair: { app: string; service: string },
  idempotencyKey: string | null | undefined,
): Promise<ServiceCredentialPayload> {
  return orRefusals(async () => {
    const { userId: ownerId } = requireAdministrator(asker);
    const { app, service } = pair;
    refuseConfigured(deps, pair);
    const { replayed, credential } = await deps.db.transaction(async (tx) => {
      const claimed = await claimKey(
        tx,
        { ownerId, operation: 'revokeServiceCredential', key: idempotencyKey, input: { app, service } },
        {},
      );
      if (!claimed.replayed && !(await revokeCredential(tx, { app, service }, deps.now()))) {
        throw new RefusedError(notFoundError(`${app} has no credential for ${service}.`));
      }
      if (!claimed.replayed) {
        const deed = { actorId: ownerId, traceId: asker.traceId, action: 'credential.revoked' } as const;
        await writeDown(tx, deps, { ...deed, subject: `credential:${app}:${service}` });
      }
      return { replayed: claimed.replayed, credential: await findCredential(tx, { app, service }) };
    });
    // A repetition looks at Redis only through the job: the pair may have been given a new token since.
    if (!replayed) {
      try {
        await revokeService(deps.redis, { app, service });
      } catch (error) {
        noteFailure(deps.log, error, 'revocation not told to Redis yet; the job user.restore-redis will', {
          app,
          service,
        });
      }
    }
    return { credential, token: null, replayed, userErrors: [] };
  }, credentialRefused);
}
