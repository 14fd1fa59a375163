import { t } from './catalogue.ts';

type Refused = {
  readonly code: string;
  readonly message: string;
  /** Where in the arguments, the outermost first. */
  readonly path?: readonly string[] | null | undefined;
};

/**
 * A refusal, or an error, of the API for people: by its code and place where the language has words for it, else as the
 * API says it.
 */
export function refusalText({ code, message, path }: Refused): string {
  const { byCode, byPlace } = t().errors;
  // The last name in the path is the field; numbers are places in a list.
  const field = path?.findLast((part) => !/^\d+$/.test(part));
  return byPlace?.[`${code} ${field}`] ?? byCode?.[code] ?? message;
}

/** Why something was refused, for people; null when it was not. */
export const firstRefusal = ([first]: readonly Refused[]): string | null =>
  first === undefined ? null : refusalText(first);
