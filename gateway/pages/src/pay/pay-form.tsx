import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { PayOptionsDocument } from '../../../../schema/generated/operations.ts';
import { formatMoney } from '../format.ts';
import type { Money, Order } from '../types.ts';
import { Loading, Spinner } from '../ui/parts.tsx';
import { CardForm } from './card-form.tsx';
import { cardPayment, walletShare } from './start-payment.ts';
import { TransferButton } from './transfer.tsx';
import type { usePayment } from './use-payment.ts';
import { t } from '../language/catalogue.ts';

/** A wallet can't fill itself: the API refuses it. */
const topUpType = 'TOPUP';

/** How to pay: by card, and from the wallet where there is something in it. */
export function PayForm({
  order,
  payment,
  onStarted,
}: {
  order: Order;
  payment: ReturnType<typeof usePayment>;
  onStarted: () => Promise<void>;
}) {
  const [wanted, setWanted] = useState(false);
  const started = cardPayment(order);
  const { balance, takesCard, takesTransfer, paysWhole, known } = useOptions(order);
  const busy = payment.step.kind === 'working' ? payment.step.text : null;

  // What was begun decides how the money is split: the API takes one split an order.
  // After a decline the API says anew what can be used: another card, the wallet, or both.
  const declined = started?.state === 'FAILED';
  const setAside = walletShare(order);
  const aside = setAside !== null && <p className="notice">{t().pay.setAsideInWallet(formatMoney(setAside))}</p>;
  if (started !== undefined && !declined) {
    return (
      <>
        {aside}
        <CardForm amount={formatMoney(started.amount)} busy={busy} onPay={(card) => void payment.pay(card, null)} />
      </>
    );
  }

  // Nothing that somebody is about to fill in may be replaced under their hands.
  if (!known) return <Loading text={t().pay.looking} />;
  // The wallet's share of a payment that was declined is still set aside: only the wallet as a whole may take its place.
  const offered = declined && !paysWhole ? null : balance;
  const share =
    wanted && offered !== null ? (paysWhole ? { ...order.balanceDue } : smaller(offered, order.balanceDue)) : null;
  const rest = { ...order.balanceDue, amount: order.balanceDue.amount - (share?.amount ?? 0) };
  return (
    <>
      {share === null && aside}
      {offered !== null && (
        <label className="check">
          <input
            type="checkbox"
            checked={wanted}
            disabled={busy !== null}
            onChange={(event) => setWanted(event.target.checked)}
          />
          <span>
            {t().pay.useWallet}
            <span className="small muted">
              {t().pay.inIt(formatMoney(offered))}
              {share !== null &&
                rest.amount > 0 &&
                t().pay.restBy(formatMoney(rest), t().orders.methods.SIMULATED_CARD)}
            </span>
          </span>
        </label>
      )}
      {rest.amount === 0 ? (
        <button
          type="button"
          className="button wide"
          aria-disabled={busy !== null}
          onClick={() => {
            if (busy === null) void payment.payFromWallet();
          }}
        >
          {busy !== null && <Spinner />}
          {busy ?? t().pay.fromWallet(formatMoney(order.balanceDue))}
        </button>
      ) : takesCard ? (
        <CardForm
          amount={formatMoney(declined && started !== undefined ? started.amount : rest)}
          busy={busy}
          onPay={(card) => void payment.pay(card, share)}
        />
      ) : takesTransfer ? null : (
        <p className="notice wait">{t().pay.noMethod}</p>
      )}
      {takesTransfer && share === null && busy === null && <TransferButton order={order} onStarted={onStarted} />}
    </>
  );
}

/** Made anew, because it is sent: what the cache hands out also has a `__typename`. */
const smaller = (a: Money, b: Money): Money => ({ amount: Math.min(a.amount, b.amount), currency: a.currency });

/**
 * What the wallet can pay in the order's currency (null when nothing), and whether the card can. `known` is false until
 * the API has answered; when it can't, the card is offered, and says itself what is wrong.
 */
function useOptions(order: Order): {
  balance: Money | null;
  takesCard: boolean;
  takesTransfer: boolean;
  paysWhole: boolean;
  known: boolean;
} {
  const [{ data, error }, again] = useQuery({
    query: PayOptionsDocument,
    variables: { orderId: order.id, currency: order.balanceDue.currency },
    requestPolicy: 'network-only',
  });
  // What can be used changes with what becomes of a payment.
  const states = order.payments.map(({ state }) => state).join();
  useEffect(() => again({ requestPolicy: 'network-only' }), [states, again]);
  const balance = data?.me?.wallet?.balance ?? null;
  return {
    balance: balance !== null && balance.amount > 0 && order.type.code !== topUpType ? balance : null,
    known: data !== undefined || error !== undefined,
    takesCard: data?.availablePaymentMethods.includes('SIMULATED_CARD') ?? true,
    takesTransfer: data?.availablePaymentMethods.includes('BANK_TRANSFER') ?? false,
    paysWhole: data?.availablePaymentMethods.includes('WALLET') ?? false,
  };
}
