import { type FormEvent, useId, useState } from 'react';
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
import { useAction } from '../ui/use-action.ts';

type StockedProduct = StockQuery['products']['edges'][number]['node'];
type Refusal = SetStockMutation['setStock']['userErrors'][number];

const countReason = 'Counted in the staff view';
const changeReason = 'Changed in the staff view';

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
    input: object,
    send: (idempotencyKey: string) => Promise<{ readonly userErrors: readonly Refusal[] }>,
  ): Promise<boolean> => {
    let done = false;
    await run(async () => {
      const { userErrors } = await send(intentKey(intent, input));
      settleIntent(intent);
      const [refusal] = userErrors;
      if (refusal !== undefined) return explain(refusal, stock.onHand);
      done = true;
      announce(`The stock of ${product.name} is saved.`);
      return null;
    });
    return done;
  };

  const count = (onHand: number) => {
    // The number that was on the screen: when it is not the number any more, the server refuses.
    const input = { productId: product.id, onHand, expectedOnHand: stock.onHand, reason: countReason };
    return change(`set-stock-${product.id}`, input, async (idempotencyKey) => {
      const answer = await perform(client, SetStockDocument, { changes: [input], idempotencyKey });
      return answer.setStock;
    });
  };
  const adjust = (delta: number) => {
    const input = { productId: product.id, delta, reason: changeReason };
    return change(`adjust-stock-${product.id}`, input, async (idempotencyKey) => {
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
        min={0}
        press="Save"
        busy={busy}
        onSubmit={count}
      />
      <NumberForm label="Change by" of={product.name} placeholder="±0" press="Book" busy={busy} onSubmit={adjust} />
      <div role="alert" className="row-problem">
        {problem !== null && <p className="notice bad">{problem}</p>}
      </div>
    </li>
  );
}

function NumberForm({
  label,
  of,
  placeholder,
  min,
  press,
  busy,
  onSubmit,
}: {
  label: string;
  of: string;
  placeholder: string;
  min?: number;
  press: string;
  busy: boolean;
  onSubmit: (value: number) => Promise<boolean>;
}) {
  const [typed, setTyped] = useState('');
  const id = useId();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const value = Number.parseInt(typed, 10);
    if (!busy && Number.isInteger(value) && (await onSubmit(value))) setTyped('');
  };
  return (
    <form className="inline-form" onSubmit={(event) => void submit(event)}>
      <div className="field">
        <label htmlFor={id}>
          {label}
          <span className="hidden-visually"> of {of}</span>
        </label>
        <input
          id={id}
          type="number"
          min={min}
          step={1}
          placeholder={placeholder}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      </div>
      <button className="button quiet" disabled={busy || typed === ''}>
        {press}
        <span className="hidden-visually"> the number of {of}</span>
      </button>
    </form>
  );
}
