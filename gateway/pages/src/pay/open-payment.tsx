import { lazy, useEffect } from 'react';
import { useClient } from 'urql';
import { CancelPaymentDocument } from '../../../../schema/generated/operations.ts';
import { perform } from '../client.ts';
import { stripeScript } from '../environment.ts';
import { intentKey, settleIntent } from '../intents.ts';
import { t } from '../language/catalogue.ts';
import { firstRefusal } from '../language/refusals.ts';
import { Later } from '../ui/boundary.tsx';
import { Loading } from '../ui/parts.tsx';
import { useAction } from '../ui/use-action.ts';
import { type ExternalPayment, textsOf } from './methods.ts';
import { lastAttempt } from './start-payment.ts';
import { TransferDetails } from './transfer.tsx';

/** Few pay by these: each is fetched when it is needed. */
const QrCode = lazy(async () => ({ default: (await import('./qr-code.tsx')).QrCode }));
const StripeForm = lazy(async () => ({ default: (await import('./stripe-form.tsx')).StripeForm }));

/** That a payment was refused no event of the order tells. A transfer takes days, and is not refused. */
const pollMs = 3_000;

type Shown = { payment: ExternalPayment; orderId: string; onChanged: () => Promise<void> };

/** A payment that was begun and waits for its buyer: what is to be done now, and the way out of it. */
export function OpenPayment({ payment, orderId, onChanged }: Shown) {
  const canBeRefused = payment.method !== 'BANK_TRANSFER';
  useEffect(() => {
    if (!canBeRefused) return;
    const poll = setInterval(() => void onChanged(), pollMs);
    return () => clearInterval(poll);
  }, [onChanged, canBeRefused]);
  return (
    <div className="form">
      <Task payment={payment} orderId={orderId} onChanged={onChanged} />
      <GiveUp payment={payment} onChanged={onChanged} />
    </div>
  );
}

function Task({ payment, orderId, onChanged }: Shown) {
  const attempt = lastAttempt(payment);
  const params = textsOf(attempt?.clientParams);
  const waiting = <Loading text={t().pay.noAnswerYet} />;
  switch (payment.method) {
    case 'BANK_TRANSFER':
      return <TransferDetails payment={payment} />;
    case 'WECHAT_PAY':
      if (params['paySign'] !== undefined) return <p className="notice wait">{t().pay.inMiniProgram}</p>;
      return params['codeUrl'] === undefined ? (
        waiting
      ) : (
        <Later>
          <p className="notice wait">{t().pay.scan}</p>
          <QrCode text={params['codeUrl']} label={t().pay.qrCode} />
        </Later>
      );
    case 'STRIPE': {
      const { clientSecret, publishableKey } = params;
      if (clientSecret !== undefined && publishableKey !== undefined && stripeScript !== undefined) {
        return (
          <Later text={t().pay.stripeLoading}>
            <StripeForm
              key={clientSecret}
              script={stripeScript}
              secrets={{ clientSecret, publishableKey }}
              amount={payment.amount}
              orderId={orderId}
              onSent={onChanged}
            />
          </Later>
        );
      }
      return <ElsewherePage url={attempt?.redirectUrl ?? null} name="Stripe" />;
    }
    case 'ALIPAY':
      return <ElsewherePage url={attempt?.redirectUrl ?? null} name="Alipay" />;
    case 'SIMULATED_CARD':
      return waiting;
  }
}

/** For who has come back from a provider's page, or never got there. */
const ElsewherePage = ({ url, name }: { url: string | null; name: string }) =>
  url === null ? (
    <Loading text={t().pay.noAnswerYet} />
  ) : (
    <>
      <p className="notice wait">{t().pay.backFrom(name)}</p>
      <a className="button wide" href={url}>
        {t().pay.openAgain(name)}
      </a>
    </>
  );

/** Calls the payment off, so that another way can be chosen. Money that comes all the same goes back by itself. */
function GiveUp({ payment, onChanged }: Pick<Shown, 'payment' | 'onChanged'>) {
  const client = useClient();
  const { busy, problem, run } = useAction();
  const giveUp = () =>
    run(async () => {
      const intent = `cancel-payment-${payment.id}`;
      const variables = { paymentId: payment.id, idempotencyKey: intentKey(intent, payment.id) };
      const { cancelPayment } = await perform(client, CancelPaymentDocument, variables);
      settleIntent(intent);
      await onChanged();
      return firstRefusal(cancelPayment.userErrors);
    });
  return (
    <>
      <button type="button" className="button quiet" disabled={busy} onClick={() => void giveUp()}>
        {t().pay.anotherWay}
      </button>
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
    </>
  );
}
