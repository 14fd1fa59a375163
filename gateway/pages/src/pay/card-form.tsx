import { useEffect, useId, useRef, useState, type FormEvent } from 'react';
import { formatCard } from '../format.ts';
import { t } from '../language/catalogue.ts';

const longestCard = 19;
const shortestCard = 13;

export const testCards = [
  { number: '4242424242424242', effect: 'cardPays' },
  { number: '4000000000000002', effect: 'cardDeclined' },
  { number: '4000000000009995', effect: 'cardLacksFunds' },
  { number: '4000002760003184', effect: 'cardAsks' },
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
  const input = useRef<HTMLInputElement>(null);
  const wasBusy = useRef(false);
  // It did not work: another number takes the place of this one.
  useEffect(() => {
    if (wasBusy.current && busy === null) input.current?.select();
    wasBusy.current = busy !== null;
  }, [busy]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy !== null) return;
    const short = card.length < shortestCard;
    setProblem(short ? t().pay.wholeNumber : null);
    if (!short) onPay(card);
    else input.current?.focus();
  };

  return (
    <form className="form" onSubmit={submit} noValidate>
      <div className="field">
        <label htmlFor={id}>{t().pay.cardNumber}</label>
        <input
          id={id}
          ref={input}
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
            <span className="muted">{t().pay.simulated}</span>
          ) : (
            <span className="problem" role="alert">
              {problem}
            </span>
          )}
        </p>
      </div>
      <button className="button wide" aria-disabled={busy !== null}>
        {busy !== null && <span className="spinner" />}
        {busy ?? t().pay.payAmount(amount)}
      </button>
      <fieldset className="test-cards">
        <legend className="small muted">{t().pay.testCards}</legend>
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
            <span className="muted">{t().pay[effect]}</span>
          </button>
        ))}
      </fieldset>
    </form>
  );
}
