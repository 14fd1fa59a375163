import { useId } from 'react';
import { t } from '../language/catalogue.ts';

const longestRemark = 1_024;

/** Something that the buyer wants to tell the shop. */
export function Remark({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <details className="part" open={value !== '' || undefined}>
      <summary>{t().cart.tellUs}</summary>
      <div className="field">
        <label htmlFor={id}>{t().cart.remark}</label>
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
