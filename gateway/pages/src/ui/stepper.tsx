import { useEffect, useId, useState } from 'react';
import { t } from '../language/catalogue.ts';

/** How many: typed, or one more and one less at a press. */
export function Stepper({
  label,
  value,
  max,
  onChange,
}: {
  label: string;
  value: number;
  max: number;
  onChange: (value: number) => void;
}) {
  const [typed, setTyped] = useState(String(value));
  const id = useId();
  useEffect(() => setTyped(String(value)), [value]);
  const settle = (text: string) => {
    const wanted = Number.parseInt(text, 10);
    const allowed = Number.isInteger(wanted) ? Math.min(Math.max(1, wanted), Math.max(1, max)) : value;
    setTyped(String(allowed));
    if (allowed !== value) onChange(allowed);
  };
  return (
    <div className="stepper">
      <label className="hidden-visually" htmlFor={id}>
        {label}
      </label>
      <button type="button" aria-label={t().frame.oneLess} disabled={value <= 1} onClick={() => onChange(value - 1)}>
        −
      </button>
      <input
        id={id}
        inputMode="numeric"
        value={typed}
        onChange={(event) => setTyped(event.target.value.replace(/\D/g, '').slice(0, 5))}
        onBlur={(event) => settle(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') settle(event.currentTarget.value);
        }}
      />
      <button type="button" aria-label={t().frame.oneMore} disabled={value >= max} onClick={() => onChange(value + 1)}>
        +
      </button>
    </div>
  );
}
