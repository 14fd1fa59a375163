import { type HTMLInputTypeAttribute, useId } from 'react';
import { t } from '../language/catalogue.ts';

type FieldOptions = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  type?: HTMLInputTypeAttribute;
  autoComplete: string;
  hint?: string;
  minLength?: number;
  maxLength?: number;
};

/** A labelled input that must be filled in. */
export function Field({ label, value, onChange, hint, ...input }: FieldOptions) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        required
        value={value}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => onChange(event.target.value)}
        {...input}
      />
      {hint !== undefined && (
        <p id={`${id}-hint`} className="small muted">
          {hint}
        </p>
      )}
    </div>
  );
}

/** The password that one has, asked for once more before something that matters. */
export const OwnPassword = (field: Pick<FieldOptions, 'value' | 'onChange'>) => (
  <Field label={t().account.yourPassword} type="password" autoComplete="current-password" {...field} />
);

export const shortestPassword = 8;
