import { Link } from 'wouter';
import { formatDateTime, formatMoment, formatMoney } from '../format.ts';
import { Countdown } from '../pay/countdown.tsx';
import { useTitle } from '../ui/parts.tsx';
import { CancelOrder } from './cancel-order.tsx';
import { pendingPayment, pendingText } from './money-words.ts';
import { OrderTools } from './order-again.tsx';
import { OrderSummary } from './order-summary.tsx';
import { OrderView, type ShownOrder } from './order-view.tsx';
import { Returns } from './returns.tsx';
import { Timeline } from './timeline.tsx';
import { deliveryText, methodText, paymentText, subjectOf, words } from './words.ts';
import { t } from '../language/catalogue.ts';

/** One order of the signed-in buyer, live. */
export const OrderPage = ({ orderId }: { orderId: string }) => (
  <>
    <p className="back">
      <Link href="/orders">{t().orders.backToAll}</Link>
    </p>
    <OrderView orderId={orderId}>{(shown) => <OrderDetails {...shown} />}</OrderView>
  </>
);

function OrderDetails({ order, events, reload }: ShownOrder) {
  useTitle(t().orders.states[order.state]);
  const pending = pendingPayment(order);
  return (
    <div className="columns">
      <div className="aside">
        <OrderSummary order={order} />
        {order.state === 'PENDING_PAYMENT' && pending !== null && (
          <section className="card form" aria-label={t().orders.payment}>
            <p className="notice wait">{pendingText(pending)}</p>
          </section>
        )}
        {order.state === 'PENDING_PAYMENT' && pending === null && (
          <section className="card form" aria-label={t().orders.payment}>
            <div className="due">
              <h2>
                <span className="muted small">{t().orders.toPay}</span>
                {formatMoney(order.balanceDue)}
              </h2>
              {order.expiresAt !== null && <Countdown expiresAt={order.expiresAt} onEnd={reload} />}
            </div>
            <Link className="button wide" href={`/pay/${order.id}`}>
              {t().orders.payNow}
            </Link>
            {order.allowedActions.includes('CANCEL') && <CancelOrder orderId={order.id} onCancelled={reload} />}
          </section>
        )}
        {order.state !== 'PENDING_PAYMENT' && order.allowedActions.includes('CANCEL') && (
          <section className="card form no-print" aria-label={t().orders.cancelling}>
            <p className="small muted">{words(order).cancel}</p>
            <CancelOrder orderId={order.id} onCancelled={reload} />
          </section>
        )}
        <Returns order={order} onChanged={reload} />
        <Facts order={order} />
        <OrderTools order={order} onChanged={reload} />
      </div>
      <Timeline events={events} subject={subjectOf(order)} currency={order.total.currency} />
    </div>
  );
}

function Facts({ order }: Pick<ShownOrder, 'order'>) {
  const delivery = deliveryText(order);
  const facts: [name: string, value: string][] = [
    [t().orders.placed, formatDateTime(order.placedAt)],
    [t().orders.payment, [paymentText(order), ...order.payments.filter(({ captured }) => captured.amount > 0).map(({ captured, method }) => t().orders.by(formatMoney(captured), methodText(method)))].join(', ')],
    ...(delivery === null ? [] : [[t().orders.delivery, delivery] as [string, string]]),
    ...(order.billingAddress === null ? [] : [[t().orders.billTo, order.billingAddress.formatted.join(', ')] as [string, string]]),
  ]; // prettier-ignore
  if (order.remark !== null && order.remark !== '') facts.push([t().orders.remark, order.remark]);
  return (
    <section className="card" aria-labelledby="facts-title">
      <h2 id="facts-title">{t().orders.details}</h2>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name + value}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        {order.fulfilments.map((fulfilment) => (
          <Sent key={fulfilment.id} fulfilment={fulfilment} />
        ))}
      </dl>
    </section>
  );
}

function Sent({ fulfilment }: { fulfilment: ShownOrder['order']['fulfilments'][number] }) {
  const { carrier, trackingNumber, trackingUrl, createdAt, deliveredAt, cancelledAt } = fulfilment;
  const parcel = [carrier, trackingNumber].filter((text) => text !== null).join(' ');
  return (
    <div>
      <dt>{cancelledAt === null ? t().orders.sent : t().orders.sentButLost}</dt>
      <dd>
        {formatMoment(createdAt)}
        {parcel !== '' && `, ${parcel}`}
        {trackingUrl !== null && cancelledAt === null && (
          <>
            {', '}
            <a href={trackingUrl} target="_blank" rel="noopener noreferrer">
              {t().orders.followIt}
            </a>
          </>
        )}
        {deliveredAt !== null && `, ${t().orders.deliveredAt(formatMoment(deliveredAt))}`}
      </dd>
    </div>
  );
}
