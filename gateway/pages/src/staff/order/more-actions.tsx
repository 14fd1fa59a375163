import { useState } from 'react';
import { useClient } from 'urql';
import {
  AddOrderNoteDocument,
  AdvanceOrderDocument,
  CapturePaymentDocument,
  type OrderState,
  RedeemOrderDocument,
  ResolveAttentionDocument,
} from '../../../../../schema/generated/operations.ts';
import { perform } from '../../client.ts';
import { formatMoney } from '../../format.ts';
import type { Order } from '../../types.ts';
import { Alert, DeedButton, DeedWords } from '../deed-button.tsx';
import { useDeed } from '../use-deed.ts';
import { WordsForm } from './words-form.tsx';

const longestNote = 1_024;
const longestCode = 32;

type Props = { order: Order; onDone: () => Promise<void> };

/** Payments whose money waits for staff: set aside by a bank, or announced by a transfer. */
export const toCapture = (order: Pick<Order, 'payments'>): Order['payments'] =>
  order.payments.filter(
    ({ state, method }) =>
      state === 'AUTHORIZED' || (method === 'BANK_TRANSFER' && (state === 'OPEN' || state === 'PROCESSING')),
  );

export function Capture({ order, onDone }: Props) {
  const client = useClient();
  return toCapture(order).map(({ id, amount, method }) => (
    <DeedButton
      key={id}
      intent={`capture-${id}`}
      press={method === 'BANK_TRANSFER' ? `${formatMoney(amount)} has arrived` : `Capture ${formatMoney(amount)}`}
      done="The money is ours."
      className="button"
      onDone={onDone}
      send={async (idempotencyKey) =>
        (await perform(client, CapturePaymentDocument, { paymentId: id, idempotencyKey })).capturePayment
      }
    />
  ));
}

/** A guest arrives with a code. */
export function CheckIn({ order, onDone }: Props) {
  const client = useClient();
  return (
    <DeedWords
      intent={`redeem-${order.id}`}
      label="The guest’s code"
      press="Check in"
      done="Checked in."
      maxLength={longestCode}
      onDone={onDone}
      send={async (confirmationCode, idempotencyKey) => {
        const variables = { number: order.number, confirmationCode, idempotencyKey };
        return (await perform(client, RedeemOrderDocument, variables)).redeemOrder;
      }}
    />
  );
}

/** Pushes an order on whose delivery needs no hand. */
export function Advance({ order, onDone }: Props) {
  const client = useClient();
  return (
    <DeedButton
      intent={`advance-${order.id}`}
      press="Push it on"
      done="Pushed on."
      onDone={onDone}
      send={async (idempotencyKey) =>
        (await perform(client, AdvanceOrderDocument, { id: order.id, idempotencyKey })).advanceOrder
      }
    />
  );
}

const ends: readonly (readonly [OrderState, string])[] = [
  ['PROCESSING', 'Try again'],
  ['COMPLETED', 'It is done'],
  ['REFUNDED', 'Give the money back'],
  ['CANCELLED', 'Cancel it'],
];

/** Decides what becomes of an order that got stuck. */
export function Resolve({ order, onDone }: Props) {
  const client = useClient();
  const [to, setTo] = useState<OrderState>('PROCESSING');
  const { busy, problem, once } = useDeed(onDone);
  return (
    <WordsForm
      label="What was done about it"
      press="Decide"
      busy={busy}
      maxLength={longestNote}
      onSubmit={(note) => {
        const input = { id: order.id, to, note };
        return once(`resolve-${order.id}`, input, 'Decided.', async (idempotencyKey) => {
          const answer = await perform(client, ResolveAttentionDocument, { ...input, idempotencyKey });
          return answer.resolveAttention;
        });
      }}
    >
      <fieldset className="chips">
        <legend className="hidden-visually">What becomes of it</legend>
        {ends.map(([state, label]) => (
          <label key={state}>
            <input type="radio" name={`resolve-${order.id}`} checked={to === state} onChange={() => setTo(state)} />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <Alert problem={problem} />
    </WordsForm>
  );
}

/** A word for those who look at the order later. */
export function Notes({ order, onDone }: Props) {
  const client = useClient();
  const [isPublic, setIsPublic] = useState(false);
  const { busy, problem, once } = useDeed(onDone);
  return (
    <section className="card form" aria-labelledby="note-title">
      <h2 id="note-title">Note</h2>
      <WordsForm
        label="A note in the journal"
        press="Add"
        busy={busy}
        maxLength={longestNote}
        onSubmit={(note) => {
          const input = { id: order.id, note, public: isPublic };
          return once(`note-${order.id}`, input, 'The note is added.', async (idempotencyKey) => {
            const answer = await perform(client, AddOrderNoteDocument, { ...input, idempotencyKey });
            return answer.addOrderNote;
          });
        }}
      >
        <label className="switch">
          <input type="checkbox" checked={isPublic} onChange={({ target }) => setIsPublic(target.checked)} />
          <span>The customer sees it too</span>
        </label>
        <Alert problem={problem} />
      </WordsForm>
    </section>
  );
}
