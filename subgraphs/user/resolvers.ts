import {
  isStaff,
  isService,
  mayRead,
  requireAdmin,
  requireService,
  requireStaff,
  requireUser,
} from '../shared/auth/viewer.ts';
import { notFound } from '../shared/errors/errors.ts';
import { scalars } from '../shared/values/scalars.ts';
import type { ResolverMap } from '../shared/engine/subgraph.ts';
import { postalAddressFields } from '../shared/values/postal-address.ts';
import { erasureResolvers } from './erasure/resolvers.ts';
import { administrationResolvers } from './administration/resolvers.ts';
import type { AddressInput } from './addresses/address.ts';
import { removeAddress, saveAddress } from './addresses/change-address-book.ts';
import { type Wanted, customerAddresses } from './addresses/customer-addresses.ts';
import { changePassword } from './commands/change-password.ts';
import { issueServiceCredential } from './commands/issue-service-credential.ts';
import { login } from './commands/login.ts';
import { logout } from './commands/logout.ts';
import { refreshTokens } from './commands/refresh-tokens.ts';
import { type RegisterInput, register } from './commands/register.ts';
import { revokeServiceCredential } from './commands/revoke-service-credential.ts';
import { updateProfile } from './commands/update-profile.ts';
import type { UserContext } from './dependencies.ts';
import { recoveryResolvers } from './email/resolvers.ts';
import { identityResolvers } from './identities/resolvers.ts';
import type { ServiceCredential } from './domain/service-credential.ts';
import type { ProfileInput, User } from './domain/user.ts';
import { notificationResolvers } from './notifications/resolvers.ts';
import { placesOf } from './sign-in-places.ts';
import { webhookResolvers } from './webhooks/resolvers.ts';
import { type ListedCredential, serviceCredentials, userById, userIds, users, withLastUse } from './queries.ts';

type Device = { readonly deviceToken?: string | null };
type Key = { readonly idempotencyKey?: string | null };
type Pair = { readonly app: string; readonly service: string };

export const resolvers: ResolverMap = {
  DateTime: scalars.DateTime,
  JSON: scalars.JSON,
  UserSession: administrationResolvers.UserSession,
  AuditEntry: administrationResolvers.AuditEntry,
  WebhookEndpoint: webhookResolvers.WebhookEndpoint,
  Notification: notificationResolvers.Notification,
  Subscription: notificationResolvers.Subscription,
  SafeInt: scalars.SafeInt,
  Query: {
    ...administrationResolvers.Query,
    ...identityResolvers.Query,
    ...webhookResolvers.Query,
    ...notificationResolvers.Query,
    me: (_: unknown, __: unknown, { viewer, loaders }: UserContext) => userById(loaders, requireUser(viewer).userId),
    user: (_: unknown, { id }: { id: string }, { viewer, loaders }: UserContext) => {
      const own = requireUser(viewer).userId === id;
      if (!own && !isStaff(viewer)) throw notFound('There is no such user.');
      return userById(loaders, id);
    },
    users: (_: unknown, args: { first?: number; after?: string; query?: string }, { viewer, deps }: UserContext) => {
      requireStaff(viewer);
      return users(deps, args);
    },
    serviceCredentials: (_: unknown, __: unknown, { viewer, deps }: UserContext) => {
      requireAdmin(viewer);
      return serviceCredentials(deps);
    },
    userIds: (_: unknown, wanted: { query: string; first: number }, { viewer, deps }: UserContext) => {
      requireService(viewer, 'order');
      return userIds(deps, wanted);
    },
    customerAddresses: (_: unknown, wanted: Wanted, { viewer, deps }: UserContext) => {
      requireService(viewer, 'order');
      return customerAddresses(deps, wanted);
    },
  },
  Mutation: {
    ...administrationResolvers.Mutation,
    ...recoveryResolvers.Mutation,
    ...identityResolvers.Mutation,
    ...webhookResolvers.Mutation,
    ...notificationResolvers.Mutation,
    ...erasureResolvers.Mutation,
    register: (
      _: unknown,
      { input, deviceToken, idempotencyKey }: { input: RegisterInput } & Device & Key,
      { deps, ...call }: UserContext,
    ) => register(deps, placesOf(call, deviceToken), input, idempotencyKey),
    login: (
      _: unknown,
      { mobile, password, deviceToken, idempotencyKey }: { mobile: string; password: string } & Device & Key,
      { deps, ...call }: UserContext,
    ) => login(deps, placesOf(call, deviceToken), { mobile, password }, idempotencyKey),
    refreshTokens: (_: unknown, { refreshToken }: { refreshToken: string }, { deps }: UserContext) =>
      refreshTokens(deps, refreshToken),
    logout: (_: unknown, __: unknown, { deps, viewer }: UserContext) => logout(deps, requireUser(viewer)),
    updateProfile: (
      _: unknown,
      { input, idempotencyKey }: { input: ProfileInput } & Key,
      { deps, viewer }: UserContext,
    ) => updateProfile(deps, requireUser(viewer), input, idempotencyKey),
    changePassword: (
      _: unknown,
      { current, next, idempotencyKey }: { current: string; next: string } & Key,
      { deps, viewer, clientAddress }: UserContext,
    ) => changePassword(deps, requireUser(viewer), { current, next, clientAddress }, idempotencyKey),
    saveAddress: (
      _: unknown,
      { idempotencyKey, ...input }: AddressInput & { idempotencyKey: string },
      { deps, viewer }: UserContext,
    ) => saveAddress(deps, requireUser(viewer), input, idempotencyKey),
    removeAddress: (
      _: unknown,
      { id, idempotencyKey }: { id: string; idempotencyKey: string },
      { deps, viewer }: UserContext,
    ) => removeAddress(deps, requireUser(viewer), id, idempotencyKey),
    issueServiceCredential: (
      _: unknown,
      { idempotencyKey, ...input }: Pair & { strict?: boolean | null } & Key,
      { deps, ...asker }: UserContext,
    ) => issueServiceCredential(deps, asker, input, idempotencyKey),
    revokeServiceCredential: (_: unknown, { idempotencyKey, ...pair }: Pair & Key, { deps, ...asker }: UserContext) =>
      revokeServiceCredential(deps, asker, pair, idempotencyKey),
  },
  User: {
    ...administrationResolvers.User,
    ...recoveryResolvers.User,
    ...identityResolvers.User,
    ...notificationResolvers.User,
    // Whoever may not see the user gets null, the same as for an id that nobody has.
    async __resolveReference({ id }: { id: string }, { viewer, loaders }: UserContext) {
      const user = mayRead(viewer, id) ? await loaders.user.load(id) : null;
      // Services ask before they do something for a user: for an erased one nothing is done any more.
      return isService(viewer) && user?.status === 'ERASED' ? null : user;
    },
    addresses: ({ id }: User, _: unknown, { loaders }: UserContext) => loaders.addresses.load(id),
  },
  PostalAddress: postalAddressFields,
  ServiceCredential: {
    lastUsedAt: async (credential: ServiceCredential | ListedCredential, _: unknown, { deps }: UserContext) =>
      'lastUsedAt' in credential ? credential.lastUsedAt : (await withLastUse(deps, [credential]))[0]?.lastUsedAt,
  },
};
