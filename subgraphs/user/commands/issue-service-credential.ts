import { createHash } from 'node:crypto';
import { grantService } from '../../shared/auth/grants.ts';
import { noteFailure } from '../../shared/process/dependency.ts';
import { type Refusal, RefusedError, forbiddenError, orRefusals } from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { requireAdministrator } from '../administration/administrators.ts';
import { type Asker, writeDown } from '../administration/audit.ts';
import { findCredential, putCredential } from '../credential-store.ts';
import type { UserDeps } from '../dependencies.ts';
import { type ServiceCredential, checkPair } from '../domain/service-credential.ts';

/** The answer of mutations on service credentials. */
export type ServiceCredentialPayload = {
  readonly credential: ServiceCredential | null;
  readonly token: string | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

export const credentialRefused = (userErrors: readonly Refusal[]): ServiceCredentialPayload => ({
  credential: null,
  token: null,
  replayed: false,
  userErrors,
});

/**
 * Refuses an app of SERVICE_TOKENS: those that run go on showing the token of their configuration, so another one, or
 * none, would cut them off, with no way back through the API.
 */
export function refuseConfigured(deps: Pick<UserDeps, 'configuredTokens'>, { app }: { app: string }): void {
  if (deps.configuredTokens.has(app))
    throw new RefusedError({
      ...forbiddenError(`The token of ${app} is set by SERVICE_TOKENS: change it there.`),
      path: ['app'],
    });
}

const tokenBytes = 32;

/** Gives an app a new token for a service. Only hashes are kept, here and in Redis. */
export function issueServiceCredential(
  deps: UserDeps,
  asker: Asker,
  input: { app: string; service: string; strict?: boolean | null },
  idempotencyKey: string | null | undefined,
): Promise<ServiceCredentialPayload> {
  return orRefusals(async () => {
    const { userId: ownerId } = requireAdministrator(asker);
    const { app, service } = input;
    const strict = input.strict ?? true;
    const refusals = checkPair(input);
    if (refusals.length > 0) throw new RefusedError(...refusals);
    refuseConfigured(deps, input);
    const token = deps.randomBytes(tokenBytes).toString('base64url');
    const { replayed, credential } = await deps.db.transaction(async (tx) => {
      const claimed = await claimKey(
        tx,
        { ownerId, operation: 'issueServiceCredential', key: idempotencyKey, input: { app, service, strict } },
        {},
      );
      if (!claimed.replayed) {
        const tokenHash = createHash('sha256').update(token).digest();
        await putCredential(tx, { app, service, strict, tokenHash, at: deps.now() });
        const deed = { actorId: ownerId, traceId: asker.traceId, action: 'credential.issued' } as const;
        await writeDown(tx, deps, { ...deed, subject: `credential:${app}:${service}`, after: { strict } });
      }
      return { replayed: claimed.replayed, credential: await findCredential(tx, { app, service }) };
    });
    if (replayed) return { credential, token: null, replayed, userErrors: [] };
    try {
      await grantService(deps.redis, { app, service, token, strict });
    } catch (error) {
      noteFailure(deps.log, error, 'credential not told to Redis yet; the job user.restore-redis will', {
        app,
        service,
      });
    }
    return { credential, token, replayed, userErrors: [] };
  }, credentialRefused);
}
