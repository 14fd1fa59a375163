import { useState } from 'react';
import { useClient } from 'urql';
import { DecideReturnDocument, ReceiveReturnDocument } from '../../../../../schema/generated/operations.ts';
import { perform } from '../../client.ts';
import { formatMoment } from '../../format.ts';
import { returnTones } from '../../orders/words.ts';
import type { Order } from '../../types.ts';
import { useDeed } from '../use-deed.ts';
import { Quantities } from './quantities.tsx';
import { WordsForm } from './words-form.tsx';
import { t } from '../../language/catalogue.ts';

export type StaffReturn = Order['returns'][number];
const longestReason = 255;

/** A return, and the next step that staff take with it. */
export function StaffReturnRow({ one, onDone }: { one: StaffReturn; onDone: () => Promise<void> | void }) {
  const client = useClient();
  const { busy, problem, once } = useDeed(onDone);
  const { text } = t().orders.returnStates[one.state];
  const tone = returnTones[one.state];
  const decide = (approve: boolean, reason: string | null) => {
    const input = { returnId: one.id, approve, reason };
    const done = approve ? 'The return is approved.' : 'The return is refused.';
    return once(`decide-return-${one.id}`, input, done, async (idempotencyKey) => {
      const answer = await perform(client, DecideReturnDocument, { ...input, idempotencyKey });
      return answer.decideReturn;
    });
  };
  return (
    <>
      <p>
        <span className={`badge ${tone}`}>{text}</span> <span className="number small">{one.number}</span>
      </p>
      <p className="small">
        {one.lines
          .map(({ line, quantity, receivedQuantity }) => `${quantity} × ${line.title}${receivedQuantity > 0 ? `, ${receivedQuantity} here` : ''}`)
          .join(', ')}
      </p>
      <p className="small muted">
        {formatMoment(one.createdAt)}: “{one.reason}”{one.decidedReason !== null && ` · ${one.decidedReason}`}
      </p>
      {one.state === 'REQUESTED' && (
        <>
          <button type="button" className="button" disabled={busy} onClick={() => void decide(true, null)}>
            Approve the return
          </button>
          <details>
            <summary>Refuse it</summary>
            <WordsForm
              label="Why, for the customer"
              press="Refuse the return"
              busy={busy}
              maxLength={longestReason}
              onSubmit={(reason) => decide(false, reason)}
            />
          </details>
        </>
      )}
      {one.state === 'APPROVED' && (
        <Receive
          one={one}
          busy={busy}
          onReceive={(lines, refund) => {
            const input = { returnId: one.id, lines, refund };
            return once(`receive-return-${one.id}`, input, 'The goods are taken in.', async (idempotencyKey) => {
              const answer = await perform(client, ReceiveReturnDocument, { ...input, idempotencyKey });
              return answer.receiveReturn;
            });
          }}
        />
      )}
      <div role="alert">{problem !== null && <p className="notice bad small">{problem}</p>}</div>
    </>
  );
} // prettier-ignore

type Received = { lineId: string; quantity: number; restock: number };

function Receive({
  one,
  busy,
  onReceive,
}: {
  one: StaffReturn;
  busy: boolean;
  onReceive: (lines: Received[], refund: boolean) => Promise<boolean>;
}) {
  const lines = one.lines.map(({ line, quantity }) => ({ id: line.id, title: line.title, most: quantity }));
  const [here, setHere] = useState<ReadonlyMap<string, number>>(new Map(lines.map(({ id, most }) => [id, most])));
  const [restock, setRestock] = useState(true);
  const [refund, setRefund] = useState(true);
  const received = [...here].map(([lineId, quantity]) => ({ lineId, quantity, restock: restock ? quantity : 0 }));
  return (
    <form
      className="form"
      aria-label={`Receive ${one.number}`}
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy && received.length > 0) void onReceive(received, refund);
      }}
    >
      <p className="small muted">What is here of it:</p>
      <Quantities lines={lines} chosen={here} onChange={setHere} />
      <label className="switch">
        <input type="checkbox" checked={restock} onChange={({ target }) => setRestock(target.checked)} />
        <span>It goes on sale again</span>
      </label>
      <label className="switch">
        <input type="checkbox" checked={refund} onChange={({ target }) => setRefund(target.checked)} />
        <span>Its money goes back</span>
      </label>
      <button className="button" disabled={busy || received.length === 0}>
        Take it in
      </button>
    </form>
  );
}
