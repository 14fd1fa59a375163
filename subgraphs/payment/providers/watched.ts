import { openDependency } from '../../shared/process/dependency.ts';
import { openProbing } from '../../shared/calls/probing.ts';
import type { Logger } from '../../shared/process/telemetry.ts';
import { type Tracing, traced } from '../../shared/tracing/tracing.ts';
import { type PaymentProvider, ProviderUnreachable } from './provider.ts';

/** How often a provider that is away is asked whether it is back, by chance up to half later. */
const probeEveryMs = 2_000;

/**
 * A provider of which the log says once that it is away, and once that it is back: by what calls of it bring, and while it
 * is away by asking it, as nobody may pay for hours.
 *
 * @param options.setting the variable to look at, e.g. `STRIPE_API_BASE`
 */
export function watched(
  provider: PaymentProvider,
  options: { setting: string; log: Logger; tracing?: Tracing | undefined },
): PaymentProvider {
  const dependency = openDependency({ ...options, name: `provider ${provider.name}` });
  const part = dependency.part();
  const probing = openProbing({
    delayMs: () => probeEveryMs * (1 + Math.random() / 2),
    probe: async () => dependency.reason() !== null && noted(Promise.resolve(provider.probe?.())),
    isOver: () => dependency.reason() === null,
  });

  async function noted<T>(work: Promise<T>): Promise<T> {
    try {
      const answer = await work;
      part.back();
      return answer;
    } catch (error) {
      if (error instanceof ProviderUnreachable) {
        part.away(error);
        if (provider.probe) probing.begin();
      } else part.back();
      throw error;
    }
  }
  /** A call as a span of the payment service, in the trace of whatever asks for it. */
  const called = <T>(what: string, call: () => Promise<T>): Promise<T> => {
    const span = { service: 'payment', name: `${provider.name} ${what}`, kind: 'client', attributes: { 'peer.service': provider.name } } as const; // prettier-ignore
    return noted(traced(options.tracing, span, call));
  };
  const { capture } = provider;
  return {
    ...provider,
    createIntent: (attempt) => called('createIntent', () => provider.createIntent(attempt)),
    getIntent: (attempt) => called('getIntent', () => provider.getIntent(attempt)),
    cancelIntent: (attempt) => called('cancelIntent', () => provider.cancelIntent(attempt)),
    ...(capture && { capture: (attempt, amount) => called('capture', () => capture(attempt, amount)) }),
    refund: (refund) => called('refund', () => provider.refund(refund)),
    close() {
      probing.close();
      return provider.close();
    },
  };
}
