import { type PaymentEvent, evolve, holdsOrder } from '../domain/payment.ts';
import { followPayment } from '../ledger/follow-payment.ts';
import type { PaymentRow, Source } from '../records.ts';
import { type WhileOrder, insertEvents, insertPayment, updatePayment } from '../payment-store.ts';
import type { Unit } from '../unit.ts';

/** Who or what changed a payment, for its journal. */
export type Cause = {
  readonly source: Source;
  readonly providerEventId?: string | undefined;
  readonly at: Date;
  /** When the customer paid, where it was before `at`. */
  readonly paidAt?: Date | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
};

/** Stores a new payment with its journal. A second one that holds the order fails with a duplicate of `payment_live_slot`. */
export async function saveNewPayment(unit: Unit, payment: PaymentRow, cause: Cause): Promise<void> {
  await insertPayment(unit.sql, payment);
  const event: PaymentEvent = { type: 'PaymentCreated', amountMinor: payment.amountMinor };
  await journal(unit, { id: payment.id, state: null, version: 0 }, [{ event, state: payment.state }], cause);
  unit.journalled({ payment, events: [event] });
  unit.changed(payment.orderId);
}

/**
 * Stores what `events` make of a payment as it was read, with its journal and what they mean for wallets. Returns it as it is
 * then, locked; null when it has changed since it was read, or its order is not as it is to be, and nothing is stored. Throws RefusedError where the wallet has
 * too little.
 */
export async function saveUnchanged(
  unit: Unit,
  before: PaymentRow,
  events: readonly PaymentEvent[],
  cause: Cause,
  order: WhileOrder = 'any',
): Promise<PaymentRow | null> {
  let after = before;
  const steps = events.map((event) => {
    after = { ...after, ...evolve(after, event), updatedAt: cause.at };
    if (event.type === 'PaymentSettled') after = { ...after, paidAt: cause.paidAt ?? cause.at };
    // The rest of an order of which a part was captured is paid by another payment.
    const isPart = after.state === 'SETTLED' && after.capturedMinor < after.amountMinor;
    if (!holdsOrder(after.state) || isPart) after = { ...after, liveOrderId: null };
    return { event, state: after.state };
  });
  if (!(await updatePayment(unit.sql, after, before.version, order))) return null;
  await journal(unit, before, steps, cause);
  unit.journalled({ payment: before, events });
  await followPayment(unit.sql, before, steps, cause);
  unit.changed(before.orderId);
  return after;
}

/** As `saveUnchanged`, of a payment that is locked in this transaction. */
export async function savePayment(
  unit: Unit,
  before: PaymentRow,
  events: readonly PaymentEvent[],
  cause: Cause,
): Promise<PaymentRow> {
  if (events.length === 0) return before;
  const after = await saveUnchanged(unit, before, events, cause);
  if (!after) throw new Error('a payment changed under its lock');
  return after;
}

const journal = (
  unit: Unit,
  before: { readonly id: string; readonly state: PaymentRow['state'] | null; readonly version: number },
  steps: readonly { readonly event: PaymentEvent; readonly state: PaymentRow['state'] }[],
  cause: Cause,
): Promise<void> =>
  insertEvents(
    unit.sql,
    steps.map(({ event, state }, index) => ({
      paymentId: before.id,
      seq: before.version + index + 1,
      type: event.type,
      fromState: index === 0 ? before.state : (steps[index - 1]?.state ?? null),
      toState: state,
      amountMinor: 'amountMinor' in event ? event.amountMinor : null,
      source: cause.source,
      providerEventId: cause.providerEventId ?? null,
      data: ('code' in event ? { code: event.code, ...cause.data } : cause.data) ?? null,
      at: cause.at,
    })),
  );
