import { inTime } from '../shared/time/in-time.ts';
import { deadlineIn } from '../shared/time/deadline.ts';
import { noteFailure } from '../shared/process/dependency.ts';
import { isUnavailable } from '../shared/errors/errors.ts';
import { CallError } from '../shared/calls/link.ts';
import type { OrderDeps } from './deps.ts';
import { closingGraceMs } from './domain/order.ts';
import type { StoredOrder } from './stored-order.ts';

/** What payment says of an order that is about to close. */
export type PaymentOutlook = {
  readonly orderId: string;
  /** What has come in and is not going back, in minor units. */
  readonly settledMinor: number;
  /** When the last of it was paid. */
  readonly paidAt: string | Date | null;
  /** The payment that is waited for, and until when. */
  readonly paymentId: string | null;
  readonly until: string | Date | null;
  /** What is held for the order meanwhile. */
  readonly authorizedMinor: number;
};

/** Payment itself asks its providers within a second; an order is not held up longer than this. */
const answerWithinMs = 1_500;
/** How long past its deadline an order that is being paid stays open, when payment is out of reach. */
const patienceMs = closingGraceMs - 2_000;

const document = /* GraphQL */ `
  mutation SettleBeforeClosing($orderIds: [ID!]!) {
    settleBeforeClosing(orderIds: $orderIds) {
      orderId
      settledMinor
      paidAt
      paymentId
      until
      authorizedMinor
    }
  }
`;

/**
 * Asks payment, once for the whole batch, which of these orders have money that is here or on its way; the others may be
 * closed. While payment is out of reach those that are being paid and have become due only lately are left for a later look
 * (`unknown`), so that its restart costs no sale.
 */
export async function askPaymentOutlook(
  deps: OrderDeps,
  orders: readonly Pick<StoredOrder, 'id' | 'expiresAt' | 'isPaying'>[],
  { at, traceId }: { at: Date; traceId: string },
): Promise<{ readonly outlooks: ReadonlyMap<string, PaymentOutlook>; readonly unknown: ReadonlySet<string> }> {
  try {
    const variables = { orderIds: orders.map(({ id }) => id) };
    const call = { query: document, variables, traceId, deadline: deadlineIn(answerWithinMs) };
    const answer = await inTime(
      deps.call<{ settleBeforeClosing: readonly PaymentOutlook[] }>('payment', call),
      answerWithinMs,
      deps.time,
    );
    return { outlooks: new Map(answer.settleBeforeClosing.map((told) => [told.orderId, told])), unknown: new Set() };
  } catch (error) {
    const answered = error instanceof CallError && !isUnavailable(error);
    noteFailure(deps.log, error, 'payment does not say whether money is on its way', { orders: orders.length });
    const late = orders.filter(
      ({ isPaying, expiresAt }) => isPaying && at.getTime() - expiresAt.getTime() < patienceMs,
    );
    return { outlooks: new Map(), unknown: new Set(answered ? [] : late.map(({ id }) => id)) };
  }
}
