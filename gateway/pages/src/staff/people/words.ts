import type { CustomerQuery, Role, UserStatus } from '../../../../../schema/generated/operations.ts';

export type Customer = NonNullable<CustomerQuery['user']>;

/** Roles in words. */
export const roleWords: Readonly<Record<Role, string>> = {
  CUSTOMER: 'Customer',
  MERCHANT: 'Merchant',
  OPERATOR: 'Operator',
  ADMIN: 'Administrator',
};

/** How an account stands, in words and as a badge. */
export const userStatusWords: Readonly<Record<UserStatus, readonly [text: string, tone: string]>> = {
  ACTIVE: ['Active', 'good'],
  INVITED: ['Invited', 'wait'],
  SUSPENDED: ['Suspended', 'bad'],
  ERASED: ['Erased', ''],
};

/** What somebody is beside a customer. */
export const rolesText = (roles: readonly Role[]): string =>
  roles
    .filter((role) => role !== 'CUSTOMER' || roles.length === 1)
    .map((role) => roleWords[role])
    .join(', ');
