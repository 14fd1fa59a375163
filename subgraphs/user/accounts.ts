import type { Role } from '../shared/auth/viewer.ts';
import { RefusedError } from '../shared/errors/errors.ts';
import { ConfigError } from '../shared/process/env.ts';
import type { Runtime } from '../shared/process/runtime.ts';
import { databaseUrl } from '../shared/process/platform-config.ts';
import { openDatabase } from '../shared/database/database.ts';
import { type RegisterInput, checkRegistration, claimOf, createAccount } from './commands/register.ts';
import { adminName, readAdminConfig } from './config.ts';
import { createDependencies } from './create-dependencies.ts';
import type { UserDeps } from './dependencies.ts';
import { findCredentials, readUser } from './store.ts';
import { migrations } from './migrations/list.ts';
import { entities } from './records.ts';

/** An account made by operators and not by its owner. */
export type DirectAccount = RegisterInput & {
  /** Default: CUSTOMER alone. */
  readonly roles?: readonly Role[];
  /** A UUID, where the account needs a known one. Default: a new UUIDv7. */
  readonly id?: string;
};

/** How an account came to be: `created` is false when the mobile number had one, which is left as it is. */
export type MadeAccount = { readonly id: string; readonly created: boolean };

/** The first administrator. `password` only when it was made up now: it is told this once. */
export type FirstAdmin = MadeAccount & { readonly mobile: string; readonly password: string | null };

const generatedPasswordBytes = 12;

/**
 * Makes an account with any roles, for seeds and operators, through the code that `register` runs. Throws RefusedError
 * when the input breaks a rule.
 */
export async function createUserDirectly(deps: UserDeps, account: DirectAccount): Promise<MadeAccount> {
  const { roles = ['CUSTOMER'], id, ...input } = account;
  const registration = checkRegistration(input);
  const existing = await findCredentials(deps.db.em(), registration.mobile);
  if (existing) return { id: existing.userId, created: false };
  try {
    const made = await createAccount(deps, {
      registration,
      roles,
      claim: claimOf(registration, undefined),
      places: null,
      ...(id === undefined ? {} : { id }),
    });
    return { id: made.userId, created: true };
  } catch (error) {
    // Another process makes the same accounts at this moment.
    const winner = error instanceof RefusedError ? await findCredentials(deps.db.em(), registration.mobile) : null;
    if (winner) return { id: winner.userId, created: false };
    throw error;
  }
}

/**
 * Makes the first administrator unless there is one with this number; without a password it makes one up. Throws
 * ConfigError when the number belongs to somebody who is not an administrator.
 */
export async function ensureAdmin(
  deps: UserDeps,
  wanted: { mobile: string; password: string | undefined },
): Promise<FirstAdmin> {
  const password = wanted.password ?? deps.randomBytes(generatedPasswordBytes).toString('base64url');
  const made = await createUserDirectly(deps, {
    name: adminName,
    mobile: wanted.mobile,
    password,
    roles: ['CUSTOMER', 'ADMIN'],
  });
  const user = await readUser(deps.db.em(), made.id);
  if (!user?.roles.includes('ADMIN'))
    throw new ConfigError(
      `ADMIN_MOBILE: ${wanted.mobile} belongs to a user who is not an administrator; set another number.`,
    );
  return {
    ...made,
    mobile: user.mobile ?? wanted.mobile,
    password: made.created && wanted.password === undefined ? password : null,
  };
}

/** The functions above over the user schema, for a process that makes accounts; close it when done. */
export type Accounts = {
  /** The administrator of ADMIN_MOBILE and ADMIN_PASSWORD. */
  ensureAdmin(): Promise<FirstAdmin>;
  createUser(account: DirectAccount): Promise<MadeAccount>;
  close(): Promise<void>;
};

const poolSize = 3;

/** Opens the user schema, which has to be migrated. */
export async function openAccounts(runtime: Runtime): Promise<Accounts> {
  const db = await openDatabase({
    url: databaseUrl(runtime.env, runtime.config, 'user'),
    entities,
    migrations,
    poolSize,
    log: runtime.log,
  });
  const deps = await createDependencies(runtime, db);
  return {
    ensureAdmin: () => ensureAdmin(deps, readAdminConfig(runtime.env)),
    createUser: (account) => createUserDirectly(deps, account),
    close: () => db.close(),
  };
}
