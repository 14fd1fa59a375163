import type { OrderDeps } from '../deps.ts';
import { withTexts } from '../domain/journal.ts';
import { readJournals } from '../journal-store.ts';
import { findLines } from '../line-store.ts';
import { readFulfilmentRows, readOrderRows, readReturnRows } from './erasure-store.ts';

const maxOrders = 500;
const maxEntriesEach = 100;

/**
 * What this service keeps of a customer: the newest 500 orders, each with its lines, deliveries, returns and the first 100 entries
 * of its journal without notes of staff that are not public. `isComplete` says of orders, and of their histories, whether that is all.
 */
export async function personalData({ db }: Pick<OrderDeps, 'db'>, customerId: string): Promise<object> {
  const sql = db.em();
  const found = await readOrderRows(sql, customerId, maxOrders + 1);
  const orders = found.slice(0, maxOrders);
  const ids = orders.map(({ id }) => id);
  const [lines, returns, deliveries, journal] =
    ids.length === 0
      ? [[], [], [], []]
      : await Promise.all([
          findLines(sql, ids),
          readReturnRows(sql, ids),
          readFulfilmentRows(sql, ids),
          readJournals(sql, ids.map((orderId) => ({ orderId, afterSeq: 0 })), maxEntriesEach + 1), // prettier-ignore
        ]);
  const of = <Row extends { readonly orderId: string }>(rows: readonly Row[], id: string) =>
    rows.filter(({ orderId }) => orderId === id);
  return {
    isComplete: {
      orders: found.length <= maxOrders,
      histories: ids.every((id) => of(journal, id).length <= maxEntriesEach),
    },
    orders: orders.map((order) => ({
      id: order.id,
      number: order.number,
      type: order.type,
      state: order.state,
      placedAt: order.placedAt,
      currency: order.currency,
      totalMinor: order.totalMinor,
      paidMinor: order.paidMinor,
      refundedMinor: order.refundedMinor,
      shippingAddress: order.shippingAddress,
      billingAddress: order.billingAddress,
      remark: order.remark,
      extension: order.extension,
      couponCodes: order.couponCodes,
      clientReference: order.clientReference,
      lines: of(lines, order.id).map(({ sku, title, quantity, totalMinor, stay }) => ({ sku, title, quantity, totalMinor, stay })), // prettier-ignore
      deliveries: of(deliveries, order.id).map(({ carrier, trackingNumber, trackingUrl, createdAt, deliveredAt }) => ({ carrier, trackingNumber, trackingUrl, createdAt, deliveredAt })), // prettier-ignore
      returns: of(returns, order.id).map(({ number, state, reason, decidedReason, createdAt }) => ({ number, state, reason, decidedReason, createdAt })), // prettier-ignore
      history: of(journal, order.id)
        .slice(0, maxEntriesEach)
        .filter(({ type, data }) => type !== 'NoteAdded' || data?.['public'] === true)
        .map(withTexts)
        .map(({ type, at, reason, data }) => ({ type, at, reason, data })),
    })),
  };
}
