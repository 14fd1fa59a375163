import { ApiError, postJson } from '../api.ts';
import type { Attempt } from '../types.ts';
import { shownLanguage, t } from '../language/catalogue.ts';

/** What the simulated provider's browser part needs; the API hands it through as it is. */
const confirmUrlOf = (attempt: Attempt | null): string | undefined =>
  (attempt?.clientParams as { confirmUrl?: string } | null | undefined)?.confirmUrl;

export type ProviderAnswer = { kind: 'accepted' } | { kind: 'confirm' } | { kind: 'declined'; message: string };
type ProviderError = { code?: string; message?: string };

/** Sends the card to the provider, by its path at this origin: the gateway passes it on. */
export async function askProvider(attempt: Attempt | null, body: object): Promise<ProviderAnswer> {
  const given = confirmUrlOf(attempt);
  if (given === undefined) {
    throw new ApiError('PROVIDER', t().pay.noAnswerYet, true);
  }
  const url = new URL(given, location.href);
  const answer = await postJson(`${url.pathname}${url.search}`, body);
  const { status, error, last_payment_error } = answer.body as {
    status?: string;
    error?: ProviderError;
    last_payment_error?: ProviderError | null;
  };
  const failure = error ?? last_payment_error;
  if (answer.status === 402 || status === 'requires_payment_method') {
    return { kind: 'declined', message: declineText(failure) };
  }
  if (status === 'requires_action') return { kind: 'confirm' };
  if (answer.status >= 400) {
    const text = failure?.message ?? t().pay.providerStatus(answer.status);
    throw new ApiError('PROVIDER', text, answer.status >= 500 || answer.status === 429);
  }
  return { kind: 'accepted' };
}

/** Providers say in English why a card was refused; elsewhere it is told without their reason. */
export const declineText = (failure: { message?: string | null } | null | undefined): string =>
  shownLanguage() === 'en' ? (failure?.message ?? t().pay.declined) : t().pay.declined;
