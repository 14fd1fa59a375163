/** The answers of schema/operations as the pages read them. */

/** Integer minor units and an ISO 4217 code. */
export type Money = { amount: number; currency: string };

export type UserError = { __typename: string; code: string; message: string; path?: string[] | null };

export type Tokens = { accessToken: string; accessExpiresAt: string; refreshAfter: string; refreshToken: string };
export type SignedInUser = { id: string; name: string; mobile: string | null; roles: string[] };
export type AuthPayload = {
  user: SignedInUser | null;
  tokens: Tokens | null;
  userErrors: (UserError & { retryAfterSeconds?: number | null })[];
};

export type ProductNode = {
  id: string;
  sku: string;
  kind: 'STOCKED' | 'BOOKABLE' | 'DIGITAL';
  name: string;
  subtitle: string | null;
  cover: string | null;
  price: Money;
  marketPrice: Money | null;
  stock: { available: number } | null;
};

export type PlaceOrderPayload = {
  order: { id: string; number: string; state: OrderState; payUrl: string | null } | null;
  replayed: boolean;
  userErrors: (UserError & { shortages?: { available: number }[] })[];
};

export type OrderState =
  | 'PLACING'
  | 'PENDING_PAYMENT'
  | 'PAID'
  | 'PROCESSING'
  | 'COMPLETED'
  | 'LAPSED'
  | 'CANCELLED'
  | 'EXPIRED'
  | 'FAILED'
  | 'NEEDS_ATTENTION';

export type PaymentStatus =
  | 'NOT_REQUIRED'
  | 'UNPAID'
  | 'AUTHORIZED'
  | 'PARTIALLY_PAID'
  | 'PAID'
  | 'OVERPAID'
  | 'PARTIALLY_REFUNDED'
  | 'REFUNDED'
  | 'VOIDED';

export type Attempt = {
  id: string;
  state: 'CREATED' | 'REQUIRES_ACTION' | 'PENDING' | 'AUTHORIZED' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'EXPIRED';
  clientParams: { confirmUrl?: string } | null;
  failureCode: string | null;
  failureMessage: string | null;
};
export type Payment = { id: string; method: string; state: string; attempts: Attempt[] };
export type PayPayload = {
  payment: Payment | null;
  replayed: boolean;
  userErrors: (UserError & { payment?: Payment })[];
};

export type OrderLine = {
  id: string;
  title: string;
  cover: string | null;
  quantity: number;
  unitPrice: Money;
  total: Money;
};
export type Order = {
  id: string;
  number: string;
  state: OrderState;
  paymentStatus: PaymentStatus;
  allowedActions: string[];
  lines: OrderLine[];
  total: Money;
  balanceDue: Money;
  refundedTotal: Money;
  placedAt: string;
  expiresAt: string | null;
  paidAt: string | null;
  closedAt: string | null;
  cancelReason: string | null;
  payments: Payment[];
};
export type OrderEvent = {
  id: string;
  seq: number;
  type: string;
  fromState: OrderState | null;
  toState: OrderState | null;
  reason: string | null;
  at: string;
};
export type OrderAnswer = Order & { history: { edges: { node: OrderEvent }[] } };
export type OrderNotice = { order: Order; event: OrderEvent };
