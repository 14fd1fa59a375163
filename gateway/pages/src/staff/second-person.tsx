import { useId } from 'react';
import { useSearchParams } from 'wouter';

/** Something that one person may not give alone, as the first one asked for it: minor units, and the key that both send. */
export type Asked = { readonly amount: number; readonly key: string };

/** The code of a refusal that asks for a second person. */
export const isApprovalRequired = (refusal: { readonly code?: string } | undefined): boolean =>
  refusal?.code === 'APPROVAL_REQUIRED';

/** What the address of this page asks a second person for, and how to forget it. `what`: `credit`, or a payment's id. */
export function useAsked(what: string): [Asked | null, forget: () => void] {
  const [params, setParams] = useSearchParams();
  const [amount, key] = [Number(params.get('amount')), params.get('key') ?? ''];
  const isAsked = params.get('approve') === what && Number.isSafeInteger(amount) && amount > 0 && key !== '';
  return [isAsked ? { amount, key } : null, () => setParams({}, { replace: true })];
}

/** The address at which a second person finds what was asked for. */
const addressOf = (what: string, { amount, key }: Asked): string =>
  `${location.origin}${location.pathname}?${new URLSearchParams({ approve: what, amount: String(amount), key }).toString()}`;

/** Tells the first person what happens now. */
export function SecondPerson({ what, asked }: { what: string; asked: Asked }) {
  const id = useId();
  return (
    <div className="notice wait" role="alert">
      <p>
        <strong>A second person has to agree.</strong> Nothing was given yet. Send this address to an administrator who
        is not you: the page asks them to confirm it.
      </p>
      <div className="field">
        <label htmlFor={id}>Address for the second person</label>
        <input id={id} readOnly value={addressOf(what, asked)} onFocus={(event) => event.target.select()} />
      </div>
    </div>
  );
}
