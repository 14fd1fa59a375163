import { forbidden, unauthenticated } from '../errors/errors.ts';

/** Each may more than the one before. */
export const roles = ['CUSTOMER', 'MERCHANT', 'OPERATOR', 'ADMIN'] as const;
export type Role = (typeof roles)[number];
/** The role of these that may most. */
export const highestRole = (given: readonly Role[]): Role =>
  roles.findLast((role) => given.includes(role)) ?? 'CUSTOMER';
/** Whether a token's claim is a list of roles that this platform gives. */
export const areRoles = (given: unknown): given is Role[] =>
  Array.isArray(given) && given.every((role) => (roles as readonly unknown[]).includes(role));

/** On whose behalf a subgraph is asked. A service is one of ours, known by its app token; it never carries a user. */
export type Viewer =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'user'; readonly userId: string; readonly roles: readonly Role[]; readonly sessionId: string }
  | { readonly kind: 'service'; readonly app: string };

export type UserViewer = Extract<Viewer, { kind: 'user' }>;
export const anonymous: Viewer = { kind: 'anonymous' };

const staffRoles: readonly Role[] = ['OPERATOR', 'ADMIN'];
export const isStaff = (viewer: Viewer): boolean =>
  viewer.kind === 'user' && viewer.roles.some((role) => staffRoles.includes(role));
export const isAdmin = (viewer: Viewer): boolean => viewer.kind === 'user' && viewer.roles.includes('ADMIN');
export const isService = (viewer: Viewer): boolean => viewer.kind === 'service';
/** The owner, staff, or one of our services: who may read something that belongs to `ownerId`. */
export const mayRead = (viewer: Viewer, ownerId: string): boolean =>
  isService(viewer) || isStaff(viewer) || (viewer.kind === 'user' && viewer.userId === ownerId);

/** The signed-in user. Throws UNAUTHENTICATED for anybody else. */
export function requireUser(viewer: Viewer): UserViewer {
  if (viewer.kind !== 'user') throw unauthenticated('Sign in to do this.');
  return viewer;
}
/** A member of staff (OPERATOR or ADMIN). Throws UNAUTHENTICATED or FORBIDDEN. */
export function requireStaff(viewer: Viewer): UserViewer {
  const user = requireUser(viewer);
  if (!isStaff(user)) throw forbidden('Only staff may do this.');
  return user;
}
/** An administrator. Throws UNAUTHENTICATED or FORBIDDEN. */
export function requireAdmin(viewer: Viewer): UserViewer {
  const user = requireUser(viewer);
  if (!isAdmin(user)) throw forbidden('Only an administrator may do this.');
  return user;
}
/** One of our services, for operations that are @inaccessible to clients. Throws FORBIDDEN. */
export function requireService(viewer: Viewer, ...apps: readonly string[]): string {
  if (viewer.kind !== 'service' || (apps.length > 0 && !apps.includes(viewer.app)))
    throw forbidden('Only a service of the platform may do this.');
  return viewer.app;
}
