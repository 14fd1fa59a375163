import { openDependency } from '../../shared/dependency.ts';
import type { Logger } from '../../shared/telemetry.ts';
import { type PaymentProvider, ProviderUnreachable } from './provider.ts';

/**
 * A provider of which the log says once that it is away, and once that it is back, by what calls of it bring.
 *
 * @param options.setting the variable to look at, e.g. `STRIPE_API_BASE`
 */
export function watched(provider: PaymentProvider, options: { setting: string; log: Logger }): PaymentProvider {
  const part = openDependency({ ...options, name: `provider ${provider.name}` }).part();
  async function noted<T>(work: Promise<T>): Promise<T> {
    try {
      const answer = await work;
      part.back();
      return answer;
    } catch (error) {
      if (error instanceof ProviderUnreachable) part.away(error);
      else part.back();
      throw error;
    }
  }
  const { capture } = provider;
  return {
    ...provider,
    createIntent: (attempt) => noted(provider.createIntent(attempt)),
    getIntent: (attempt) => noted(provider.getIntent(attempt)),
    cancelIntent: (attempt) => noted(provider.cancelIntent(attempt)),
    ...(capture && { capture: (attempt, amount) => noted(capture(attempt, amount)) }),
    refund: (refund) => noted(provider.refund(refund)),
  };
}
