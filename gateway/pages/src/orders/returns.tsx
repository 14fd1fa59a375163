import { type FormEvent, useId, useState } from 'react';
import { useClient } from 'urql';
import { CancelReturnDocument, RequestReturnDocument } from '../../../../schema/generated/operations.ts';
import { perform } from '../client.ts';
import { formatMoment } from '../format.ts';
import { intentKey, settleIntent } from '../intents.ts';
import type { Order } from '../types.ts';
import { announce } from '../ui/announcement.tsx';
import { Spinner } from '../ui/parts.tsx';
import { Stepper } from '../ui/stepper.tsx';
import { useAction } from '../ui/use-action.ts';
import { returnTones } from './words.ts';
import { t } from '../language/catalogue.ts';
import { firstRefusal } from '../language/refusals.ts';

type Return = Order['returns'][number];

/** What comes back of an order, and asking for it. */
export function Returns({ order, onChanged }: { order: Order; onChanged: () => Promise<void> }) {
  const returnable = order.lines.filter(({ returnableQuantity }) => returnableQuantity > 0);
  const canAsk = order.allowedActions.includes('RETURN') && returnable.length > 0;
  if (order.returns.length === 0 && !canAsk) return null;
  return (
    <section className="card form no-print" aria-labelledby="returns-title">
      <h2 id="returns-title">{t().orders.returns}</h2>
      {order.returns.length > 0 && (
        <ul className="returns">
          {order.returns.map((one) => (
            <ReturnRow key={one.id} one={one} onChanged={onChanged} />
          ))}
        </ul>
      )}
      {canAsk && <AskForReturn order={order} onChanged={onChanged} />}
    </section>
  );
}

function ReturnRow({ one, onChanged }: { one: Return; onChanged: () => Promise<void> }) {
  const client = useClient();
  const { busy, problem, run } = useAction();
  const { text, next } = t().orders.returnStates[one.state];
  const tone = returnTones[one.state];
  const isOpen = one.state === 'REQUESTED' || one.state === 'APPROVED';
  const takeBack = () =>
    run(async () => {
      const intent = `cancel-return-${one.id}`;
      const variables = { returnId: one.id, idempotencyKey: intentKey(intent, one.id) };
      const { cancelReturn } = await perform(client, CancelReturnDocument, variables);
      settleIntent(intent);
      await onChanged();
      return firstRefusal(cancelReturn.userErrors);
    });
  return (
    <li>
      <p>
        <span className={`badge ${tone}`}>{text}</span> <span className="number small">{one.number}</span>
      </p>
      <p className="small">{one.lines.map(({ line, quantity }) => `${quantity} × ${line.title}`).join(', ')}</p>
      <p className="small muted">
        {formatMoment(one.updatedAt)}. {one.decidedReason ?? next}
      </p>
      {isOpen && (
        <button type="button" className="link" disabled={busy} onClick={() => void takeBack()}>
          {t().orders.keepIt}
        </button>
      )}
      <div role="alert">{problem !== null && <p className="notice bad small">{problem}</p>}</div>
    </li>
  );
}

const longestReason = 255;

function AskForReturn({ order, onChanged }: { order: Order; onChanged: () => Promise<void> }) {
  const client = useClient();
  const id = useId();
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState<ReadonlyMap<string, number>>(new Map());
  const [reason, setReason] = useState('');
  const { busy, problem, run } = useAction();
  const lines = [...chosen].map(([lineId, quantity]) => ({ lineId, quantity }));

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy || lines.length === 0) return;
    void run(async () => {
      const intent = `request-return-${order.id}`;
      const input = { orderId: order.id, lines, reason: reason.trim() };
      const answer = await perform(client, RequestReturnDocument, {
        ...input,
        idempotencyKey: intentKey(intent, input),
      });
      settleIntent(intent);
      const refusal = firstRefusal(answer.requestReturn.userErrors);
      if (refusal !== null) return refusal;
      announce(t().orders.returnAsked);
      setOpen(false);
      setChosen(new Map());
      setReason('');
      await onChanged();
      return null;
    });
  };
  const choose = (lineId: string, quantity: number) => {
    const next = new Map(chosen);
    if (quantity === 0) next.delete(lineId);
    else next.set(lineId, quantity);
    setChosen(next);
  };
  if (!open) {
    return (
      <button type="button" className="button quiet" onClick={() => setOpen(true)}>
        {t().orders.sendBack}
      </button>
    );
  }
  return (
    <form className="form" onSubmit={submit}>
      {order.lines
        .filter(({ returnableQuantity }) => returnableQuantity > 0)
        .map((line) => (
          <div key={line.id} className="return-line">
            <label className="check">
              <input
                type="checkbox"
                checked={chosen.has(line.id)}
                onChange={({ target }) => choose(line.id, target.checked ? line.returnableQuantity : 0)}
              />
              <span>{line.title}</span>
            </label>
            {chosen.has(line.id) && line.returnableQuantity > 1 && (
              <Stepper
                label={t().orders.howManyOf(line.title)}
                value={chosen.get(line.id) ?? 1}
                max={line.returnableQuantity}
                onChange={(quantity) => choose(line.id, quantity)}
              />
            )}
          </div>
        ))}
      <div className="field">
        <label htmlFor={id}>{t().orders.why}</label>
        <textarea
          id={id}
          rows={2}
          required
          maxLength={longestReason}
          value={reason}
          onChange={({ target }) => setReason(target.value)}
        />
      </div>
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <div className="choices">
        <button className="button" disabled={busy || lines.length === 0}>
          {busy && <Spinner />}
          {t().orders.askForReturn}
        </button>
        <button type="button" className="button quiet" onClick={() => setOpen(false)}>
          {t().orders.notNow}
        </button>
      </div>
    </form>
  );
}
