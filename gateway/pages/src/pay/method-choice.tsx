import { useId } from 'react';
import { t } from '../language/catalogue.ts';
import { type External, methodLabel } from './methods.ts';

/** Chooses between the ways to pay; nothing where there is only one. */
export function MethodChoice({
  methods,
  chosen,
  onChoose,
}: {
  methods: readonly External[];
  chosen: External;
  onChoose: (method: External) => void;
}) {
  const name = useId();
  if (methods.length < 2) return null;
  return (
    <fieldset className="methods">
      <legend className="muted small">{t().pay.how}</legend>
      {methods.map((method) => (
        <label key={method} className="check">
          <input type="radio" name={name} checked={method === chosen} onChange={() => onChoose(method)} />
          <span>{methodLabel(method)}</span>
        </label>
      ))}
    </fieldset>
  );
}
