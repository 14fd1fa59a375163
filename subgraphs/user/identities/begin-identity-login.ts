import type { Viewer } from '../../shared/auth/viewer.ts';
import { type Refusal, orRefusals } from '../../shared/errors/errors.ts';
import { addressGroup } from '../../shared/values/address-group.ts';
import type { UserDeps } from '../dependencies.ts';
import type { IdentityLogin } from './identity-proofs.ts';

export type IdentityLoginPayload = {
  readonly identityLogin: IdentityLogin | null;
  readonly userErrors: readonly Refusal[];
};

/** Issuers are asked, and WeChat's answers are counted by WeChat. Throws TOO_MANY_REQUESTS. */
export async function countIdentityRequest(
  { limit, config }: Pick<UserDeps, 'limit' | 'config'>,
  address: string | undefined,
): Promise<void> {
  if (address === undefined) return;
  await limit.count({
    what: 'identities:address',
    of: addressGroup(address),
    max: config.maxIdentityRequestsPerAddress,
    refusal: 'Too many sign-ins were begun from this address',
  });
}

/** Begins a sign-in at an issuer: somebody's who is not signed in, or a user's who links an identity. */
export const beginIdentityLogin = (
  deps: UserDeps,
  viewer: Viewer,
  { clientAddress, ...request }: { issuer: string; redirectUri: string; clientAddress: string | undefined },
): Promise<IdentityLoginPayload> =>
  orRefusals<IdentityLoginPayload, IdentityLoginPayload>(
    async () => {
      await countIdentityRequest(deps, clientAddress);
      const userId = viewer.kind === 'user' ? viewer.userId : null;
      return { identityLogin: await deps.identities.begin({ ...request, userId }), userErrors: [] };
    },
    (userErrors) => ({ identityLogin: null, userErrors }),
  );
