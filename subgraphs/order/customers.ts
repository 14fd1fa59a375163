import { badUserInput } from '../shared/errors/errors.ts';
import { newTraceId } from '../shared/process/telemetry.ts';
import { typedIdentifier } from '../shared/values/text.ts';
import type { OrderDeps } from './deps.ts';
import type { OrderFilter, OrderScope } from './order-list-store.ts';

/** Of so many customers orders are looked for at once. */
const maxCustomers = 500;

const query = 'query CustomersOfOrders($query: String!, $first: Int!) { userIds(query: $query, first: $first) }';

/**
 * The customers that a filter's `customerQuery` finds, by the user service's word; null where it asks for none. Throws
 * BAD_USER_INPUT for too many, and in lists that have one customer.
 */
export async function customersOf(
  { call }: Pick<OrderDeps, 'call'>,
  { scope, filter, traceId }: { scope: OrderScope; filter: OrderFilter; traceId?: string | undefined },
): Promise<readonly string[] | null> {
  const wanted = filter.customerQuery ?? '';
  if (typedIdentifier(wanted) === '') return null;
  if (scope !== 'all') throw badUserInput('filter.customerQuery: is for lists of all orders.');
  const variables = { query: wanted, first: maxCustomers + 1 };
  const { userIds } = await call<{ userIds: string[] }>('user', { query, variables, traceId: traceId ?? newTraceId() });
  if (userIds.length > maxCustomers) throw badUserInput(`filter.customerQuery: finds more than ${maxCustomers} customers; type more.`); // prettier-ignore
  return userIds;
}
