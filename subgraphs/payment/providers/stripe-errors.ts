import { Stripe } from 'stripe';
import { saysNothing } from './answers.ts';
import { ProviderRefused, ProviderUnreachable } from './provider.ts';

/** An error of Stripe's SDK in our words; any other as it is. */
export function inOurWords(error: unknown): unknown {
  if (!(error instanceof Stripe.errors.StripeError)) return error;
  const { statusCode, code, type, message } = error;
  return statusCode === undefined || saysNothing(statusCode)
    ? new ProviderUnreachable(`stripe: ${statusCode ?? ''} ${code ?? type}`, { cause: error })
    : new ProviderRefused(code ?? type, message);
}
