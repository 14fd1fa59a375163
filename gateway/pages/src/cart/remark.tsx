import { useId } from 'react';

const longestRemark = 1_024;

/** Something that the buyer wants to tell the shop. */
export function Remark({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <details className="part" open={value !== '' || undefined}>
      <summary>Tell us something about this order</summary>
      <div className="field">
        <label htmlFor={id}>Remark</label>
        <textarea
          id={id}
          rows={3}
          maxLength={longestRemark}
          value={value}
          onChange={({ target }) => onChange(target.value)}
        />
      </div>
    </details>
  );
}
