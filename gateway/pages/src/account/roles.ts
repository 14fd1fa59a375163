import type { SignedInUser } from '../session.ts';

/** Those who run the shop. The server decides; this only spares others a door that doesn't open. */
export const isStaff = (user: Pick<SignedInUser, 'roles'>): boolean =>
  user.roles.includes('OPERATOR') || user.roles.includes('ADMIN');
