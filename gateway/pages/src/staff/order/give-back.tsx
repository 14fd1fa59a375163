import { type FormEvent, useId, useState } from 'react';
import { useClient } from 'urql';
import { RefundOrderDocument } from '../../../../../schema/generated/operations.ts';
import { minorDigits, minorFromDecimal } from '../../../../../subgraphs/shared/values/currencies.ts';
import { perform } from '../../client.ts';
import { formatMoney } from '../../format.ts';
import type { Order } from '../../types.ts';
import { Spinner } from '../../ui/parts.tsx';
import { useDeed } from '../use-deed.ts';
import { Quantities, linesOf } from './quantities.tsx';

const longestReason = 255;

/** Gives money back for pieces, for shipping, or an amount, with a reason. What pieces are worth the API says. */
export function GiveBack({ order, onDone }: { order: Order; onDone: () => Promise<void> }) {
  const client = useClient();
  const id = useId();
  const { currency } = order.total;
  const [chosen, setChosen] = useState<ReadonlyMap<string, number>>(new Map());
  const [shipping, setShipping] = useState(false);
  const [restock, setRestock] = useState(false);
  const [amount, setAmount] = useState('');
  const [reason, setReason] = useState('');
  const { busy, problem, once } = useDeed(onDone);
  const smallest = (10 ** -minorDigits(currency)).toFixed(minorDigits(currency));
  const left = order.lines
    .map((line) => ({ id: line.id, title: line.title, most: line.quantity - line.refundedQuantity }))
    .filter(({ most }) => most > 0);
  const delivered = order.lines.some(
    ({ id: lineId, fulfilledQuantity }) => chosen.has(lineId) && fulfilledQuantity > 0,
  );
  const minor = amount === '' ? null : minorFromDecimal(amount, currency);
  const isNothing = chosen.size === 0 && !shipping && minor === null;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || isNothing) return;
    const input = {
      orderId: order.id,
      reason: reason.trim(),
      ...(chosen.size > 0 && { lines: linesOf(chosen) }),
      ...(shipping && { shipping }),
      ...(restock && delivered && { restock }),
      ...(minor !== null && { amount: { amount: minor, currency } }),
    };
    const isDone = await once(`refund-order-${order.id}`, input, 'Given back.', async (idempotencyKey) => {
      const answer = await perform(client, RefundOrderDocument, { input, idempotencyKey });
      return answer.refundOrder;
    });
    if (!isDone) return;
    setChosen(new Map());
    setShipping(false);
    setRestock(false);
    setAmount('');
    setReason('');
  };
  return (
    <details>
      <summary>Give back a part</summary>
      <form className="form" onSubmit={(event) => void submit(event)} aria-label="Give back a part">
        <Quantities lines={left} chosen={chosen} onChange={setChosen} />
        {order.shippingTotal.amount > 0 && (
          <label className="switch">
            <input type="checkbox" checked={shipping} onChange={({ target }) => setShipping(target.checked)} />
            <span>Shipping, {formatMoney(order.shippingTotal)}</span>
          </label>
        )}
        {delivered && (
          <label className="switch">
            <input type="checkbox" checked={restock} onChange={({ target }) => setRestock(target.checked)} />
            <span>The goods are back, and go on sale again</span>
          </label>
        )}
        <div className="fields">
          <div className="field">
            <label htmlFor={`${id}-amount`}>Amount, {currency} (empty: what these come to)</label>
            <input
              id={`${id}-amount`}
              type="number"
              min={smallest}
              step={smallest}
              value={amount}
              onChange={({ target }) => setAmount(target.value)}
            />
          </div>
          <div className="field">
            <label htmlFor={`${id}-reason`}>Reason</label>
            <input
              id={`${id}-reason`}
              required
              maxLength={longestReason}
              value={reason}
              onChange={({ target }) => setReason(target.value)}
            />
          </div>
        </div>
        <button className="button quiet" disabled={busy || isNothing}>
          {busy && <Spinner />}
          Give this back
        </button>
        <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      </form>
    </details>
  );
}
