import type { SignedInUser } from '../session.ts';

/** Those who run the shop. The server decides; this only spares others a door that doesn't open. */
export const isStaff = (user: Pick<SignedInUser, 'roles'>): boolean => user.roles.includes('OPERATOR') || isAdmin(user);

/** Those who may also change who works here, and see what was done. */
export const isAdmin = (user: Pick<SignedInUser, 'roles'>): boolean => user.roles.includes('ADMIN');
