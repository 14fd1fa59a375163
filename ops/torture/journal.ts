/** What one client was told about one order. Nothing in here was read from the platform's databases. */
export type OrderTold = {
  /** Key of the placing, also the order's remark: by it an order of the platform is known again. */
  readonly key: string;
  readonly buyer: number;
  readonly lines: readonly { readonly productId: string; readonly quantity: number }[];
  readonly input: Readonly<Record<string, unknown>>;
  /** Set when the placing was acknowledged. */
  id?: string;
  number?: string;
  totalMinor?: number;
  /** The code that it was refused with. */
  refusal?: string;
  /** No answer within the time that a client has: it may have been placed or not. */
  unanswered?: boolean;
  /** An event or an answer said PAID. */
  paid: boolean;
  /** `cancelOrder` was acknowledged. */
  cancelled: boolean;
};

export type PaymentTold = {
  readonly orderId: string;
  readonly paymentId: string;
  /** The provider's intent; null for payments without one. */
  readonly intent: string | null;
  /** The provider itself said that it took the money. */
  charged: boolean;
};

export type RefundTold = {
  readonly key: string;
  readonly paymentId: string;
  readonly orderId: string;
  readonly amountMinor: number;
  /** Undefined while nothing was answered. */
  refundId?: string;
  refusal?: string;
};

export type CreditTold = {
  readonly key: string;
  readonly buyer: number;
  readonly amountMinor: number;
  acknowledged: boolean;
};

/** All that was told to all clients in a run. */
export type Journal = {
  readonly orders: OrderTold[];
  readonly payments: PaymentTold[];
  readonly refunds: RefundTold[];
  readonly credits: CreditTold[];
  /** Broken promises that a client sees at once, e.g. a repetition with another answer. */
  readonly violations: readonly string[];
  /** Notes a broken promise. */
  violate(line: string): void;
};

/** @param onViolation told of each broken promise when it is noted */
export function openJournal(onViolation: (line: string) => void = () => undefined): Journal {
  const violations: string[] = [];
  return {
    orders: [],
    payments: [],
    refunds: [],
    credits: [],
    violations,
    violate(line) {
      violations.push(line);
      onViolation(line);
    },
  };
}
