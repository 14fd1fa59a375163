import { useEffect, useRef } from 'react';
import { formatMoney } from '../format.ts';
import { Frame } from '../frame.tsx';
import { useSession } from '../session.ts';
import { SignInForm } from '../sign-in.tsx';
import type { Order } from '../types.ts';
import { CancelOrder } from './cancel-order.tsx';
import { CardForm } from './card-form.tsx';
import { Countdown } from './countdown.tsx';
import { Connection, OrderSummary, StateBadge, Timeline } from './order-summary.tsx';
import { OutcomeScreen, outcomeOf } from './outcome.tsx';
import { useCardPayment } from './use-card-payment.ts';
import { useOrder } from './use-order.ts';

export function PayPage({ orderId }: { orderId: string }) {
  const session = useSession();
  return (
    <Frame>
      {session === null ? (
        <div className="narrow">
          <h1>Pay your order</h1>
          <section className="card form" aria-labelledby="sign-in-title">
            <h2 id="sign-in-title">Sign in</h2>
            <p className="muted">Only whoever placed an order can see and pay it.</p>
            <SignInForm />
          </section>
        </div>
      ) : (
        <OrderToPay orderId={orderId} userId={session.user.id} />
      )}
    </Frame>
  );
}

function OrderToPay({ orderId, userId }: { orderId: string; userId: string }) {
  const { status, order, events, connection, problem, reload } = useOrder(orderId, userId);
  if (status === 'missing') {
    return (
      <div className="narrow">
        <h1>No such order</h1>
        <p className="muted">
          This order doesn’t exist, or it belongs to somebody else. Sign in with the account that placed it.
        </p>
        <p>
          <a href="/">Go to the start page</a>
        </p>
      </div>
    );
  }
  if (status === 'problem') {
    return (
      <div className="narrow">
        <h1>The order can’t be shown</h1>
        <p className="notice bad" role="alert">
          {problem}
        </p>
        <button type="button" className="button" onClick={() => void reload()}>
          Try again
        </button>
      </div>
    );
  }
  if (order === null) {
    return (
      <p className="loading" role="status">
        <span className="spinner" /> Loading your order…
      </p>
    );
  }
  return (
    <>
      <div className="pay-head">
        <h1>
          Order <span className="number">{order.number}</span>
        </h1>
        <span className="pay-state">
          <StateBadge state={order.state} />
          <Connection state={connection} />
        </span>
      </div>
      <div className="pay-columns">
        <section className="card" aria-label="Payment">
          <Payment order={order} reload={reload} />
        </section>
        <div className="aside">
          <OrderSummary order={order} />
          <Timeline events={events} />
        </div>
      </div>
    </>
  );
}

function Payment({ order, reload }: { order: Order; reload: () => Promise<void> }) {
  const { step, pay, confirm, takeAnotherCard } = useCardPayment(order, reload);
  const outcome = outcomeOf(order);
  useTitle(outcome?.title ?? 'Payment');

  if (outcome !== null) {
    return (
      <div role="status">
        <OutcomeScreen order={order} outcome={outcome} />
      </div>
    );
  }
  if (order.state === 'PLACING') {
    return (
      <p className="loading" role="status">
        <span className="spinner" /> Your order is being placed…
      </p>
    );
  }
  const busy = step.kind === 'working' ? step.text : null;
  const hideCard = step.kind === 'confirm' || step.kind === 'waiting';
  return (
    <div className="form">
      <div className="due">
        <h2>
          <span className="muted small">To pay</span>
          {formatMoney(order.balanceDue)}
        </h2>
        {order.expiresAt !== null && <Countdown expiresAt={order.expiresAt} onEnd={reload} />}
      </div>
      <div role="alert">
        {step.kind === 'declined' && (
          <p className="notice bad">
            <strong>The payment did not go through.</strong> {step.message} Nothing was charged: try again or use
            another card.
          </p>
        )}
        {step.kind === 'problem' && (
          <p className="notice bad">
            {step.message}
            {step.again && ' Pressing Pay again repeats the same request: you won’t be charged twice.'}
          </p>
        )}
      </div>
      <div role="status">
        {step.kind === 'waiting' && (
          <p className="notice wait loading">
            <span className="spinner" />
            {step.long
              ? 'This takes longer than usual. You may close this page: the order goes on without it.'
              : 'Waiting for the bank’s word…'}
          </p>
        )}
        {step.kind === 'confirm' && <p className="notice">Your bank wants you to confirm this payment.</p>}
      </div>
      {step.kind === 'confirm' && (
        <>
          <button type="button" className="button wide" autoFocus onClick={() => void confirm()}>
            Confirm {formatMoney(order.balanceDue)}
          </button>
          <button type="button" className="button quiet wide" onClick={takeAnotherCard}>
            Use another card
          </button>
        </>
      )}
      {!hideCard && <CardForm amount={formatMoney(order.balanceDue)} busy={busy} onPay={(card) => void pay(card)} />}
      {order.allowedActions.includes('CANCEL') && busy === null && step.kind !== 'waiting' && (
        <CancelOrder orderId={order.id} onCancelled={reload} />
      )}
    </div>
  );
}

/** The tab's title tells the state too, for whoever waits in another tab. */
function useTitle(state: string): void {
  const initial = useRef(document.title);
  useEffect(() => {
    document.title = initial.current.replace(/^[^·]+/, `${state} `);
  }, [state]);
}
