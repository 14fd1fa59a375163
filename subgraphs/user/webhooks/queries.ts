import { type Viewer } from '../../shared/auth/viewer.ts';
import { forbidden } from '../../shared/errors/errors.ts';
import { type Page, pageArguments, toPage } from '../../shared/values/paging.ts';
import type { UserDeps } from '../dependencies.ts';
import { idAfter } from '../queries.ts';
import { type Delivery, listDeliveries } from './delivery-store.ts';
import { forOwners, ownerFor } from './endpoint.ts';
import { type Endpoint, listEndpoints } from './endpoint-store.ts';
import type { DeliveryState } from './records.ts';

/** The platform's endpoints for administrators, a merchant's own for the merchant. Throws UNAUTHENTICATED or FORBIDDEN. */
export async function webhookEndpoints(deps: Pick<UserDeps, 'db'>, viewer: Viewer): Promise<Endpoint[]> {
  const owner = ownerFor(viewer);
  if (!owner) throw forbidden(forOwners().message);
  return listEndpoints(deps.db.em(), owner.ownerId);
}

/** Deliveries to an endpoint, the newest event first. */
export async function deliveriesOf(
  deps: Pick<UserDeps, 'db'>,
  { id: endpointId }: Endpoint,
  given: { first?: number | null; after?: string | null; state?: DeliveryState | null },
): Promise<Page<Delivery>> {
  const state = given.state ?? null;
  const page = pageArguments(given, { name: 'deliveries', keyLength: 1, selection: { endpointId, state } });
  const rows = await listDeliveries(
    deps.db.em(),
    { endpointId, state },
    { limit: page.first + 1, after: idAfter(page) },
  );
  return toPage(rows, page, (delivery) => [delivery.eventId]);
}
