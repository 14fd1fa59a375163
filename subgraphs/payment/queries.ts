import { mayRead, requireStaff, requireUser } from '../shared/auth/viewer.ts';
import { type Page, foreignCursor, pageArguments, toPage } from '../shared/values/paging.ts';
import type { Sql } from '../shared/database/statements.ts';
import { badUserInput, notFound } from '../shared/errors/errors.ts';
import { isId, isNumber, typedNumber } from '../shared/values/ids.ts';
import { readOnWake } from '../shared/process/live.ts';
import type { PaymentContext } from './context.ts';
import type { PaymentState } from './domain/payment.ts';
import { readWallet } from './ledger/wallets.ts';
import { findVisibleOrder, stateAt, takesWallet } from './orders.ts';
import { amountRefusal, takesCurrency } from './providers/provider.ts';
import type { RefundState } from './domain/refund.ts';
import type { DisputeRow, PaymentEventRow, PaymentMethod, PaymentRow, RefundRow, WebhookOutcome } from './records.ts';
import * as disputes from './dispute-store.ts';
import * as payments from './payment-store.ts';
import * as refunds from './refund-store.ts';
import { type Delivery, listDeliveries } from './webhook-store.ts';

export type PageInput = { readonly first?: number | null; readonly after?: string | null };

/** A slow look under the live notices, which may get lost. */
const pollMs = 5_000;

/** By exactly one of id and number; NOT_FOUND alike for none and for somebody else's. */
export async function findVisiblePayment(
  context: PaymentContext,
  by: { id?: string | null; number?: string | null },
): Promise<PaymentRow> {
  const { viewer, deps } = context;
  if (viewer.kind !== 'service') requireUser(viewer);
  const { id = null, number = null } = by;
  if ((id === null) === (number === null)) throw badUserInput('payment: give exactly one of id and number.');
  const payment =
    id !== null
      ? isId(id)
        ? await context.loaders.payment.load(id)
        : null
      : await byNumber(deps.db.em(), String(number));
  if (!payment || !mayRead(viewer, payment.customerId)) throw notFound('There is no such payment.');
  return payment;
}

async function byNumber(sql: Sql, number: string): Promise<PaymentRow | null> {
  const typed = typedNumber(number);
  if (!isNumber(typed, 'PM')) return null;
  return payments.findPaymentByNumber(sql, typed);
}

/** The methods by which an order can be paid right now. */
export async function availablePaymentMethods(
  { viewer, deps, traceId }: PaymentContext,
  orderId: string,
): Promise<PaymentMethod[]> {
  if (viewer.kind !== 'service') requireUser(viewer);
  const order = await findVisibleOrder(deps, viewer, orderId, traceId);
  if (!order) throw notFound('There is no such order.');
  const payable = stateAt(order, deps.now()) === 'PENDING_PAYMENT' && order.balanceDue.amount > 0n;
  if (!payable) return [];
  const sql = deps.db.em();
  const holder = await payments.findHolder(sql, orderId);
  // One payment of an order at a time: what was begun is gone on with, unless it waits for nothing but its provider.
  if (holder && holder.state !== 'FAILED') return holder.state === 'OPEN' ? [holder.method] : [];
  const due = order.balanceDue;
  const external = [...deps.providers]
    .filter(([, provider]) => takesCurrency(provider, due.currency) && amountRefusal(provider, due) === null)
    .map(([method]) => method);
  if (!takesWallet(order)) return external;
  const wallet = await readWallet(sql, order.customerId, due.currency);
  // What a declined payment has set aside is let go by the payment that takes its place.
  const heldMinor = holder ? await payments.heldForOrder(sql, orderId) : 0n;
  return wallet.balanceMinor + heldMinor >= due.amount ? ['WALLET', ...external] : external;
}

