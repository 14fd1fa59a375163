import type { ResolverMap } from '../../shared/engine/subgraph.ts';
import type { UserContext } from '../dependencies.ts';
import { eraseUser } from './erase-user.ts';
import { exportPersonalData } from './export-personal-data.ts';

/** What a person may have: all that is kept, and that it is no longer kept. */
export const erasureResolvers = {
  Mutation: {
    exportPersonalData: (_: unknown, { userId }: { userId?: string | null }, { deps, ...asker }: UserContext) =>
      exportPersonalData(deps, asker, { userId: userId ?? null }),
    eraseUser: (
      _: unknown,
      { idempotencyKey, ...input }: { userId: string; reason: string; idempotencyKey?: string | null },
      { deps, ...asker }: UserContext,
    ) => eraseUser(deps, asker, input, idempotencyKey),
  },
} satisfies ResolverMap;
