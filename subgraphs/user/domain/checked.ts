import { type Refusal, validationError } from '../../shared/errors/errors.ts';

/** A checked value, or why it is refused. */
export type Checked<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly refusal: Refusal };

export const accept = <Value>(value: Value): Checked<Value> => ({ ok: true, value });
export const refuse = (message: string, path: readonly string[]): Checked<never> => ({
  ok: false,
  refusal: validationError(message, path),
});

/** All values, or all refusals. */
export function combine<Values extends Record<string, unknown>>(checks: {
  [Key in keyof Values]: Checked<Values[Key]>;
}): { readonly values: Values } | { readonly refusals: readonly Refusal[] } {
  const entries = Object.entries(checks) as [string, Checked<unknown>][];
  const refusals = entries.flatMap(([, checked]) => (checked.ok ? [] : [checked.refusal]));
  if (refusals.length > 0) return { refusals };
  return {
    values: Object.fromEntries(entries.map(([key, checked]) => [key, (checked as { value: unknown }).value])) as Values,
  };
}
