import { type Viewer, type UserViewer, mayRead } from '../shared/auth/viewer.ts';
import { RefusedError, notFoundError } from '../shared/errors/errors.ts';
import { isId } from '../shared/values/ids.ts';
import { CallError } from '../shared/calls/link.ts';
import { type Money, type MoneyJson, moneyFromJson } from '../shared/values/money.ts';
import type { PaymentDeps } from './deps.ts';
import { walletNotTaken, orderNotPayable } from './domain/refusals.ts';

/** What the order service says about an order; another service's data, kept to what paying needs. */
export type OrderFacts = {
  readonly id: string;
  readonly state: string;
  /** Code of its order type. */
  readonly type: string;
  readonly customerId: string;
  readonly balanceDue: Money;
  readonly expiresAt: Date | null;
};

type Answer = {
  _entities: readonly ({
    state: string;
    type: { code: string };
    customer: { id: string };
    balanceDue: MoneyJson;
    expiresAt: string | Date | null;
  } | null)[];
};

const document = /* GraphQL */ `
  query PaymentOrder($representations: [_Any!]!) {
    _entities(representations: $representations) {
      ... on Order {
        state
        type {
          code
        }
        customer {
          id
        }
        balanceDue {
          amount
          currency
        }
        expiresAt
      }
    }
  }
`;

/** Asks the order service; null for an order that does not exist. Rejects with SERVICE_UNAVAILABLE when it can't answer. */
export async function findOrder(
  deps: Pick<PaymentDeps, 'call'>,
  orderId: string,
  traceId: string,
): Promise<OrderFacts | null> {
  if (!isId(orderId)) return null;
  try {
    const variables = { representations: [{ __typename: 'Order', id: orderId }] };
    const answer = await deps.call<Answer>('order', { query: document, variables, traceId });
    const order = answer._entities[0];
    if (!order) return null;
    return {
      id: orderId,
      state: order.state,
      type: order.type.code,
      customerId: order.customer.id,
      balanceDue: moneyFromJson(order.balanceDue),
      expiresAt: order.expiresAt === null ? null : new Date(order.expiresAt),
    };
  } catch (error) {
    if (error instanceof CallError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

/** An order that this viewer may see, else null. */
export async function findVisibleOrder(
  deps: Pick<PaymentDeps, 'call'>,
  viewer: Viewer,
  orderId: string,
  traceId: string,
): Promise<OrderFacts | null> {
  const order = await findOrder(deps, orderId, traceId);
  return order && mayRead(viewer, order.customerId) ? order : null;
}

/** The order's state with its deadline honoured to the millisecond, marked or not. */
export const stateAt = (order: { state: string; expiresAt: Date | null }, now: Date): string =>
  order.state === 'PENDING_PAYMENT' && order.expiresAt !== null && order.expiresAt.getTime() <= now.getTime()
    ? 'EXPIRED'
    : order.state;

/** An order of this user that can be paid now; refuses with NotFoundError or OrderNotPayableError. */
export async function requirePayableOrder(
  deps: Pick<PaymentDeps, 'call' | 'now'>,
  user: UserViewer,
  orderId: string,
  traceId: string,
): Promise<OrderFacts> {
  const order = await findOrder(deps, orderId, traceId);
  if (!order || order.customerId !== user.userId) {
    throw new RefusedError(notFoundError('There is no such order of yours.', orderId, ['input', 'orderId']));
  }
  const state = stateAt(order, deps.now());
  if (state !== 'PENDING_PAYMENT' || order.balanceDue.amount <= 0n) throw new RefusedError(orderNotPayable(state));
  return order;
}

/** Order types that a wallet can't pay: a top-up by wallet would move money in a circle. */
const withoutWallet: ReadonlySet<string> = new Set(['TOPUP']);

export const takesWallet = (order: Pick<OrderFacts, 'type'>): boolean => !withoutWallet.has(order.type);

/** Refuses for an order that its customer's wallet may not pay, or pay a part of. */
export function requireWalletTaken(order: Pick<OrderFacts, 'type'>): void {
  if (!takesWallet(order)) throw new RefusedError(walletNotTaken(order.type));
}
