import { type FormEvent, type ReactNode, useId, useState } from 'react';

/** One text, e.g. a reason, and the button that sends it. */
export function WordsForm({
  label,
  press,
  busy,
  maxLength,
  children,
  onSubmit,
}: {
  label: string;
  press: string;
  busy: boolean;
  maxLength: number;
  children?: ReactNode;
  onSubmit: (words: string) => Promise<boolean>;
}) {
  const id = useId();
  const [words, setWords] = useState('');
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!busy && words.trim() !== '' && (await onSubmit(words.trim()))) setWords('');
  };
  return (
    <form className="form" onSubmit={(event) => void submit(event)}>
      <div className="inline-form">
        <div className="field">
          <label htmlFor={id}>{label}</label>
          <input
            id={id}
            required
            autoComplete="off"
            maxLength={maxLength}
            value={words}
            onChange={({ target }) => setWords(target.value)}
          />
        </div>
        <button className="button quiet" disabled={busy}>
          {press}
        </button>
      </div>
      {children}
    </form>
  );
}
