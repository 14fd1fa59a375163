import { requireUser } from '../../shared/auth/viewer.ts';
import type { ResolverMap } from '../../shared/engine/subgraph.ts';
import type { UserContext } from '../dependencies.ts';
import { requestPasswordReset } from '../password-reset/request-password-reset.ts';
import type { User } from '../domain/user.ts';
import { requestEmailVerification } from './request-email-verification.ts';
import { verifyEmail } from './verify-email.ts';

type Key = { readonly idempotencyKey?: string | null };

/** How people keep the way back into their accounts. */
export const recoveryResolvers = {
  Mutation: {
    requestPasswordReset: (_: unknown, { mobile }: { mobile: string }, { deps, clientAddress }: UserContext) =>
      requestPasswordReset(deps, { mobile, clientAddress }),
    requestEmailVerification: (
      _: unknown,
      { idempotencyKey, ...given }: { email?: string | null; password?: string | null } & Key,
      { deps, viewer, clientAddress }: UserContext,
    ) => requestEmailVerification(deps, requireUser(viewer), { ...given, clientAddress }, idempotencyKey),
    verifyEmail: (_: unknown, { idempotencyKey, code }: { code: string } & Key, { deps, viewer }: UserContext) =>
      verifyEmail(deps, requireUser(viewer), { code }, idempotencyKey),
  },
  User: {
    emailVerified: ({ verifiedEmail }: User) => verifiedEmail !== null,
  },
} satisfies ResolverMap;
