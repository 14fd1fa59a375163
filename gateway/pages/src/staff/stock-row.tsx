import { type FormEvent, useState } from 'react';
import { useClient } from 'urql';
import { Link } from 'wouter';
import {
  AdjustStockDocument,
  SetStockDocument,
  type SetStockMutation,
  type StockQuery,
} from '../../../../schema/generated/operations.ts';
import { perform } from '../client.ts';
import { intentKey, settleIntent } from '../intents.ts';
import { announce } from '../ui/announcement.tsx';
import { Picture } from '../ui/parts.tsx';
import { TextField } from '../ui/text-field.tsx';
import { useAction } from '../ui/use-action.ts';

type StockedProduct = StockQuery['products']['edges'][number]['node'];
type Refusal = SetStockMutation['setStock']['userErrors'][number];

const countReason = 'Counted in the staff view';
const changeReason = 'Changed in the staff view';
const longestReason = 200;

/** What a refused change means, and what to do. */
function explain(refusal: Refusal, onHandShown: number): string {
  switch (refusal.__typename) {
    case 'ConflictError':
      return `Somebody changed the stock while you counted: it was ${onHandShown}. See what it is now and save again if it is still wrong.`;
    case 'NegativeStockError':
      return refusal.allocated === 0
        ? `There are only ${refusal.onHand}.`
        : `${refusal.allocated} of ${refusal.onHand} are promised to orders, so there can’t be fewer than that.`;
    default:
      return refusal.message;
  }
}

/** One product's counters, with the two ways to change them: what was counted, or how many came or went. */
export function StockRow({ product }: { product: StockedProduct }) {
  const client = useClient();
  const { busy, problem, run } = useAction();
  const { stock } = product;
  if (stock === null) return null;

  /** Resolves to whether it was done. */
  const change = async (
    intent: string,
    { input, shown }: { input: object; shown: number },
    send: (idempotencyKey: string) => Promise<{ readonly userErrors: readonly Refusal[] }>,
  ): Promise<boolean> => {
    let done = false;
    await run(async () => {
      const { userErrors } = await send(intentKey(intent, input));
      settleIntent(intent);
      const [refusal] = userErrors;
      if (refusal !== undefined) return explain(refusal, shown);
      done = true;
      announce(`The stock of ${product.name} is saved.`);
      return null;
    });
    return done;
  };

  const count = (onHand: number, { shown, reason }: Typed) => {
    // The number that was on the screen when the count began: when it is not the number any more, the server refuses.
    const input = { productId: product.id, onHand, expectedOnHand: shown, reason: reason || countReason };
    return change(`set-stock-${product.id}`, { input, shown }, async (idempotencyKey) => {
      const answer = await perform(client, SetStockDocument, { changes: [input], idempotencyKey });
      return answer.setStock;
    });
  };
  const adjust = (delta: number, { shown, reason }: Typed) => {
    const input = { productId: product.id, delta, reason: reason || changeReason };
    return change(`adjust-stock-${product.id}`, { input, shown }, async (idempotencyKey) => {
      const answer = await perform(client, AdjustStockDocument, { changes: [input], idempotencyKey });
      return answer.adjustStock;
    });
  };

  return (
    <li className="card stock-row">
      <Picture cover={product.cover} name={product.name} />
      <div className="what">
        <p>
          <Link className="strong" href={`/staff/products/${product.id}`}>
            {product.name}
          </Link>
        </p>
        <p className="small muted">
          <code>{product.sku}</code>
          {stock.available <= stock.lowStockThreshold && <span className="badge wait">Low</span>}
        </p>
      </div>
      <dl className="counters">
        <div>
          <dt>On hand</dt>
          <dd>{stock.onHand}</dd>
        </div>
        <div>
          <dt>Promised</dt>
          <dd>{stock.allocated}</dd>
        </div>
        <div>
          <dt>Left</dt>
          <dd>{stock.available}</dd>
        </div>
      </dl>
      <NumberForm
        label="Counted"
        of={product.name}
        placeholder={String(stock.onHand)}
        shown={stock.onHand}
        press="Save"
        busy={busy}
        onSubmit={count}
      />
      <NumberForm
        label="Change by"
        of={product.name}
        placeholder="±0"
        signed
        shown={stock.onHand}
        press="Change"
        busy={busy}
        onSubmit={adjust}
      />
      <div role="alert" className="row-problem">
        {problem !== null && <p className="notice bad">{problem}</p>}
      </div>
    </li>
  );
}

/** The figure that stood there when the typing began, and why it is another one, if that was said. */
type Typed = { readonly shown: number; readonly reason: string };

function NumberForm({
  label,
  of,
  placeholder,
  signed = false,
  shown,
  press,
  busy,
  onSubmit,
}: {
  label: string;
  of: string;
  placeholder: string;
  signed?: boolean;
  shown: number;
  press: string;
  busy: boolean;
  onSubmit: (value: number, typed: Typed) => Promise<boolean>;
}) {
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  /** Null after a refusal, which has told the figure as it is now. */
  const [began, setBegan] = useState<number | null>(null);
  const number = wholeOf(typed, signed);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || number === null) return;
    const isDone = await onSubmit(number, { shown: began ?? shown, reason: reason.trim() });
    if (isDone) {
      setTyped('');
      setReason('');
    } else setBegan(null);
  };
  return (
    <form className="inline-form" onSubmit={(event) => void submit(event)}>
      <TextField
        label={
          <>
            {label}
            <span className="hidden-visually"> of {of}</span>
          </>
        }
        inputMode={signed ? 'text' : 'numeric'}
        placeholder={placeholder}
        wrong={typed.trim() !== '' && number === null ? 'Type a whole number, in digits alone.' : null}
        value={typed}
        onChange={(text) => {
          if (typed === '') setBegan(shown);
          setTyped(text);
        }}
      />
      <button className="button quiet" disabled={busy || typed.trim() === ''}>
        {press}
        <span className="hidden-visually"> the number of {of}</span>
      </button>
      {typed !== '' && (
        <TextField
          label={
            <>
              Why, if that matters
              <span className="hidden-visually"> of {of}</span>
            </>
          }
          maxLength={longestReason}
          value={reason}
          onChange={setReason}
        />
      )}
    </form>
  );
}

/** A whole number as typed, with a sign where it may have one; null where it is none. */
function wholeOf(text: string, signed: boolean): number | null {
  const [, sign = '', digits] = /^([+\-\u2212]?)(\d{1,10})$/.exec(text.trim()) ?? [];
  if (digits === undefined || (sign !== '' && !signed)) return null;
  return sign === '' || sign === '+' ? Number(digits) : -Number(digits);
}
