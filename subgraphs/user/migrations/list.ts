import type { NamedMigration } from '../../shared/database.ts';
import { Users } from './001-users.ts';

/** In the order in which they are applied. */
export const migrations: readonly NamedMigration[] = [{ name: '001-users', class: Users }];
