import type { ReactNode } from 'react';
import type { Order, OrderEvent } from '../types.ts';
import { NotFound } from '../ui/not-found.tsx';
import { Connection, Loading, Problem } from '../ui/parts.tsx';
import { StateBadge } from './order-state.tsx';
import { type LoadedOrder, useOrder } from './use-order.ts';

export type ShownOrder = {
  readonly order: Order;
  readonly events: readonly OrderEvent[];
  readonly reload: () => Promise<void>;
};

/** One order followed live: its number, state and connection, and below what `children` make of it. */
export function OrderView({ orderId, children }: { orderId: string; children: (shown: ShownOrder) => ReactNode }) {
  const { status, order, events, connection, problem, reload } = useOrder(orderId);
  if (status === 'missing') {
    return (
      <NotFound
        title="No such order"
        text="This order doesn’t exist, or it belongs to somebody else. Sign in with the account that placed it."
      />
    );
  }
  if (status === 'problem') {
    return <Problem what="The order can’t be shown." why={problem ?? ''} onRetry={() => void reload()} />;
  }
  if (order === null) return <Loading text="Loading the order…" />;
  return (
    <>
      <OrderHead order={order} connection={connection} />
      {children({ order, events, reload })}
    </>
  );
}

const OrderHead = ({ order, connection }: { order: Order; connection: LoadedOrder['connection'] }) => (
  <div className="page-head">
    <h1>
      Order <span className="number">{order.number}</span>
    </h1>
    <span className="order-state">
      <StateBadge state={order.state} paymentStatus={order.paymentStatus} />
      <Connection state={connection} />
    </span>
  </div>
);
