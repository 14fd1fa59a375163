import { type FormEvent, useId, useState } from 'react';
import { useClient } from 'urql';
import { FulfilOrderDocument } from '../../../../../schema/generated/operations.ts';
import { perform } from '../../client.ts';
import type { Order } from '../../types.ts';
import { Spinner } from '../../ui/parts.tsx';
import { useDeed } from '../use-deed.ts';
import { Quantities, linesOf } from './quantities.tsx';

/** What staff may say of a delivery: a name of the API, words, and how many characters it has at most. */
const trackingFields = [
  ['carrier', 'Carrier, if any', 64],
  ['trackingNumber', 'Tracking number, if any', 100],
  ['trackingUrl', 'Tracking page, if the carrier is not known', 2_000],
] as const;

/** Sends what is still to be sent, all of it or a part. */
export function Deliver({ order, onDone }: { order: Order; onDone: () => Promise<void> }) {
  const client = useClient();
  const id = useId();
  const [tracking, setTracking] = useState({ carrier: '', trackingNumber: '', trackingUrl: '' });
  const [chosen, setChosen] = useState<ReadonlyMap<string, number>>(new Map());
  const { busy, problem, once } = useDeed(onDone);
  const open = order.lines
    .map((line) => ({ id: line.id, title: line.title, most: line.quantity - line.fulfilledQuantity - line.cancelledQuantity }))
    .filter(({ most }) => most > 0); // prettier-ignore
  const isPart = chosen.size > 0;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const given = Object.fromEntries(Object.entries(tracking).map(([name, value]) => [name, value.trim() || null]));
    const input = { id: order.id, ...given, ...(isPart && { lines: linesOf(chosen) }) };
    const done = once(`fulfil-${order.id}`, input, 'Delivered.', async (idempotencyKey) => {
      const answer = await perform(client, FulfilOrderDocument, { ...input, idempotencyKey });
      return answer.fulfilOrder;
    });
    void done.then((isDone) => isDone && setChosen(new Map()));
  };
  return (
    <form className="form" onSubmit={submit} aria-label="Deliver">
      <div className="fields">
        {trackingFields.map(([field, label, maxLength]) => (
          <div className="field" key={field}>
            <label htmlFor={id + field}>{label}</label>
            <input
              id={id + field}
              autoComplete="off"
              type={field === 'trackingUrl' ? 'url' : 'text'}
              maxLength={maxLength}
              value={tracking[field]}
              onChange={({ target }) => setTracking({ ...tracking, [field]: target.value })}
            />
          </div>
        ))}
      </div>
      <details>
        <summary>Only a part of it</summary>
        <Quantities lines={open} chosen={chosen} onChange={setChosen} />
      </details>
      <button className="button" disabled={busy}>
        {busy && <Spinner />}
        {isPart ? 'Deliver this part' : 'Deliver all'}
      </button>
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
    </form>
  );
}