/** A page of a list, newest first, by id: ids of UUIDv7 are in the order of their making. `selection` is what the list is of. */
async function page<T extends { readonly id: string }>(
  input: PageInput,
  list: { readonly name: string; readonly selection: unknown },
  read: (page: { beforeId: string | null; limit: number }) => Promise<T[]>,
): Promise<Page<T>> {
  const request = pageArguments(input, { ...list, keyLength: 1 });
  const { first, after } = request;
  const beforeId = after === null ? null : String(after[0]);
  if (beforeId !== null && !isId(beforeId)) throw foreignCursor();
  return toPage(await read({ beforeId, limit: first + 1 }), request, (row) => [row.id]);
}

export function listPayments(
  { viewer, deps }: PaymentContext,
  input: PageInput & { state?: readonly PaymentState[] | null },
): Promise<Page<PaymentRow>> {
  requireStaff(viewer);
  const states = input.state ?? [];
  return page(input, { name: 'payment', selection: { states } }, (wanted) =>
    payments.listPayments(deps.db.em(), { ...wanted, states }),
  );
}

/** Payments of one user, whom the caller has checked. */
export const listPaymentsOfUser = (
  { deps }: PaymentContext,
  customerId: string,
  input: PageInput,
): Promise<Page<PaymentRow>> =>
  page(input, { name: 'payment', selection: { customerId } }, (wanted) =>
    payments.listPayments(deps.db.em(), { ...wanted, customerId }),
  );

export function listRefunds(
  { viewer, deps }: PaymentContext,
  input: PageInput & { state?: readonly RefundState[] | null; refused?: boolean | null },
): Promise<Page<RefundRow>> {
  requireStaff(viewer);
  const filter = { states: input.state ?? [], isRefused: input.refused ?? false };
  return page(input, { name: 'refund', selection: filter }, (wanted) =>
    refunds.listRefunds(deps.db.em(), { ...wanted, ...filter }),
  );
}

export function listDisputes({ viewer, deps }: PaymentContext, input: PageInput): Promise<Page<DisputeRow>> {
  requireStaff(viewer);
  return page(input, { name: 'dispute', selection: null }, (wanted) => disputes.listDisputes(deps.db.em(), wanted));
}

export function listWebhooks(
  { viewer, deps }: PaymentContext,
  input: PageInput & { outcome?: readonly WebhookOutcome[] | null },
): Promise<Page<Delivery>> {
  requireStaff(viewer);
  const outcomes = input.outcome ?? [];
  return page(input, { name: 'webhook_inbox', selection: { outcomes } }, (wanted) =>
    listDeliveries(deps.db.em(), { ...wanted, outcomes }),
  );
}

/** The journal of a payment, oldest first. */
export async function listEvents(
  { deps }: PaymentContext,
  paymentId: string,
  input: PageInput,
): Promise<Page<PaymentEventRow>> {
  const list = { name: 'payment events', keyLength: 1, selection: paymentId };
  const request = pageArguments({ ...input, first: input.first ?? 50 }, list);
  const { first, after } = request;
  if (after !== null && !Number.isSafeInteger(after[0])) throw foreignCursor();
  const wanted = { afterSeq: Number(after?.[0] ?? 0), limit: first + 1 };
  return toPage(await payments.listEvents(deps.db.em(), paymentId, wanted), request, (event) => [event.seq]);
}

/**
 * The payments of an order as they are, then each one whenever its journal grows. Refuses (NOT_FOUND) before the first
 * event whoever may not see the order.
 */
export async function watchPayments(
  context: PaymentContext,
  orderId: string,
): Promise<AsyncIterableIterator<{ paymentUpdated: PaymentRow }>> {
  const { viewer, deps, traceId, loaders } = context;
  if (viewer.kind !== 'service') requireUser(viewer);
  const order = await findVisibleOrder(deps, viewer, orderId, traceId);
  if (!order) throw notFound('There is no such order.');
  const seen = new Map<string, number>();
  return readOnWake({
    pollMs,
    subscribe: (wake) => deps.live.listen(`payment:${orderId}`, wake),
    read: async () => {
      loaders.clear();
      const current = await payments.findPaymentsOfOrder(deps.db.em(), orderId);
      const news = current.filter((payment) => payment.version !== seen.get(payment.id));
      for (const payment of news) seen.set(payment.id, payment.version);
      return news.map((payment) => ({ paymentUpdated: payment }));
    },
  });
}
