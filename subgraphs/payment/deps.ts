import type { Database } from '../shared/database/database.ts';
import type { Env } from '../shared/process/env.ts';
import type { Live } from '../shared/process/live.ts';
import type { ServiceCaller } from '../shared/calls/link.ts';
import type { Time } from '../shared/time/time.ts';
import type { Logger } from '../shared/process/telemetry.ts';
import type { CaptureMode } from './config.ts';
import type { PaymentMetrics } from './metrics.ts';
import type { PaymentProvider } from './providers/provider.ts';
import type { PaymentMethod } from './records.ts';

/** What the payment service works with. */
export type PaymentDeps = {
  readonly env: Env;
  readonly db: Database;
  readonly live: Live;
  readonly log: Logger;
  readonly now: () => Date;
  /** What waiting for a provider is measured by. */
  readonly time: Time;
  readonly newId: (owner?: string) => string;
  readonly metrics: PaymentMetrics;
  /** Calls other subgraphs as the service `payment`. */
  readonly call: ServiceCaller;
  /** By the method that they serve: the methods that can be used here. */
  readonly providers: ReadonlyMap<PaymentMethod, PaymentProvider>;
  /** Whether money is taken at once, or held until staff capture it, where the provider can. */
  readonly capture: CaptureMode;
  /** What one member of staff may credit or refund without a second person, in minor units of whichever currency. */
  readonly staffApprovalAboveMinor: bigint;
  /** For how many days what providers sent is kept as it came. */
  readonly webhookRetentionDays: number;
  /** Takes the events of these orders out of streams, outbox and dead letters; false while some are not handled. */
  readonly forget: (orderIds: readonly string[]) => Promise<boolean>;
  /** Wakes background work, here or in another process. A lost wake only costs the time to the next look. */
  readonly wake: (work: Work) => void;
};

/** Background work that may be woken: publishing events, asking providers about attempts, doing refunds. */
export const works = ['outbox', 'attempts', 'refunds'] as const;
export type Work = (typeof works)[number];

/** The provider of a stored attempt. Throws when it is no longer configured. */
export function providerNamed(deps: PaymentDeps, name: string): PaymentProvider {
  for (const provider of deps.providers.values()) if (provider.name === name) return provider;
  throw new Error(`the payment provider ${name} is not configured here`);
}
