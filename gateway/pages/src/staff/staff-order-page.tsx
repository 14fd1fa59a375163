import { useEffect } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { OrderInsideDocument } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { stateText } from '../orders/order-state.tsx';
import { OrderSummary } from '../orders/order-summary.tsx';
import { OrderView, type ShownOrder } from '../orders/order-view.tsx';
import { Timeline } from '../orders/timeline.tsx';
import { subjectOf } from '../orders/words.ts';
import { Loading, Problem, useTitle } from '../ui/parts.tsx';
import { Actions } from './actions.tsx';
import { Fulfilments } from './order/fulfilments.tsx';
import { Notes } from './order/more-actions.tsx';
import { StaffReturnRow } from './order/staff-return.tsx';
import { Customer, Payments, SagaSteps } from './inside.tsx';

/** One order as staff see it: live, with its saga step by step and each try to pay. */
export const StaffOrderPage = ({ orderId }: { orderId: string }) => (
  <>
    <p className="back">
      <Link href="/staff">← All orders</Link>
    </p>
    <OrderView orderId={orderId}>{(shown) => <Details {...shown} />}</OrderView>
  </>
);

function Details({ order, events, reload }: ShownOrder) {
  useTitle(`${stateText(order.state)}, ${order.number}`);
  const [{ data, error }, again] = useQuery({
    query: OrderInsideDocument,
    variables: { id: order.id },
    requestPolicy: 'network-only',
  });
  const lastSeq = events.at(-1)?.seq ?? 0;
  // Saga and payments change with the journal.
  useEffect(() => {
    if (lastSeq > 0) again({ requestPolicy: 'network-only' });
  }, [lastSeq, again]);

  const inside = data?.order ?? null;
  const refresh = async () => {
    again({ requestPolicy: 'network-only' });
    await reload();
  };
  return (
    <div className="columns">
      <div className="aside">
        {inside !== null && <Actions order={order} inside={inside} onDone={refresh} />}
        {order.returns.length > 0 && (
          <section className="card form" aria-labelledby="staff-returns-title">
            <h2 id="staff-returns-title">Returns</h2>
            <ul className="returns">
              {order.returns.map((one) => (
                <li key={one.id} className="form">
                  <StaffReturnRow one={one} onDone={refresh} />
                </li>
              ))}
            </ul>
          </section>
        )}
        <OrderSummary order={order} />
        <Fulfilments order={order} onDone={refresh} />
        {order.remark !== null && order.remark !== '' && (
          <section className="card" aria-label="Remark of the customer">
            <p className="muted small">The customer says</p>
            <p>{order.remark}</p>
          </section>
        )}
        {inside !== null && <Customer inside={inside} currency={order.total.currency} />}
        <Timeline events={events} subject={subjectOf(order)} currency={order.total.currency} />
      </div>
      <div className="aside">
        {inside === null && error === undefined && <Loading text="Looking inside…" />}
        {inside === null && error !== undefined && (
          <Problem what="The inside can’t be shown." why={toApiError(error).message} onRetry={() => void refresh()} />
        )}
        {inside !== null && (
          <>
            <SagaSteps saga={inside.saga} />
            <Payments payments={inside.payments} />
            <Notes order={order} onDone={refresh} />
          </>
        )}
      </div>
    </div>
  );
}
