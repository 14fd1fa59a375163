import type { Database } from '../shared/database/database.ts';
import type { ServiceCaller } from '../shared/calls/link.ts';
import type { Live } from '../shared/process/live.ts';
import type { Logger, Metrics } from '../shared/process/telemetry.ts';
import type { Time } from '../shared/time/time.ts';
import type { OrderConfig } from './config.ts';
import type { CouponGuesses } from './coupon-guesses.ts';
import type { FeedWatch } from './feed.ts';
import type { PriceBook, TaxProvider } from './price-book.ts';
import type { OrderTypes } from './types/registry.ts';

/** Everything that the order subgraph's commands use. */
export type OrderDeps = {
  readonly db: Database;
  /** Calls other subgraphs as the service `order`. */
  readonly call: ServiceCaller;
  readonly live: Live;
  /** Wakes subscriptions. */
  readonly feed: FeedWatch;
  readonly types: OrderTypes;
  readonly config: OrderConfig;
  /** Shipping methods and tax rates. */
  readonly priceBook: PriceBook;
  readonly taxProvider: TaxProvider;
  readonly couponGuesses: CouponGuesses;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly now: () => Date;
  /** What waiting for a saga is measured by. */
  readonly time: Time;
  readonly newId: (owner?: string) => string;
  /** Owner of this process's leases. */
  readonly processId: string;
  /** Makes the expiry job run at the full second after `at`. */
  readonly wakeExpiry: (at: Date) => void;
  /** Publishes the outbox now, or within a tenth of a second, in whichever process the relay runs. */
  readonly kickRelay: (when?: 'soon') => void;
  /** Takes the events of these orders out of streams, outbox and dead letters; false while some are not handled. */
  readonly forget: (orderIds: readonly string[]) => Promise<boolean>;
  /** Lets the delivery of paid orders look now. */
  readonly kickAdvance: () => void;
};
