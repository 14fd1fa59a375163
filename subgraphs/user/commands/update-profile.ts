import type { UserViewer } from '../../shared/auth/viewer.ts';
import type { Sql } from '../../shared/database/database.ts';
import { type Refusal, RefusedError, orRefusals } from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { lockOpenAccount } from '../administration/account-store.ts';
import type { UserDeps } from '../dependencies.ts';
import { type Profile, type ProfileInput, type User, checkProfile, profileRefusal } from '../domain/user.ts';
import * as store from '../store.ts';

/** The answer of mutations that change a user. */
export type UserPayload = {
  readonly user: User | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

export const userRefused = (userErrors: readonly Refusal[]): UserPayload => ({
  user: null,
  replayed: false,
  userErrors,
});

/** Changes the given parts of the viewer's own profile. */
export function updateProfile(
  deps: UserDeps,
  viewer: UserViewer,
  input: ProfileInput,
  idempotencyKey: string | null | undefined,
): Promise<UserPayload> {
  return orRefusals(async () => {
    const checked = checkProfile(input);
    if ('refusals' in checked) throw new RefusedError(...checked.refusals);
    const id = viewer.userId;
    const { replayed } = await deps.db.transaction(async (tx) => {
      const claimed = await claimKey(tx, { ownerId: id, operation: 'updateProfile', key: idempotencyKey, input }, {});
      if (!claimed.replayed)
        await save(tx, { id, version: input.expectedVersion ?? null, profile: checked.values, at: deps.now() });
      return claimed;
    });
    return { user: await store.readUser(deps.db.em(), id), replayed, userErrors: [] };
  }, userRefused);
}

async function save(
  tx: Sql,
  change: { id: string; version: number | null; profile: Partial<Profile>; at: Date },
): Promise<void> {
  await lockOpenAccount(tx, change.id);
  const changesNothing = Object.keys(change.profile).length === 0;
  if (!changesNothing && (await store.updateProfile(tx, change))) return;
  const actualVersion = (await store.readUser(tx, change.id))?.version ?? null;
  if (changesNothing && actualVersion !== null && (change.version === null || change.version === actualVersion)) return;
  throw new RefusedError(profileRefusal({ expectedVersion: change.version ?? 0, actualVersion }));
}
