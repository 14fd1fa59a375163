import type { NamedMigration } from '../../shared/database/database.ts';
import { Users } from './001-users.ts';
import { MobilesAsDigits } from './002-mobiles-as-digits.ts';
import { SignInPlaces } from './003-sign-in-places.ts';
import { NameKeys } from './004-name-keys.ts';

/** In the order in which they are applied. */
export const migrations: readonly NamedMigration[] = [
  { name: '001-users', class: Users },
  { name: '002-mobiles-as-digits', class: MobilesAsDigits },
  { name: '003-sign-in-places', class: SignInPlaces },
  { name: '004-name-keys', class: NameKeys },
];
