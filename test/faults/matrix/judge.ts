import type { Got } from './clients.ts';
import type { Outcome } from './table.ts';

/** What an answer is, in the table's words; a text that begins with `wrong` is none of them. */
export type Kind = 'works' | 'refused' | 'partial' | `wrong: ${string}`;

type Payload = { userErrors?: readonly { code: string; message: string }[] } | null;

/** An answer in the table's words. A payment that its provider can't take now is refused, too. */
export function kindOf({ status, retryAfter, body }: Got): Kind {
  const codes = new Set(body.errors?.map(({ extensions }) => extensions?.code));
  const wrong = (): Kind => `wrong: ${status} ${retryAfter === null ? '' : `Retry-After ${retryAfter} `}${JSON.stringify(body).slice(0, 400)}`; // prettier-ignore
  if (codes.size === 0) {
    if (status !== 200 || !body.data) return wrong();
    const refusals = Object.values(body.data).flatMap((payload) => (payload as Payload)?.userErrors ?? []);
    if (refusals.length === 0) return 'works';
    return refusals.every(({ code }) => code === 'PROVIDER_UNAVAILABLE') ? 'refused' : wrong();
  }
  if ([...codes].some((code) => code !== 'SERVICE_UNAVAILABLE' && code !== 'DEADLINE_EXCEEDED')) return wrong();
  const hasData = Object.values(body.data ?? {}).some((value) => value !== null);
  if (status === 200 && hasData) return codes.has('DEADLINE_EXCEEDED') ? wrong() : 'partial';
  if (status !== 503 || !/^[1-9][0-9]*$/.test(retryAfter ?? '')) return wrong();
  return 'refused';
}

/** Whether an answer is one of those that the table allows. */
export function isAllowed(kind: Kind, expected: Outcome): boolean {
  if (kind.startsWith('wrong')) return false;
  if (expected === 'works') return kind === 'works';
  if (expected === 'partial') return true;
  return kind === 'works' || kind === 'refused';
}
