import { countCodeRequest } from '../codes/code-limit.ts';
import type { UserDeps } from '../dependencies.ts';
import { normaliseMobile } from '../domain/mobile.ts';
import { insertResetRequest } from './reset-request-store.ts';

/** Wakes `sendResetCodes` in the worker. */
export const resetRequestedChannel = 'password-reset-requested';

/**
 * Notes that a code was asked for. Whether there is such an account is looked up later, by the worker (`sendResetCodes`):
 * nothing here depends on it, so neither the answer nor its time can tell.
 */
export async function requestPasswordReset(
  deps: UserDeps,
  given: { mobile: string; clientAddress: string | undefined },
): Promise<true> {
  const mobile = normaliseMobile(given.mobile);
  const recipients = [`mobile:${mobile ?? given.mobile}`];
  await countCodeRequest(deps, 'reset', { recipients, address: given.clientAddress });
  // What can't be a number is nobody's: that much everybody knows.
  if (mobile === null) return true;
  await insertResetRequest(deps.db.em(), { id: deps.newId(), mobile, requestedAt: deps.now() });
  deps.live.publish(resetRequestedChannel, '');
  return true;
}
