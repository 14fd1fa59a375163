import { useState } from 'react';
import { useClient } from 'urql';
import { CancelOrderDocument } from '../../../../schema/generated/operations.ts';
import { perform } from '../client.ts';
import { intentKey, settleIntent } from '../intents.ts';
import { useAction } from '../ui/use-action.ts';

/** Cancelling asks once more; the key stays the same until the server has answered. */
export function CancelOrder({ orderId, onCancelled }: { orderId: string; onCancelled: () => Promise<void> }) {
  const client = useClient();
  const [asking, setAsking] = useState(false);
  const { busy, problem, run } = useAction();

  const cancel = () =>
    run(async () => {
      const intent = `cancel-order-${orderId}`;
      const variables = { id: orderId, idempotencyKey: intentKey(intent, orderId) };
      const { cancelOrder } = await perform(client, CancelOrderDocument, variables);
      settleIntent(intent);
      await onCancelled();
      return cancelOrder.userErrors[0]?.message ?? null;
    });

  return (
    <div className="cancel">
      {asking ? (
        <>
          <span>Cancel this order?</span>
          <button type="button" className="link" disabled={busy} onClick={() => void cancel()}>
            {busy ? 'Cancelling…' : 'Yes, cancel it'}
          </button>
          <button type="button" className="link" disabled={busy} onClick={() => setAsking(false)}>
            No
          </button>
        </>
      ) : (
        <button type="button" className="link" onClick={() => setAsking(true)}>
          Cancel this order
        </button>
      )}
      <div role="alert">{problem !== null && <p className="notice bad small">{problem}</p>}</div>
    </div>
  );
}
