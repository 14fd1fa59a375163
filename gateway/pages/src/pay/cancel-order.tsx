import { useRef, useState } from 'react';
import { newIdempotencyKey } from '../api.ts';
import * as operations from '../operations.ts';
import { requestAsUser } from '../session.ts';

/** Cancelling asks once more; the key stays the same until the server has answered. */
export function CancelOrder({ orderId, onCancelled }: { orderId: string; onCancelled: () => Promise<void> }) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const key = useRef<string | null>(null);

  async function cancel() {
    setBusy(true);
    setProblem(null);
    key.current ??= newIdempotencyKey();
    try {
      const { cancelOrder } = await requestAsUser(operations.cancelOrder, { id: orderId, idempotencyKey: key.current });
      key.current = null;
      const [refusal] = cancelOrder.userErrors;
      if (refusal !== undefined) setProblem(refusal.message);
      await onCancelled();
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      setBusy(false);
    }
  }

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
