import { type Viewer, mayRead, requireUser } from '../shared/auth/viewer.ts';
import { notFound } from '../shared/errors/errors.ts';
import type { CallContext } from '../shared/engine/prepare.ts';
import type { OrderDeps } from './deps.ts';
import type { DelayedJob } from './jobs.ts';
import type { OrderLoaders } from './loaders.ts';
import type { StoredOrder } from './stored-order.ts';

/** What resolvers get with every call. */
export type OrderContext = CallContext & {
  readonly deps: OrderDeps;
  readonly loaders: OrderLoaders;
  readonly listJobs: () => Promise<readonly DelayedJob[]>;
};

/** The order, if this viewer may read it. */
export const visible = (viewer: Viewer, order: StoredOrder | null): StoredOrder | null =>
  order && mayRead(viewer, order.customerId) ? order : null;
export const noOrder = () => notFound('There is no such order.');

/** The signed-in user or one of our services. Throws UNAUTHENTICATED. */
export function requireReader(viewer: Viewer): void {
  if (viewer.kind !== 'service') requireUser(viewer);
}
