import { sql as raw } from 'kysely';
import { find } from '../../shared/database/tables.ts';
import type { Sql } from '../../shared/database/statements.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';
import { tables } from '../records.ts';
import type { Locale } from '../domain/locale.ts';
import type { OutwardChannel } from './kinds.ts';

/** Whom a notification is for, as the account is now. */
export type Recipient = {
  readonly userId: string;
  readonly name: string;
  /** Where each channel reaches the person; null where it doesn't. */
  readonly addresses: Readonly<Record<OutwardChannel, string | null>>;
  /** Null for the shop's. */
  readonly locale: Locale | null;
};

const accounts = tables
  .selectFrom('user_account')
  .select(['id', 'name', 'email', 'verified_email', 'mobile', 'locale']);

/** Null for nobody, and for somebody who was erased. */
export async function readRecipient(sql: Sql, userId: string): Promise<Recipient | null> {
  const [row] = await find(sql, accounts.where('id', '=', idToBytes(userId)).where('status', '<>', 'ERASED'));
  if (!row) return null;
  return {
    userId,
    name: row.name,
    // An address that nobody has verified may be a stranger's mailbox.
    addresses: {
      EMAIL: row.verified_email === null ? null : row.email,
      SMS: row.mobile === null ? null : `+${row.mobile}`,
    },
    locale: row.locale,
  };
}

/** Whether this is somebody who can act as a merchant. */
export async function isActingMerchant(sql: Sql, userId: string): Promise<boolean> {
  const merchant = tables
    .selectFrom('user_account')
    .select('id')
    .where('id', '=', idToBytes(userId))
    .where('status', '=', 'ACTIVE')
    .where(raw<boolean>`find_in_set('MERCHANT', roles) > 0`);
  return (await find(sql, merchant)).length === 1;
}

/** Staff of these roles who can act, at most `limit`. */
export async function readStaffIds(
  sql: Sql,
  roles: readonly ('OPERATOR' | 'ADMIN')[],
  limit: number,
): Promise<string[]> {
  const staff = tables
    .selectFrom('user_account')
    .select('id')
    .where('highest_role', 'in', [...roles])
    .where('status', '=', 'ACTIVE')
    .orderBy('id')
    .limit(limit);
  return (await find(sql, staff)).map(({ id }) => idFromBytes(id));
}
