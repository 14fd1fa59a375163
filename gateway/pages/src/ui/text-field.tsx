import { type InputHTMLAttributes, type ReactNode, useId } from 'react';

export type TextFieldProps = Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value' | 'id'> & {
  label: ReactNode;
  value: string;
  onChange: (value: string) => void;
  /** Why the browser must not send the form; null or left out when nothing is wrong. */
  wrong?: string | null;
};

/** A labelled input. */
export function TextField({ label, onChange, wrong = null, ...input }: TextFieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        autoComplete="off"
        aria-invalid={wrong === null ? undefined : true}
        {...input}
        ref={(field) => field?.setCustomValidity(wrong ?? '')}
        onChange={({ target }) => onChange(target.value)}
      />
    </div>
  );
}

/** A labelled choice of one. */
export function SelectField<Value extends string>({
  label,
  value,
  choices,
  onChange,
}: {
  label: string;
  value: Value;
  choices: readonly (readonly [value: Value, text: string])[];
  onChange: (value: Value) => void;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={({ target }) => onChange(target.value as Value)}>
        {choices.map(([choice, text]) => (
          <option key={choice} value={choice}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** A labelled yes or no. */
export const Switch = ({
  label,
  value,
  onChange,
}: {
  label: string;
  value: boolean;
  onChange: (value: boolean) => void;
}) => (
  <label className="switch">
    <input type="checkbox" checked={value} onChange={({ target }) => onChange(target.checked)} />
    <span>{label}</span>
  </label>
);
