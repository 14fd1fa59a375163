import { type FormEvent, useId, useState } from 'react';
import type { Quote } from '../types.ts';
import { t } from '../language/catalogue.ts';
import { firstRefusal } from '../language/refusals.ts';

/** Coupon codes of an order: those that count show in its total, the others say here why they don't. */
export function Coupons({
  quote,
  codes,
  onCodes,
}: {
  quote: Quote;
  codes: readonly string[];
  onCodes: (codes: readonly string[]) => void;
}) {
  const id = useId();
  const [typed, setTyped] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const code = typed.trim().toUpperCase();
    if (code !== '' && !codes.includes(code)) onCodes([...codes, code]);
    setTyped('');
  };
  const refusalOf = (index: number) =>
    firstRefusal(quote.userErrors.filter(({ path }) => path?.[1] === 'couponCodes' && path[2] === String(index)));
  return (
    <form className="part" onSubmit={submit} aria-label={t().cart.coupons}>
      <div className="inline-form">
        <div className="field">
          <label htmlFor={id}>{t().cart.couponCode}</label>
          <input
            id={id}
            autoComplete="off"
            autoCapitalize="characters"
            maxLength={64}
            value={typed}
            onChange={({ target }) => setTyped(target.value)}
          />
        </div>
        <button className="button quiet">
          {t().cart.use}
          <span className="hidden-visually">{t().cart.useCoupon}</span>
        </button>
      </div>
      <div aria-live="polite">
        {codes.map((code, index) => {
          const refusal = refusalOf(index);
          return (
            <p key={code} className={refusal === null ? 'small' : 'notice bad'}>
              {code}: {refusal ?? t().cart.counted}{' '}
              <button type="button" className="link" onClick={() => onCodes(codes.filter((each) => each !== code))}>
                {t().cart.remove}
                <span className="hidden-visually"> {code}</span>
              </button>
            </p>
          );
        })}
      </div>
    </form>
  );
}
