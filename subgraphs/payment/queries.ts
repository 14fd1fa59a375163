import { mayRead, requireStaff, requireUser } from '../shared/auth/viewer.ts';
import { type Page, foreignCursor, pageArguments, toPage } from '../shared/values/paging.ts';
import { type Row, type Sql, placeholders, select, toDate, toJson } from '../shared/database/database.ts';
import { badUserInput, notFound } from '../shared/errors/errors.ts';
import { idFromBytes, idToBytes, isId, isNumber, typedNumber } from '../shared/values/ids.ts';
import { readOnWake } from '../shared/process/live.ts';
import type { PaymentContext } from './context.ts';
import type { PaymentDeps } from './deps.ts';
import type { PaymentState } from './domain/payment.ts';
import { readWallet } from './ledger/wallets.ts';
import { findVisibleOrder, stateAt, takesWallet } from './orders.ts';
import { amountRefusal, takesCurrency } from './providers/provider.ts';
import type { RefundState } from './domain/refund.ts';
import type {
  DisputeRow, PaymentEventRow, PaymentMethod, PaymentRow, RefundRow, WebhookOutcome, WebhookRow,
} from './records.ts'; // prettier-ignore
import { disputeFrom, findHolder, heldForOrder, paymentFrom, refundFrom } from './store.ts';

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
  const [row] = await select(sql, 'select * from payment where number = ?', [typed]);
  return row ? paymentFrom(row) : null;
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
  const holder = await findHolder(sql, orderId);
  // One payment of an order at a time: what was begun is gone on with, unless it waits for nothing but its provider.
  if (holder && holder.state !== 'FAILED') return holder.state === 'OPEN' ? [holder.method] : [];
  const due = order.balanceDue;
  const external = [...deps.providers]
    .filter(([, provider]) => takesCurrency(provider, due.currency) && amountRefusal(provider, due) === null)
    .map(([method]) => method);
  if (!takesWallet(order)) return external;
  const wallet = await readWallet(sql, order.customerId, due.currency);
  // What a declined payment has set aside is let go by the payment that takes its place.
  const heldMinor = holder ? await heldForOrder(sql, orderId) : 0n;
  return wallet.balanceMinor + heldMinor >= due.amount ? ['WALLET', ...external] : external;
}

/** Newest first, by id: ids of UUIDv7 are in the order of their making. */
async function page<T extends { readonly id: string }>(
  sql: Sql,
  table: string,
  from: (row: Row) => T,
  input: PageInput,
  where: { text: string; values: (string | Buffer)[] },
): Promise<Page<T>> {
  const selection = [where.text, where.values.map(String)];
  const request = pageArguments(input, { name: table, keyLength: 1, selection });
  const { first, after } = request;
  if (after !== null && !isId(after[0])) throw foreignCursor();
  const conditions = [where.text, after === null ? '' : 'id < ?'].filter((text) => text !== '');
  const values = after === null ? where.values : [...where.values, idToBytes(String(after[0]))];
  const rows = await select(
    sql,
    `select * from ${table} ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''} order by id desc limit ${first + 1}`,
    values,
  );
  return toPage(rows.map(from), request, (row) => [row.id]);
}

const oneOf = (column: string, values: readonly string[] | null | undefined) =>
  values?.length ? { text: `${column} in (${placeholders(values)})`, values: [...values] } : { text: '', values: [] };

export function listPayments(
  { viewer, deps }: PaymentContext,
  input: PageInput & { state?: readonly PaymentState[] | null },
): Promise<Page<PaymentRow>> {
  requireStaff(viewer);
  return page(deps.db.em(), 'payment', paymentFrom, input, oneOf('state', input.state));
}

/** Payments of one user, whom the caller has checked. */
export const listPaymentsOfUser = (
  { deps }: PaymentContext,
  userId: string,
  input: PageInput,
): Promise<Page<PaymentRow>> =>
  page(deps.db.em(), 'payment', paymentFrom, input, { text: 'customer_id = ?', values: [idToBytes(userId)] });

export function listRefunds(
  { viewer, deps }: PaymentContext,
  input: PageInput & { state?: readonly RefundState[] | null; refused?: boolean | null },
): Promise<Page<RefundRow>> {
  requireStaff(viewer);
  const { text, values } = oneOf('state', input.state);
  const refused = input.refused ? "failure is not null and state <> 'SUCCEEDED'" : '';
  return page(deps.db.em(), 'refund', refundFrom, input, {
    text: [text, refused].filter((condition) => condition !== '').join(' and '),
    values,
  });
}

export function listDisputes({ viewer, deps }: PaymentContext, input: PageInput): Promise<Page<DisputeRow>> {
  requireStaff(viewer);
  return page(deps.db.em(), 'dispute', disputeFrom, input, { text: '', values: [] });
}

export function listWebhooks(
  { viewer, deps }: PaymentContext,
  input: PageInput & { outcome?: readonly WebhookOutcome[] | null },
): Promise<Page<WebhookRow>> {
  requireStaff(viewer);
  return page(deps.db.em(), 'webhook_inbox', webhookFrom, input, oneOf('outcome', input.outcome));
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
  const rows = await select(
    deps.db.em(),
    `select * from payment_event where payment_id = ? and seq > ? order by seq limit ${first + 1}`,
    [idToBytes(paymentId), Number(after?.[0] ?? 0)],
  );
  return toPage(rows.map(eventFrom), request, (event) => [event.seq]);
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
      const news = (await paymentsOfOrder(deps, orderId)).filter((payment) => payment.version !== seen.get(payment.id));
      for (const payment of news) seen.set(payment.id, payment.version);
      return news.map((payment) => ({ paymentUpdated: payment }));
    },
  });
}

const paymentsOfOrder = async (deps: PaymentDeps, orderId: string): Promise<PaymentRow[]> =>
  (await select(deps.db.em(), 'select * from payment where order_id = ? order by id', [idToBytes(orderId)])).map(
    paymentFrom,
  );

const eventFrom = (row: Row): PaymentEventRow =>
  ({
    paymentId: idFromBytes(row['payment_id'] as Buffer),
    seq: Number(row['seq']),
    type: row['type'],
    fromState: row['from_state'],
    toState: row['to_state'],
    amountMinor: row['amount_minor'] === null ? null : BigInt(row['amount_minor'] as string),
    source: row['source'],
    providerEventId: row['provider_event_id'],
    data: row['data'] === null ? null : toJson(row['data']),
    at: toDate(row['at']),
  }) as PaymentEventRow;

export const webhookFrom = (row: Row): WebhookRow =>
  ({
    id: idFromBytes(row['id'] as Buffer),
    provider: row['provider'],
    providerEventId: row['provider_event_id'],
    type: row['type'],
    outcome: row['outcome'],
    attempts: Number(row['attempts']),
    paymentId: row['payment_id'] === null ? null : idFromBytes(row['payment_id'] as Buffer),
    error: row['error'],
    receivedAt: toDate(row['received_at']),
    processedAt: toDate(row['processed_at']),
  }) as WebhookRow;
