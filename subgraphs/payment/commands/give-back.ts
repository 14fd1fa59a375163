import { failPoint } from '../../shared/process/fail-point.ts';
import type { DomainEvent } from '../../shared/tables/outbox.ts';
import { firstOf } from '../../shared/values/text.ts';
import { z } from 'zod';
import type { PaymentDeps } from '../deps.ts';
import { refundableMinor } from '../domain/payment.ts';
import { spread } from '../domain/spread.ts';
import { lockPaymentsOfOrder } from '../payment-store.ts';
import type { PaymentRow, RefundRequestRow } from '../records.ts';
import { insertRequest, lockRequests, makeOwed } from '../refund-request-store.ts';
import { findRefundsBy } from '../refund-store.ts';
import type { Unit } from '../unit.ts';
import { requestAutomaticRefund } from './apply-fact.ts';
import { savePayment } from './save-payment.ts';

/*
 * Money that orders ask to be given back. What is asked for is remembered, because not all of it may be there right now: a
 * dispute, or a refund by staff, may hold it. Once it is free again, what is still owed goes back of it.
 */

const maxReasonLength = 255;

const requested = z.object({
  requestId: z.uuid(),
  amountMinor: z.int().positive(),
  currency: z.string(),
  reason: z.string(),
  requestedBy: z.string().nullable(),
});

/** An order has decided that so much goes back: it is spread over its payments, the way it came. */
export async function giveBackRequested(unit: Unit, deps: PaymentDeps, event: DomainEvent): Promise<void> {
  const { requestId, amountMinor, currency, reason, requestedBy } = requested.parse(event.data);
  const payments = await lockPaymentsOfOrder(unit.sql, event.aggregateId);
  if (payments.some((payment) => payment.currency !== currency))
    throw new Error(`a refund in ${currency} of an order that was paid in another currency`);
  await remember(unit, deps, { id: requestId, orderId: event.aggregateId, amountMinor: BigInt(amountMinor), reason, requestedBy }); // prettier-ignore
  await giveOwed(unit, deps, payments);
  failPoint('payment.refunds_spread');
}

/** All that is left of an order that was closed is owed, also what is held by somebody else right now. */
export async function oweRest(unit: Unit, deps: PaymentDeps, orderId: string, reason: string): Promise<void> {
  await remember(unit, deps, { id: orderId, orderId, amountMinor: null, reason, requestedBy: null });
  await makeOwed(unit.sql, orderId);
}

const remember = (unit: Unit, deps: PaymentDeps, request: Omit<RefundRequestRow, 'createdAt'>): Promise<void> =>
  insertRequest(unit.sql, { ...request, reason: firstOf(request.reason, maxReasonLength), createdAt: deps.now() });

/**
 * Has these payments, which this transaction has locked and which are of one order, give back what is owed and not yet on its
 * way. What they don't have waits for what holds it; a refund of staff's that does can't fail any more.
 */
export async function giveOwed(unit: Unit, deps: PaymentDeps, payments: readonly PaymentRow[]): Promise<void> {
  const orderId = payments[0]?.orderId;
  const requests = orderId === undefined ? [] : await lockRequests(unit.sql, orderId);
  if (orderId === undefined || requests.length === 0) return;
  const refunds = await findRefundsBy(unit.sql, 'order_id', [orderId]);
  let current = payments;
  let isShort = false;
  for (const request of requests) {
    const given = refunds.filter(({ requestId, state }) => requestId === request.id && state !== 'FAILED');
    const leftMinor = current.reduce((sum, payment) => sum + refundableMinor(payment), 0n);
    const owedMinor = given.reduce((owed, { amountMinor }) => owed - amountMinor, request.amountMinor ?? leftMinor);
    if (owedMinor <= 0n) continue;
    isShort ||= leftMinor < owedMinor;
    const sources = current.map((payment) => ({ refundableMinor: refundableMinor(payment), stepMinor: stepOf(deps, payment) })); // prettier-ignore
    current = await give(unit, deps, { payments: current, shares: spread(owedMinor, sources), request });
  }
  if (isShort) await makeOwed(unit.sql, orderId);
}

const stepOf = ({ providers }: PaymentDeps, { method, currency }: PaymentRow): bigint =>
  providers.get(method)?.limits?.(currency)?.stepMinor ?? 1n;

async function give(
  unit: Unit,
  deps: PaymentDeps,
  { payments, shares, request }: { payments: readonly PaymentRow[]; shares: readonly bigint[]; request: RefundRequestRow }, // prettier-ignore
): Promise<PaymentRow[]> {
  const after: PaymentRow[] = [];
  for (const [index, payment] of payments.entries()) {
    const amountMinor = shares[index] ?? 0n;
    if (amountMinor <= 0n) {
      after.push(payment);
      continue;
    }
    const cause = { source: 'event', at: deps.now(), data: { requestId: request.id } } as const;
    const charged = await savePayment(unit, payment, [{ type: 'RefundRequested', amountMinor }], cause);
    const { reason, requestedBy } = request;
    const requestId = request.amountMinor === null ? null : request.id;
    await requestAutomaticRefund(unit, deps, charged, { amountMinor, surplus: false, reason, requestId, requestedBy });
    after.push(charged);
  }
  return after;
}
