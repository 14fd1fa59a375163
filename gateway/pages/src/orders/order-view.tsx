import type { ReactNode } from 'react';
import type { Order, OrderEvent } from '../types.ts';
import { NotFound } from '../ui/not-found.tsx';
import { Connection, Loading, Problem } from '../ui/parts.tsx';
import { StateBadge } from './order-state.tsx';
import { type LoadedOrder, useOrder } from './use-order.ts';
import { t } from '../language/catalogue.ts';

export type ShownOrder = {
  readonly order: Order;
  readonly events: readonly OrderEvent[];
  readonly reload: () => Promise<void>;
};

/** One order followed live: its number, state and connection, and below what `children` make of it. */
export function OrderView({ orderId, children }: { orderId: string; children: (shown: ShownOrder) => ReactNode }) {
  const { status, order, events, connection, problem, reload } = useOrder(orderId);
  if (status === 'missing') {
    return <NotFound title={t().orders.noSuchOrder} text={t().orders.notYours} />;
  }
  if (status === 'problem') {
    return <Problem what={t().orders.orderUnshown} why={problem ?? ''} onRetry={() => void reload()} />;
  }
  if (order === null) return <Loading text={t().orders.loadingOne} />;
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
      {t().orders.order} <span className="number">{order.number}</span>
    </h1>
    <span className="order-state">
      <StateBadge state={order.state} paymentStatus={order.paymentStatus} />
      <Connection state={connection} />
    </span>
  </div>
);
