import type { TypeRules } from '../domain/type-rules.ts';
import type { StoredOrder } from '../stored-order.ts';

export type PayFlow = 'NONE' | 'PREPAY_WALLET' | 'ORDER_THEN_PAY' | 'MIXED';

/** Why a paid order can't be delivered yet, in words for staff, and when to ask again. */
export type Wait = { readonly reason: string; readonly until: Date };

/**
 * Something that a type does beside an order's own life. It is called from a job, after the commit that it follows and
 * outside any transaction, at least once and again after a crash: so it must be re-entrant. It resolves when it has done its
 * work; a rejection is tried again with back-off for about a day, then noted in the order's journal for staff.
 */
export type Hook = (order: StoredOrder) => Promise<void>;

/**
 * One kind of order. Add a file beside this one that calls `defineOrderType`, and register it in `registry.ts`; see
 * docs/order-types.md. Hooks in the sequence of an order's life: `refuses`, `price` and `validate` (of TypeRules, pure), then
 * `mayAdvance`, `deliver`, and `onFinish` or `onAbnormal`.
 */
export type OrderType = TypeRules & {
  readonly name: string;
  /** Two capitals that begin the order number; unique. */
  readonly numberPrefix: string;
  /** Seconds to pay; null takes PAYMENT_WINDOW_SECONDS. */
  readonly paymentWindowSeconds: number | null;
  /** Days after completion in which a return can be asked for; null takes RETURN_WINDOW_DAYS, 0 is never. */
  readonly returnWindowDays: number | null;
  readonly payFlow: PayFlow;
  /**
   * Whether a paid order that needs no fulfilment may be delivered now: null, or what it waits for. Asked from a job before
   * each delivery, while the order is PAID and can still be cancelled; it only looks. A rejection counts as a failed delivery.
   * The type's null is always yes.
   */
  readonly mayAdvance: ((order: StoredOrder) => Promise<Wait | null>) | null;
  /**
   * Delivers a paid order that needs no fulfilment. Called from a job, more than once after a crash, so it must be
   * re-entrant. Resolves when delivered; a rejection is tried again with back-off until the life time is over.
   */
  deliver(order: StoredOrder): Promise<void>;
  /** Seconds after payment within which delivery must succeed, waits included; then the order NEEDS_ATTENTION. */
  readonly deliveryLifeSeconds: number;
  /** Called when an order is COMPLETED, whoever completed it; again when staff advance it. */
  readonly onFinish: Hook | null;
  /** Called when an order NEEDS_ATTENTION, unless staff have decided before; again for each time that it does. */
  readonly onAbnormal: Hook | null;
};
