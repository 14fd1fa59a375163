import { rpcUsedKey } from '../shared/auth/grants.ts';
import { type Page, foreignCursor, pageArguments, toPage } from '../shared/values/paging.ts';
import { notFound } from '../shared/errors/errors.ts';
import { isId } from '../shared/values/ids.ts';
import { readCredentialList } from './credential-store.ts';
import type { UserDeps } from './dependencies.ts';
import type { ServiceCredential } from './domain/service-credential.ts';
import type { User } from './domain/user.ts';
import type { Loaders } from './loaders.ts';
import { countUsers, listUsers } from './store.ts';

/** A user who exists. Throws NOT_FOUND. */
export async function userById(loaders: Loaders, id: string): Promise<User> {
  const user = await loaders.user.load(id);
  if (!user) throw notFound('There is no such user.');
  return user;
}

/** The id in a cursor of one of the user service's lists; null for the first page. */
export function idAfter(page: { readonly after: readonly unknown[] | null }): string | null {
  const after = page.after === null ? null : String(page.after[0]);
  if (after !== null && !isId(after)) throw foreignCursor();
  return after;
}

/** A page of users, newest first; `totalCount` is counted when it is selected. */
export async function users(
  deps: Pick<UserDeps, 'db'>,
  given: { first?: number | null; after?: string | null; query?: string | null },
): Promise<Page<User> & { totalCount: () => Promise<number> }> {
  const filter = { query: given.query ?? null };
  const page = pageArguments(given, { name: 'users', keyLength: 1, selection: filter });
  const rows = await listUsers(deps.db.em(), filter, { limit: page.first + 1, after: idAfter(page) });
  return { ...toPage(rows, page, (user) => [user.id]), totalCount: () => countUsers(deps.db.em(), filter) };
}

/** Ids of the newest `first` users that a query finds. */
export const userIds = async (
  deps: Pick<UserDeps, 'db'>,
  { query, first }: { query: string; first: number },
): Promise<string[]> => (await listUsers(deps.db.em(), { query }, { limit: first, after: null })).map(({ id }) => id);

export type ListedCredential = ServiceCredential & { readonly lastUsedAt: Date | null };

/** When each of these credentials was last accepted, from Redis; null where Redis doesn't know. */
export async function withLastUse(
  deps: Pick<UserDeps, 'redis'>,
  credentials: readonly ServiceCredential[],
): Promise<ListedCredential[]> {
  const services = [...new Set(credentials.map(({ service }) => service))];
  const used = new Map(
    await Promise.all(
      services.map(async (service) => [service, await deps.redis.hGetAll(rpcUsedKey(service))] as const),
    ),
  );
  return credentials.map((credential) => {
    const usedAtMs = used.get(credential.service)?.[credential.app];
    return { ...credential, lastUsedAt: usedAtMs === undefined ? null : new Date(Number(usedAtMs)) };
  });
}

/** Every pair of app and service that has or had the right to call. */
export const serviceCredentials = async (deps: Pick<UserDeps, 'db' | 'redis'>): Promise<ListedCredential[]> =>
  withLastUse(deps, await readCredentialList(deps.db.em()));
