import { useId } from 'react';
import { t } from '../language/catalogue.ts';

/** A choice of one among few; '' is the first, "All" unless said otherwise. */
export function Chips({
  legend,
  all = t().frame.all,
  value,
  choices,
  onChange,
}: {
  legend: string;
  all?: string;
  value: string;
  choices: readonly (readonly [value: string, label: string])[];
  onChange: (value: string) => void;
}) {
  const name = useId();
  return (
    <fieldset className="chips">
      <legend className="hidden-visually">{legend}</legend>
      {[['', all] as const, ...choices].map(([choice, label]) => (
        <label key={choice}>
          <input type="radio" name={name} checked={value === choice} onChange={() => onChange(choice)} />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}
