import { type ReactNode, useState } from 'react';

/** Rules of the shop, each with a form that opens in its place, and one for a new rule. */
export function RuleList<Rule extends { readonly id: string }>({
  title,
  rules,
  add,
  about,
  nameOf,
  form,
}: {
  title: string;
  rules: readonly Rule[];
  add: string;
  about: (rule: Rule) => ReactNode;
  nameOf: (rule: Rule) => string;
  form: (rule: Rule | null, close: () => void) => ReactNode;
}) {
  /** Id of the rule whose form is open; '' for a new one. */
  const [open, setOpen] = useState<string | null>(null);
  const close = () => setOpen(null);
  return (
    <>
      <div className="rule-head">
        <h2>{title}</h2>
        {open !== '' && (
          <button type="button" className="button quiet" onClick={() => setOpen('')}>
            {add}
          </button>
        )}
      </div>
      {open === '' && <section className="card">{form(null, close)}</section>}
      <ul className="rules" aria-label={title}>
        {rules.map((rule) => (
          <li key={rule.id} className="card">
            {open === rule.id ? (
              form(rule, close)
            ) : (
              <div className="rule-head">
                <div>{about(rule)}</div>
                <button type="button" className="link" onClick={() => setOpen(rule.id)}>
                  Change<span className="hidden-visually"> {nameOf(rule)}</span>
                </button>
              </div>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

/** The foot of a rule's form. */
export const RuleButtons = ({
  busy,
  problem,
  press = 'Save',
  onClose,
}: {
  busy: boolean;
  problem: string | null;
  press?: string;
  onClose: () => void;
}) => (
  <>
    <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
    <div className="choices">
      <button className="button" disabled={busy}>
        {press}
      </button>
      <button type="button" className="button quiet" onClick={onClose}>
        Leave it as it is
      </button>
    </div>
  </>
);

export const OnOff = ({ active }: { active: boolean }) => (
  <span className={`badge ${active ? 'good' : ''}`}>{active ? 'On' : 'Off'}</span>
);
