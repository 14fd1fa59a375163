import { useId } from 'react';
import { useSearchParams } from 'wouter';

/** Something that one person may not give alone, as the first one asked for it: minor units, and the key that both send. */
export type Asked = { readonly amount: number; readonly key: string };

/** As `Asked`, of what is more than an amount: the whole input that both send. */
export type AskedInput = { readonly input: object; readonly key: string };

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

/** As `useAsked`, for an input; `isInput` says whether it is one that this page sends. */
export function useAskedInput<Input extends object>(
  what: string,
  isInput: (input: unknown) => input is Input,
): [{ readonly input: Input; readonly key: string } | null, forget: () => void] {
  const [params, setParams] = useSearchParams();
  const key = params.get('key') ?? '';
  const input = params.get('approve') === what && key !== '' ? parsed(params.get('input') ?? '') : null;
  return [isInput(input) ? { input, key } : null, () => setParams({}, { replace: true })];
}

/** Null for what is not JSON: an address may come from anywhere. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** The address at which a second person finds what was asked for. */
function addressOf(what: string, asked: Asked | AskedInput): string {
  const wanted: Record<string, string> = 'input' in asked ? { input: JSON.stringify(asked.input) } : { amount: String(asked.amount) }; // prettier-ignore
  return `${location.origin}${location.pathname}?${new URLSearchParams({ approve: what, ...wanted, key: asked.key }).toString()}`;
}

/** Tells the first person what happens now. */
export function SecondPerson({ what, asked }: { what: string; asked: Asked | AskedInput }) {
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
