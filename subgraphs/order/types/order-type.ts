import type { TypeRules } from '../domain/type-rules.ts';
import type { StoredOrder } from '../stored-order.ts';

export type PayFlow = 'NONE' | 'PREPAY_WALLET' | 'ORDER_THEN_PAY' | 'MIXED';

/** One kind of order. Add a file beside this one and register it in `registry.ts`. */
export type OrderType = TypeRules & {
  readonly name: string;
  /** One to four capitals that begin the order number; unique. */
  readonly numberPrefix: string;
  /** Seconds to pay; null takes PAYMENT_WINDOW_SECONDS. */
  readonly paymentWindowSeconds: number | null;
  readonly payFlow: PayFlow;
  /**
   * Delivers a paid order that needs no fulfilment. Called from a job, more than once after a crash, so it must be
   * re-entrant. Resolves when delivered; a rejection is tried again with back-off until the life time is over.
   */
  deliver(order: StoredOrder): Promise<void>;
  /** Seconds after payment within which delivery must succeed; then the order NEEDS_ATTENTION. */
  readonly deliveryLifeSeconds: number;
};
