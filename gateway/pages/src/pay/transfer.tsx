import { useClient } from 'urql';
import { CancelPaymentDocument, CreatePaymentDocument } from '../../../../schema/generated/operations.ts';
import { perform } from '../client.ts';
import { formatMoney } from '../format.ts';
import { intentKey, settleIntent } from '../intents.ts';
import type { Order, Payment } from '../types.ts';
import { announce } from '../ui/announcement.tsx';
import { Spinner } from '../ui/parts.tsx';
import { useAction } from '../ui/use-action.ts';
import { lastAttempt } from './start-payment.ts';
import { t } from '../language/catalogue.ts';
import { firstRefusal } from '../language/refusals.ts';

const method = 'BANK_TRANSFER' as const;

/** The transfer that its buyer has chosen and that is not here yet; undefined when there is none. */
export const openTransfer = (order: Pick<Order, 'payments'>): Payment | undefined =>
  order.payments.find((payment) => payment.method === method && payment.state === 'OPEN');

/** Chooses to pay by bank transfer. */
export function TransferButton({ order, onStarted }: { order: Order; onStarted: () => Promise<void> }) {
  const client = useClient();
  const { busy, problem, run } = useAction();
  const start = () =>
    run(async () => {
      const intent = `transfer-${order.id}`;
      const input = { orderId: order.id, method };
      const { createPayment } = await perform(client, CreatePaymentDocument, { input, idempotencyKey: intentKey(intent, input) }); // prettier-ignore
      settleIntent(intent);
      await onStarted();
      return firstRefusal(createPayment.userErrors);
    });
  return (
    <>
      <button type="button" className="button quiet wide" disabled={busy} onClick={() => void start()}>
        {busy && <Spinner />}
        {t().pay.useTransfer}
      </button>
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
    </>
  );
}

/** Where to send the money, and how it is known when it arrives. */
export function TransferDetails({ payment, onChanged }: { payment: Payment; onChanged: () => Promise<void> }) {
  const client = useClient();
  const { busy, problem, run } = useAction();
  const details = detailsOf(lastAttempt(payment)?.clientParams);
  const giveUp = () =>
    run(async () => {
      const intent = `cancel-payment-${payment.id}`;
      const variables = { paymentId: payment.id, idempotencyKey: intentKey(intent, payment.id) };
      const { cancelPayment } = await perform(client, CancelPaymentDocument, variables);
      settleIntent(intent);
      await onChanged();
      return firstRefusal(cancelPayment.userErrors);
    });
  const rows: readonly (readonly [name: string, shown: string, copied: string])[] = [
    [t().pay.to, details['holder'], details['holder']],
    [t().pay.account, details['account'], details['account']],
    [t().pay.bic, details['bic'], details['bic']],
    [t().pay.amount, formatMoney(payment.amount), formatMoney(payment.amount)],
    [t().pay.reference, details['reference'], details['reference']],
  ].flatMap(([name, shown, copied]) => (name && shown && copied ? [[name, shown, copied] as const] : []));
  return (
    <div className="form">
      <p className="notice wait">{t().pay.sendWithReference}</p>
      <dl className="transfer">
        {rows.map(([name, shown, copied]) => (
          <div key={name}>
            <dt className="muted">{name}</dt>
            <dd className="number">{shown}</dd>
            <dd>
              <button type="button" className="link" onClick={() => void copy(name, copied)}>
                {t().pay.copy}
                <span className="hidden-visually">{t().pay.copyOf(name)}</span>
              </button>
            </dd>
          </div>
        ))}
      </dl>
      <button type="button" className="button quiet" disabled={busy} onClick={() => void giveUp()}>
        {t().pay.anotherWay}
      </button>
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
    </div>
  );
}

/** The texts among the parameters of an attempt. */
const detailsOf = (params: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(params ?? {}).filter(([, value]) => typeof value === 'string'));

/** Where the clipboard can't be used, e.g. over plain http, the text is there to be marked. */
async function copy(name: string, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    announce(t().pay.copied(name));
  } catch {
    announce(t().pay.notCopied);
  }
}
