import { type FormEvent, useId, useState } from 'react';
import { useClient } from 'urql';
import { RefundOrderDocument, type RefundOrderInput } from '../../../../../schema/generated/operations.ts';
import { minorDigits, minorFromDecimal } from '../../../../../subgraphs/shared/values/currencies.ts';
import { perform } from '../../client.ts';
import { formatMoney } from '../../format.ts';
import type { Order } from '../../types.ts';
import { Spinner } from '../../ui/parts.tsx';
import { type AskedInput, SecondPerson, isApprovalRequired, useAskedInput } from '../second-person.tsx';
import { useDeed } from '../use-deed.ts';
import { Quantities, linesOf } from './quantities.tsx';

const longestReason = 255;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const isPiece = (value: unknown): boolean =>
  isObject(value) && typeof value['lineId'] === 'string' && Number.isSafeInteger(value['quantity']);

/** What another member of staff has asked for by this form. */
const isAskedOf =
  (orderId: string) =>
  (input: unknown): input is RefundOrderInput => {
    if (!isObject(input) || input['orderId'] !== orderId || typeof input['reason'] !== 'string') return false;
    const { lines = [], amount } = input;
    const isMoney = amount === undefined || (isObject(amount) && Number.isSafeInteger(amount['amount']));
    return Array.isArray(lines) && lines.every(isPiece) && isMoney;
  };

/** An amount as it is typed. */
const typed = (minor: number, digits: number): string => (minor / 10 ** digits).toFixed(digits);

/** Gives money back for pieces, for shipping, or an amount, with a reason. What pieces are worth the API says. */
export function GiveBack({ order, onDone }: { order: Order; onDone: () => Promise<void> }) {
  const client = useClient();
  const { currency } = order.total;
  const what = `give-back-${order.id}`;
  const [asked, forget] = useAskedInput(what, isAskedOf(order.id));
  const [passedOn, setPassedOn] = useState<AskedInput | null>(null);
  const given = asked?.input;
  const [chosen, setChosen] = useState<ReadonlyMap<string, number>>(
    new Map((given?.lines ?? []).map(({ lineId, quantity }) => [lineId, quantity])),
  );
  const [shipping, setShipping] = useState(given?.shipping ?? false);
  const [restock, setRestock] = useState(given?.restock ?? false);
  const [amount, setAmount] = useState(given?.amount ? typed(given.amount.amount, minorDigits(currency)) : '');
  const [reason, setReason] = useState(given?.reason ?? '');
  const { busy, problem, once } = useDeed(onDone);
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
    const isDone = await once(`refund-order-${order.id}`, input, 'Given back.', async (newKey) => {
      // Both people send the same with the same key.
      const isAsked = asked !== null && JSON.stringify(input) === JSON.stringify(asked.input);
      const idempotencyKey = isAsked ? asked.key : newKey;
      const { refundOrder } = await perform(client, RefundOrderDocument, { input, idempotencyKey });
      setPassedOn(isApprovalRequired(refundOrder.userErrors[0]) ? { input, key: idempotencyKey } : null);
      return refundOrder;
    });
    if (!isDone) return;
    if (asked !== null) forget();
    setChosen(new Map());
    setShipping(false);
    setRestock(false);
    setAmount('');
    setReason('');
  };
  return (
    <details open={asked !== null}>
      <summary>Give back a part</summary>
      <form className="form" onSubmit={(event) => void submit(event)} aria-label="Give back a part">
        {asked !== null && <p className="notice wait">You were asked to agree. Give this back?</p>}
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
        <AmountAndReason
          currency={currency}
          amount={amount}
          reason={reason}
          onAmount={setAmount}
          onReason={setReason}
        />
        <button className="button quiet" disabled={busy || isNothing}>
          {busy && <Spinner />}
          Give this back
        </button>
        <div role="alert">{problem !== null && passedOn === null && <p className="notice bad">{problem}</p>}</div>
        {passedOn !== null && <SecondPerson what={what} asked={passedOn} />}
      </form>
    </details>
  );
}

function AmountAndReason({
  currency,
  amount,
  reason,
  onAmount,
  onReason,
}: {
  currency: string;
  amount: string;
  reason: string;
  onAmount: (amount: string) => void;
  onReason: (reason: string) => void;
}) {
  const id = useId();
  const smallest = (10 ** -minorDigits(currency)).toFixed(minorDigits(currency));
  return (
    <div className="fields">
      <div className="field">
        <label htmlFor={`${id}-amount`}>Amount, {currency} (empty: what these come to)</label>
        <input
          id={`${id}-amount`}
          type="number"
          min={smallest}
          step={smallest}
          value={amount}
          onChange={({ target }) => onAmount(target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-reason`}>Reason</label>
        <input
          id={`${id}-reason`}
          required
          maxLength={longestReason}
          value={reason}
          onChange={({ target }) => onReason(target.value)}
        />
      </div>
    </div>
  );
}
