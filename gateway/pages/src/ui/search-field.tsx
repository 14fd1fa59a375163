import { useEffect, useId, useRef, useState } from 'react';

/** A search is sent when the typing pauses. */
const typingPauseMs = 250;

/** A field that tells what was typed when the typing pauses. */
export function SearchField({
  label,
  value,
  maxLength,
  onChange,
}: {
  label: string;
  value: string;
  maxLength: number;
  onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  const sent = useRef(value);
  const id = useId();

  // It was changed by another way than this field, e.g. "Show everything".
  useEffect(() => {
    if (value === sent.current) return;
    sent.current = value;
    setTyped(value);
  }, [value]);

  useEffect(() => {
    if (typed === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = typed;
      onChange(typed);
    }, typingPauseMs);
    return () => clearTimeout(timer);
  }, [typed, onChange]);

  return (
    <div className="field search">
      <label className="hidden-visually" htmlFor={id}>
        {label}
      </label>
      <input
        id={id}
        type="search"
        placeholder={label}
        maxLength={maxLength}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </div>
  );
}
