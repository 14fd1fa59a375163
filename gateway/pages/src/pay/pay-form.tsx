import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { PayOptionsDocument } from '../../../../schema/generated/operations.ts';
import { formatMoney } from '../format.ts';
import { t } from '../language/catalogue.ts';
import { methodText } from '../orders/words.ts';
import type { Money, Order } from '../types.ts';
import { toApiError } from '../api.ts';
import { Loading, Problem, Spinner } from '../ui/parts.tsx';
import { CardForm } from './card-form.tsx';
import { MethodChoice } from './method-choice.tsx';
import { type External, externalPayment, externalsIn } from './methods.ts';
import { StartButton } from './start-button.tsx';
import { walletShare } from './start-payment.ts';
import type { usePayment } from './use-payment.ts';

/** A wallet can't fill itself: the API refuses it. */
const topUpType = 'TOPUP';

type Asked = {
  order: Order;
  payment: ReturnType<typeof usePayment>;
  onStarted: () => Promise<void>;
};

/** How to pay: by one of the shop's methods, and from the wallet where there is something in it. */
export function PayForm({ order, payment, onStarted }: Asked) {
  const started = externalPayment(order);
  const options = useOptions(order);
  // What was begun decides how the money is split: the API takes one split an order.
  const isBegun = started?.method === 'SIMULATED_CARD' && started.state !== 'FAILED';
  if (!isBegun && options.problem !== null) {
    return <Problem what={t().pay.methodsUnshown} why={options.problem} onRetry={options.reload} />;
  }
  if (!isBegun && !options.known) return <Loading text={t().pay.looking} />;
  const choice = isBegun ? { balance: null, methods: [started.method], paysWhole: false } : options;
  // One form from the first card to the last: nothing that somebody fills in is replaced under their hands.
  return <Choice order={order} payment={payment} onStarted={onStarted} options={choice} />;
}

function Choice({
  order,
  payment,
  onStarted,
  options: { balance, methods, paysWhole },
}: Asked & { options: Pick<Options, 'balance' | 'methods' | 'paysWhole'> }) {
  const [wanted, setWanted] = useState(false);
  const [chosen, setChosen] = useState<External | null>(null);
  const busy = payment.step.kind === 'working' ? payment.step.text : null;
  // After a decline the API says anew what can be used: another card, the wallet, or both.
  const known = externalPayment(order);
  const method =
    methods.find((each) => each === chosen) ?? methods.find((each) => each === known?.method) ?? methods[0];
  // The wallet's share of a payment that was declined is still set aside: only the wallet as a whole may take its place.
  const offered = known !== undefined && !paysWhole ? null : balance;
  const share =
    wanted && offered !== null ? (paysWhole ? { ...order.balanceDue } : smaller(offered, order.balanceDue)) : null;
  const rest = { ...order.balanceDue, amount: order.balanceDue.amount - (share?.amount ?? 0) };
  const goesOn = known !== undefined && known.method === method;
  const amount = formatMoney(goesOn ? known.amount : rest);
  return (
    <>
      {share === null && goesOn && <SetAside order={order} />}
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
                method !== undefined &&
                t().pay.restBy(formatMoney(rest), methodText(method))}
            </span>
          </span>
        </label>
      )}
      {rest.amount === 0 ? (
        <WalletButton busy={busy} amount={order.balanceDue} onPay={() => void payment.payFromWallet()} />
      ) : method === undefined ? (
        <p className="notice wait">{t().pay.noMethod}</p>
      ) : (
        <>
          {busy === null && <MethodChoice methods={methods} chosen={method} onChoose={setChosen} />}
          {method === 'SIMULATED_CARD' ? (
            <CardForm amount={amount} busy={busy} onPay={(card) => void payment.pay(card, share)} />
          ) : (
            <StartButton
              key={method}
              order={order}
              method={method}
              amount={amount}
              fromWallet={share}
              onStarted={onStarted}
            />
          )}
        </>
      )}
    </>
  );
}

/** What the wallet has given for a payment that was begun. */
function SetAside({ order }: { order: Order }) {
  const share = walletShare(order);
  return share === null ? null : <p className="notice">{t().pay.setAsideInWallet(formatMoney(share))}</p>;
}

const WalletButton = ({ busy, amount, onPay }: { busy: string | null; amount: Money; onPay: () => void }) => (
  <button
    type="button"
    className="button wide"
    aria-disabled={busy !== null}
    onClick={() => {
      if (busy === null) onPay();
    }}
  >
    {busy !== null && <Spinner />}
    {busy ?? t().pay.fromWallet(formatMoney(amount))}
  </button>
);

/** Made anew, because it is sent: what the cache hands out also has a `__typename`. */
const smaller = (a: Money, b: Money): Money => ({ amount: Math.min(a.amount, b.amount), currency: a.currency });

type Options = {
  /** What the wallet can pay in the order's currency; null for nothing. */
  readonly balance: Money | null;
  readonly methods: readonly External[];
  readonly paysWhole: boolean;
  /** False until the API has answered. */
  readonly known: boolean;
  /** Why it can't be said. */
  readonly problem: string | null;
  readonly reload: () => void;
};

function useOptions(order: Order): Options {
  const [{ data, error }, again] = useQuery({
    query: PayOptionsDocument,
    variables: { orderId: order.id, currency: order.balanceDue.currency },
    requestPolicy: 'network-only',
  });
  // What can be used changes with what becomes of a payment.
  const states = order.payments.map(({ state }) => state).join();
  useEffect(() => again({ requestPolicy: 'network-only' }), [states, again]);
  const balance = data?.me?.wallet?.balance ?? null;
  const methods = data?.availablePaymentMethods ?? [];
  return {
    balance: balance !== null && balance.amount > 0 && order.type.code !== topUpType ? balance : null,
    known: data !== undefined,
    problem: data === undefined && error !== undefined ? toApiError(error).message : null,
    reload: () => again({ requestPolicy: 'network-only' }),
    methods: externalsIn(methods),
    paysWhole: methods.includes('WALLET'),
  };
}
