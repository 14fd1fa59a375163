import { useClient } from 'urql';
import { stripeScript } from '../environment.ts';
import { settleIntent } from '../intents.ts';
import { t } from '../language/catalogue.ts';
import type { Money, Order } from '../types.ts';
import { Spinner } from '../ui/parts.tsx';
import { useAction } from '../ui/use-action.ts';
import type { External } from './methods.ts';
import { lastAttempt, startExternal } from './start-payment.ts';

type Begun = Exclude<External, 'SIMULATED_CARD'>;

/** Without Stripe's script in the page, its own page takes the money, and leads back here. */
const leadsAway = (method: Begun): boolean =>
  method === 'ALIPAY' || (method === 'STRIPE' && stripeScript === undefined);

/** What pressing the button will do. */
const textsOf = (method: Begun, amount: string): { button: string; text: string | null } =>
  ({
    STRIPE: { button: t().pay.payAmount(amount), text: null },
    ALIPAY: { button: t().pay.goToAlipay, text: t().pay.alipayText },
    WECHAT_PAY: { button: t().pay.showCode, text: t().pay.wechatText },
    BANK_TRANSFER: { button: t().pay.useTransfer, text: null },
  })[method];

/** Begins a payment by a method that goes on elsewhere: in a form of its provider's, on its page, in an app, at the bank. */
export function StartButton({
  order,
  method,
  amount,
  fromWallet,
  onStarted,
}: {
  order: Order;
  method: Begun;
  amount: string;
  /** How much of it the wallet pays; null for nothing. */
  fromWallet: Money | null;
  onStarted: () => Promise<void>;
}) {
  const client = useClient();
  const { busy, problem, again, run } = useAction();
  const { button, text } = textsOf(method, amount);
  const start = () =>
    run(async () => {
      const intent = `pay-${order.id}`;
      const returnUrl = leadsAway(method) ? `${location.origin}/pay/${order.id}` : null;
      const payment = await startExternal(client, order, { intent, method, fromWallet, returnUrl });
      settleIntent(intent);
      const page = lastAttempt(payment)?.redirectUrl ?? null;
      if (page !== null && leadsAway(method)) location.assign(page);
      await onStarted();
    });
  return (
    <>
      {text !== null && <p className="small muted">{text}</p>}
      <button
        type="button"
        className="button wide"
        aria-disabled={busy}
        onClick={() => {
          if (!busy) void start();
        }}
      >
        {busy && <Spinner />}
        {button}
      </button>
      <div role="alert">
        {problem !== null && (
          <p className="notice bad">
            {problem}
            {again && t().pay.repeats}
          </p>
        )}
      </div>
    </>
  );
}
