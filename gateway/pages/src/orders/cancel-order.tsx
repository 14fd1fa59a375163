import { useClient } from 'urql';
import { CancelOrderDocument } from '../../../../schema/generated/operations.ts';
import { perform } from '../client.ts';
import { intentKey, settleIntent } from '../intents.ts';
import { useAction } from '../ui/use-action.ts';
import { useOpening } from '../ui/use-opening.ts';
import { t } from '../language/catalogue.ts';
import { firstRefusal } from '../language/refusals.ts';

/** Cancelling asks once more; the key stays the same until the server has answered. */
export function CancelOrder({ orderId, onCancelled }: { orderId: string; onCancelled: () => Promise<void> }) {
  const client = useClient();
  const { isOpen: isAsking, open, close, opener, opened } = useOpening();
  const { busy, problem, run } = useAction();

  const cancel = () =>
    run(async () => {
      const intent = `cancel-order-${orderId}`;
      const variables = { id: orderId, idempotencyKey: intentKey(intent, orderId) };
      const { cancelOrder } = await perform(client, CancelOrderDocument, variables);
      settleIntent(intent);
      await onCancelled();
      return firstRefusal(cancelOrder.userErrors);
    });

  return (
    <div className="cancel" ref={opened}>
      {isAsking ? (
        <>
          <span>{t().orders.askCancel}</span>
          <button type="button" className="link" disabled={busy} onClick={() => void cancel()}>
            {busy ? t().orders.cancellingNow : t().orders.cancelIt}
          </button>
          <button type="button" className="link" data-first disabled={busy} onClick={close}>
            {t().orders.no}
          </button>
        </>
      ) : (
        <button type="button" className="link" ref={opener} onClick={open}>
          {t().orders.cancel}
        </button>
      )}
      <div role="alert">{problem !== null && <p className="notice bad small">{problem}</p>}</div>
    </div>
  );
}
