import { useId, useState, type FormEvent } from 'react';
import { formatCard } from '../format.ts';

const longestCard = 19;
const shortestCard = 13;

export const testCards = [
  { number: '4242424242424242', effect: 'pays' },
  { number: '4000000000000002', effect: 'is declined' },
  { number: '4000000000009995', effect: 'lacks funds' },
  { number: '4000002760003184', effect: 'asks to confirm' },
] as const;

/** The card field with the simulated provider's test cards beside it. */
export function CardForm({
  amount,
  busy,
  onPay,
}: {
  amount: string;
  busy: string | null;
  onPay: (card: string) => void;
}) {
  const [card, setCard] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const id = useId();

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy !== null) return;
    const short = card.length < shortestCard;
    setProblem(short ? 'Enter the whole card number.' : null);
    if (!short) onPay(card);
    else document.getElementById(id)?.focus();
  };

  return (
    <form className="form" onSubmit={submit} noValidate>
      <div className="field">
        <label htmlFor={id}>Card number</label>
        <input
          id={id}
          className="card-number"
          inputMode="numeric"
          autoComplete="cc-number"
          placeholder="0000 0000 0000 0000"
          value={formatCard(card)}
          aria-invalid={problem !== null}
          aria-describedby={`${id}-hint`}
          onChange={(event) => {
            setCard(event.target.value.replace(/\D/g, '').slice(0, longestCard));
            setProblem(null);
          }}
        />
        <p id={`${id}-hint`} className="small">
          {problem === null ? (
            <span className="muted">This is a simulated card: no money moves.</span>
          ) : (
            <span className="problem" role="alert">
              {problem}
            </span>
          )}
        </p>
      </div>
      <button className="button wide" aria-disabled={busy !== null}>
        {busy !== null && <span className="spinner" />}
        {busy ?? `Pay ${amount}`}
      </button>
      <fieldset className="test-cards">
        <legend className="small muted">Test cards</legend>
        {testCards.map(({ number, effect }) => (
          <button
            key={number}
            type="button"
            aria-pressed={card === number}
            disabled={busy !== null}
            onClick={() => {
              setCard(number);
              setProblem(null);
            }}
          >
            <code>{formatCard(number)}</code>
            <span className="muted">{effect}</span>
          </button>
        ))}
      </fieldset>
    </form>
  );
}
