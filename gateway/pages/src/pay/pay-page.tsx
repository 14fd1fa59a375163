import { useEffect } from 'react';
import { Link } from 'wouter';
import { formatMoney } from '../format.ts';
import { CancelOrder } from '../orders/cancel-order.tsx';
import { pendingPayment, pendingText } from '../orders/money-words.ts';
import { OrderTools } from '../orders/order-again.tsx';
import { OrderSummary } from '../orders/order-summary.tsx';
import { OrderView } from '../orders/order-view.tsx';
import { outcomeOf } from '../orders/outcome.ts';
import { OutcomeScreen } from '../orders/outcome-screen.tsx';
import { Timeline } from '../orders/timeline.tsx';
import { subjectOf } from '../orders/words.ts';
import type { Order } from '../types.ts';
import { Loading, useTitle } from '../ui/parts.tsx';
import { declineText } from './ask-provider.ts';
import { Countdown } from './countdown.tsx';
import { externalPayment } from './methods.ts';
import { OpenPayment } from './open-payment.tsx';
import { PayForm } from './pay-form.tsx';
import { PayStatus } from './pay-status.tsx';
import { cardPayment, lastAttempt } from './start-payment.ts';
import { usePayment } from './use-payment.ts';
import { t } from '../language/catalogue.ts';

/** Where an order is paid, with its live status until it is paid or closed. */
export const PayPage = ({ orderId }: { orderId: string }) => (
  <>
    <p className="back">
      <Link href={`/orders/${orderId}`}>{t().orders.backToOne}</Link>
    </p>
    <OrderView orderId={orderId}>
      {({ order, events, reload }) => (
        <div className="columns">
          <section className="card" aria-label={t().pay.payment}>
            <Payment order={order} reload={reload} />
          </section>
          <div className="aside">
            <OrderSummary order={order} />
            <Timeline events={events} subject={subjectOf(order)} currency={order.total.currency} />
          </div>
        </div>
      )}
    </OrderView>
  </>
);

function Payment({ order, reload }: { order: Order; reload: () => Promise<void> }) {
  // What a provider's page has sent along says nothing that the API does not know better, and stays out of the history.
  useEffect(() => {
    if (location.search !== '') history.replaceState(history.state, '', location.pathname);
  }, []);
  const payment = usePayment(order, reload);
  const { step } = payment;
  const outcome = outcomeOf(order);
  useTitle(outcome?.title ?? t().pay.payment);

  if (outcome !== null) {
    return (
      <div role="status">
        <OutcomeScreen order={order} outcome={outcome} />
        <OrderTools order={order} onChanged={reload} />
      </div>
    );
  }
  if (order.state === 'PLACING') return <Loading text={t().pay.placing} />;
  const pending = pendingPayment(order);
  if (pending !== null) {
    return (
      <div className="form" role="status">
        <h2>{pending.state === 'AUTHORIZED' ? t().pay.authorised : t().pay.onItsWay}</h2>
        <p className="notice wait">{pendingText(pending)}</p>
        {order.allowedActions.includes('CANCEL') && <CancelOrder orderId={order.id} onCancelled={reload} />}
      </div>
    );
  }
  const external = externalPayment(order);
  if (external?.state === 'SETTLED') return <Loading text={t().pay.waiting} />;
  const begun = external?.state === 'OPEN' && external.method !== 'SIMULATED_CARD' ? external : undefined;
  const toConfirm = formatMoney(cardPayment(order)?.amount ?? order.balanceDue);
  return (
    <div className="form">
      <div className="due">
        <h2>
          <span className="muted small">{t().orders.toPay}</span>
          {formatMoney(order.balanceDue)}
        </h2>
        {order.expiresAt !== null && <Countdown expiresAt={order.expiresAt} onEnd={reload} />}
      </div>
      {begun !== undefined && <OpenPayment payment={begun} orderId={order.id} onChanged={reload} />}
      {external?.state === 'FAILED' && external.method !== 'SIMULATED_CARD' && step.kind === 'idle' && (
        <p className="notice bad" role="alert">
          <strong>{t().pay.didNotGoThrough}</strong> {declineText({ message: lastAttempt(external)?.failureMessage })}{' '}
          {t().pay.nothingCharged}
        </p>
      )}
      <PayStatus step={step} />
      {step.kind === 'confirm' && (
        <>
          <button type="button" className="button wide" autoFocus onClick={() => void payment.confirm()}>
            {t().pay.confirm(toConfirm)}
          </button>
          <button type="button" className="button quiet wide" onClick={payment.takeAnotherCard}>
            {t().pay.anotherCard}
          </button>
        </>
      )}
      {step.kind !== 'confirm' && step.kind !== 'waiting' && begun === undefined && (
        <PayForm order={order} payment={payment} onStarted={reload} />
      )}
      {order.allowedActions.includes('CANCEL') && step.kind !== 'working' && step.kind !== 'waiting' && (
        <CancelOrder orderId={order.id} onCancelled={reload} />
      )}
    </div>
  );
}
