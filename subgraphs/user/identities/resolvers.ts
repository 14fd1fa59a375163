import { requireUser } from '../../shared/auth/viewer.ts';
import type { ResolverMap } from '../../shared/engine/subgraph.ts';
import type { UserContext } from '../dependencies.ts';
import type { User } from '../domain/user.ts';
import { placesOf } from '../sign-in-places.ts';
import { beginIdentityLogin } from './begin-identity-login.ts';
import type { ShownIdentity } from './identity-proofs.ts';
import { linkIdentity, unlinkIdentity } from './link-identity.ts';
import { loginWithIdentity } from './login-with-identity.ts';

type Key = { readonly idempotencyKey?: string | null };
type Password = { readonly password?: string | null };
type Device = { readonly deviceToken?: string | null };

/** How people sign in by what other systems know of them. */
export const identityResolvers = {
  Query: {
    identityIssuers: (_: unknown, __: unknown, { deps }: UserContext) => deps.identities.issuers,
  },
  Mutation: {
    beginIdentityLogin: (
      _: unknown,
      request: { issuer: string; redirectUri: string },
      { deps, viewer, clientAddress }: UserContext,
    ) => beginIdentityLogin(deps, viewer, { ...request, clientAddress }),
    loginWithIdentity: (
      _: unknown,
      { deviceToken, ...shown }: ShownIdentity & Device,
      { deps, ...call }: UserContext,
    ) => loginWithIdentity(deps, placesOf(call, deviceToken), shown),
    linkIdentity: (
      _: unknown,
      { idempotencyKey, ...shown }: ShownIdentity & Key & Password,
      { deps, viewer, clientAddress }: UserContext,
    ) => linkIdentity(deps, requireUser(viewer), { ...shown, clientAddress }, idempotencyKey),
    unlinkIdentity: (
      _: unknown,
      { idempotencyKey, ...identity }: Pick<ShownIdentity, 'type'> & { issuer?: string | null } & Key & Password,
      { deps, viewer, clientAddress }: UserContext,
    ) => unlinkIdentity(deps, requireUser(viewer), { ...identity, clientAddress }, idempotencyKey),
  },
  User: {
    identities: async ({ id, mobile, createdAt }: User, _: unknown, { loaders }: UserContext) => [
      ...(mobile === null ? [] : [{ type: 'MOBILE', key: mobile, issuer: null, linkedAt: createdAt }]),
      ...(await loaders.identities.load(id)).map(({ subject, ...rest }) => ({ ...rest, key: subject })),
    ],
  },
} satisfies ResolverMap;
