import type { ReactNode } from 'react';
import { useOpening } from '../../ui/use-opening.ts';

type Kind<Rule> = {
  add: string;
  about: (rule: Rule) => ReactNode;
  nameOf: (rule: Rule) => string;
  form: (rule: Rule | null, close: () => void) => ReactNode;
};

/** The head of a list of rules, with a form for a new one. */
export function RuleHead<Rule>({ title, add, form }: Pick<Kind<Rule>, 'add' | 'form'> & { title: string }) {
  const { isOpen, open, close, opener, opened } = useOpening();
  return (
    <>
      <div className="rule-head">
        <h2>{title}</h2>
        {!isOpen && (
          <button type="button" className="button quiet" ref={opener} onClick={open}>
            {add}
          </button>
        )}
      </div>
      {isOpen && (
        <div className="card" ref={opened}>
          {form(null, close)}
        </div>
      )}
    </>
  );
}

/** A rule, with a form that opens in its place. */
export function RuleItem<Rule>({ rule, about, nameOf, form }: Omit<Kind<Rule>, 'add'> & { rule: Rule }) {
  const { isOpen, open, close, opener, opened } = useOpening();
  return (
    <li className="card">
      {isOpen ? (
        <div ref={opened}>{form(rule, close)}</div>
      ) : (
        <div className="rule-head">
          <div>{about(rule)}</div>
          <button type="button" className="link" ref={opener} onClick={open}>
            Change<span className="hidden-visually"> {nameOf(rule)}</span>
          </button>
        </div>
      )}
    </li>
  );
}

/** Rules of the shop, each with a form that opens in its place, and one for a new rule. */
export const RuleList = <Rule extends { readonly id: string }>({
  title,
  rules,
  ...kind
}: Kind<Rule> & { title: string; rules: readonly Rule[] }) => (
  <>
    <RuleHead title={title} {...kind} />
    <ul className="rules" aria-label={title}>
      {rules.map((rule) => (
        <RuleItem key={rule.id} rule={rule} {...kind} />
      ))}
    </ul>
  </>
);

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
