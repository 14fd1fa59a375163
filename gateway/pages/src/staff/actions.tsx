import { useState } from 'react';
import { useClient } from 'urql';
import { RefundPaymentDocument, RetrySagaDocument } from '../../../../schema/generated/operations.ts';
import { perform } from '../client.ts';
import { formatMoney } from '../format.ts';
import { intentKey, settleIntent } from '../intents.ts';
import { CancelOrder } from '../orders/cancel-order.tsx';
import type { Order } from '../types.ts';
import { announce } from '../ui/announcement.tsx';
import { type Action, useAction } from '../ui/use-action.ts';
import { DeedButton } from './deed-button.tsx';
import { Deliver } from './order/deliver.tsx';
import { GiveBack } from './order/give-back.tsx';
import { Advance, Capture, CheckIn, Resolve, toCapture } from './order/more-actions.tsx';
import { type Asked, SecondPerson, isApprovalRequired, useAsked } from './second-person.tsx';
import type { Inside } from './inside.tsx';

/** What this card offers. */
const handled = ['RESOLVE', 'REDEEM', 'FULFIL', 'ADVANCE', 'REFUND', 'CANCEL'] as const;
const refundReason = 'Given back by staff';

type Answer = { readonly userErrors: readonly { readonly code?: string; readonly message: string }[] };

/** What staff may do with the order now, as the API says. */
export function Actions({ order, inside, onDone }: { order: Order; inside: Inside; onDone: () => Promise<void> }) {
  const client = useClient();
  const action = useAction();
  const allowed = new Set(order.allowedActions);
  const stuck = allowed.has('RETRY') ? inside.saga : null;
  const refundable = inside.payments.find((payment) => leftOf(payment).amount > 0);
  const [asked, forget] = useAsked(refundable?.id ?? '');
  const [passedOn, setPassedOn] = useState<Asked | null>(null);
  const wanted = (payment: Inside['payments'][number]) =>
    asked === null ? leftOf(payment) : { ...leftOf(payment), amount: asked.amount };

  /** Does one thing once, however often the button is pressed while the answer is lost. */
  const once = (intent: string, input: unknown, done: string, send: (idempotencyKey: string) => Promise<Answer>) =>
    action.run(async () => {
      const { userErrors } = await send(intentKey(intent, input));
      settleIntent(intent);
      await onDone();
      const [refusal] = userErrors;
      if (refusal === undefined) announce(done);
      // What has to be done about that is told beside the button.
      return refusal === undefined || (asked === null && isApprovalRequired(refusal)) ? null : refusal.message;
    });

  const nothing = handled.every((deed) => !allowed.has(deed)) && toCapture(order).length === 0;
  if (nothing && stuck === null) return null;
  return (
    <section className="card form" aria-labelledby="actions-title">
      <h2 id="actions-title">What can be done</h2>
      {allowed.has('RESOLVE') && <Resolve order={order} onDone={onDone} />}
      <Capture order={order} onDone={onDone} />
      {allowed.has('REDEEM') && <CheckIn order={order} onDone={onDone} />}
      {allowed.has('FULFIL') && <Deliver order={order} onDone={onDone} />}
      {allowed.has('ADVANCE') && !allowed.has('FULFIL') && <Advance order={order} onDone={onDone} />}
      {allowed.has('REFUND') && refundable !== undefined && (
        <Refund
          action={action}
          amount={formatMoney(wanted(refundable))}
          isAsked={asked !== null}
          onRefund={() => {
            const input = { paymentId: refundable.id, amount: wanted(refundable), reason: refundReason };
            return once(`refund-${refundable.id}`, input, 'Refunded.', async (newKey) => {
              const idempotencyKey = asked?.key ?? newKey;
              const answer = await perform(client, RefundPaymentDocument, { input, idempotencyKey });
              const { userErrors } = answer.refundPayment;
              if (asked !== null && userErrors.length === 0) forget();
              const needsAnother = asked === null && isApprovalRequired(userErrors[0]);
              setPassedOn(needsAnother ? { amount: input.amount.amount, key: idempotencyKey } : null);
              return answer.refundPayment;
            });
          }}
        />
      )}
      {allowed.has('REFUND') && order.type.code !== 'TOPUP' && <GiveBack order={order} onDone={onDone} />}
      {passedOn !== null && refundable !== undefined && <SecondPerson what={refundable.id} asked={passedOn} />}
      {stuck !== null && (
        <DeedButton
          intent={`retry-saga-${stuck.id}`}
          press="Try the saga again"
          done="Tried again."
          onDone={onDone}
          send={async (idempotencyKey) =>
            (await perform(client, RetrySagaDocument, { id: stuck.id, idempotencyKey })).retrySaga
          }
        />
      )}
      {allowed.has('CANCEL') && <CancelOrder orderId={order.id} onCancelled={onDone} />}
      <div role="alert">{action.problem !== null && <p className="notice bad">{action.problem}</p>}</div>
    </section>
  );
}

/** What is here of a payment and not held by a dispute, which the bank decides. */
function leftOf({ captured, refunded, refunds }: Inside['payments'][number]) {
  const held = refunds.filter(({ origin, state }) => origin === 'DISPUTE' && state === 'PENDING');
  const heldMinor = held.reduce((sum, { amount }) => sum + amount.amount, 0);
  return { amount: captured.amount - refunded.amount - heldMinor, currency: captured.currency };
}

/** Money goes back only after a second press. `isAsked`: another member of staff has asked for it already. */
function Refund({
  action,
  amount,
  isAsked,
  onRefund,
}: {
  action: Action;
  amount: string;
  isAsked: boolean;
  onRefund: () => Promise<void>;
}) {
  const [asking, setAsking] = useState(isAsked);
  if (!asking) {
    return (
      <button type="button" className="button quiet" onClick={() => setAsking(true)}>
        Give {amount} back
      </button>
    );
  }
  return (
    <div className="cancel">
      <span>{isAsked ? `You were asked to agree: give ${amount} back?` : `Give ${amount} back?`}</span>
      <span className="choices">
        <button
          type="button"
          className="link"
          disabled={action.busy}
          onClick={() => void onRefund().then(() => setAsking(false))}
        >
          {action.busy ? 'Giving back…' : 'Yes, give it back'}
        </button>
        <button type="button" className="link" disabled={action.busy} onClick={() => setAsking(false)}>
          No
        </button>
      </span>
    </div>
  );
}
