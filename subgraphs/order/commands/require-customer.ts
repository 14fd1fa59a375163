import { RefusedError, notFoundError, validationError } from '../../shared/errors/errors.ts';
import { isId } from '../../shared/values/ids.ts';
import type { OrderDeps } from '../deps.ts';
import type { OrderType } from '../types/order-type.ts';

const query = `query CustomerOfOrder($representations: [_Any!]!) { _entities(representations: $representations) { ... on User { id status } } }`; // prettier-ignore

/**
 * Whether staff may place an order of this type for this customer: the user service knows the customer, who was neither erased
 * nor suspended, and the order does not spend money that only the customer may spend. Throws RefusedError.
 */
export async function requireCustomer(
  { call }: Pick<OrderDeps, 'call'>,
  { customerId, type, traceId }: { customerId: string; type: Pick<OrderType, 'code' | 'payFlow'>; traceId: string },
): Promise<void> {
  if (type.payFlow === 'PREPAY_WALLET') {
    const message = `Orders of type ${type.code} are paid from the customer's wallet, so only the customer places them.`;
    throw new RefusedError(validationError(message, ['input', 'type']));
  }
  const variables = { representations: [{ __typename: 'User', id: customerId }] };
  const found = isId(customerId)
    ? await call<{ _entities: readonly ({ id: string; status: string } | null)[] }>('user', {
        query,
        variables,
        traceId,
      })
    : null;
  const [customer] = found?._entities ?? [];
  if (!customer) throw new RefusedError(notFoundError('There is no such customer.', customerId, ['customerId']));
  if (customer.status === 'SUSPENDED')
    throw new RefusedError({
      __typename: 'BusinessRejectedError',
      code: 'BUSINESS_REJECTED',
      message: 'The customer is suspended; lift that first.',
      path: ['customerId'],
      cause: 'CUSTOMER_SUSPENDED',
    });
}
