import DataLoader from 'dataloader';
import type { Sql } from '../shared/database/database.ts';
import type { JournalEntry } from './domain/journal.ts';
import type { Saga } from './domain/saga.ts';
import { readJournals } from './journal-store.ts';
import { findFulfilments } from './fulfilment-store.ts';
import { findLines } from './line-store.ts';
import { newestOfCustomers } from './order-list-store.ts';
import { findOrders, findOrdersByNumber } from './order-store.ts';
import { type StoredReturn, findRefundsOf, findReturns } from './return-store.ts';
import { findSagas, findSagasOfOrders } from './saga-store.ts';
import type { StoredFulfilment, StoredLine, StoredOrder } from './stored-order.ts';

/** Largest batch of one statement. */
const maxBatchSize = 100;

const group = <Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> =>
  Map.groupBy(items, keyOf);

export type OrderLoaders = ReturnType<typeof createLoaders>;

/** One set a request: what several fields of one request ask for is read once, in one statement. */
export function createLoaders(em: () => Sql) {
  const options = { maxBatchSize };
  return {
    byId: new DataLoader<string, StoredOrder | null>(async (ids) => {
      const found = new Map((await findOrders(em(), ids)).map((order) => [order.id, order]));
      return ids.map((id) => found.get(id) ?? null);
    }, options),
    byNumber: new DataLoader<string, StoredOrder | null>(async (numbers) => {
      const found = new Map((await findOrdersByNumber(em(), numbers)).map((order) => [order.number, order]));
      return numbers.map((number) => found.get(number) ?? null);
    }, options),
    lines: new DataLoader<string, readonly StoredLine[]>(async (orderIds) => {
      const found = group(await findLines(em(), orderIds), (line) => line.orderId);
      return orderIds.map((id) => found.get(id) ?? []);
    }, options),
    sagas: new DataLoader<string, Saga | null>(async (orderIds) => {
      const found = new Map((await findSagasOfOrders(em(), orderIds)).map((saga) => [saga.orderId, saga]));
      return orderIds.map((id) => found.get(id) ?? null);
    }, options),
    sagaById: new DataLoader<string, Saga | null>(async (ids) => {
      const found = new Map((await findSagas(em(), ids)).map((saga) => [saga.id, saga]));
      return ids.map((id) => found.get(id) ?? null);
    }, options),
    fulfilments: new DataLoader<string, readonly StoredFulfilment[]>(async (orderIds) => {
      const found = group(await findFulfilments(em(), orderIds), (fulfilment) => fulfilment.orderId);
      return orderIds.map((id) => found.get(id) ?? []);
    }, options),
    returns: new DataLoader<string, readonly StoredReturn[]>(async (orderIds) => {
      const found = group(await findReturns(em(), orderIds), ({ orderId }) => orderId);
      return orderIds.map((id) => found.get(id) ?? []);
    }, options),
    /** The payments' refunds that the order knows of. */
    refunds: new DataLoader<string, readonly { requestId: string | null; refundId: string }[]>(async (orderIds) => {
      const found = group(await findRefundsOf(em(), orderIds), ({ orderId }) => orderId);
      return orderIds.map((id) => found.get(id) ?? []);
    }, options),
    /** `limit` entries of each order's journal after `afterSeq`. */
    journals: new DataLoader<{ orderId: string; afterSeq: number; limit: number }, readonly JournalEntry[], string>(
      async (wanted) => {
        const limit = Math.max(...wanted.map((one) => one.limit));
        // Several parts of one journal may overlap, so each entry counts once.
        const found = group(await readJournals(em(), wanted, limit), (entry) => entry.orderId);
        const bySeq = (orderId: string) =>
          [...new Map((found.get(orderId) ?? []).map((entry) => [entry.seq, entry])).values()].toSorted(
            (one, other) => one.seq - other.seq,
          );
        return wanted.map(({ orderId, afterSeq, limit: own }) =>
          bySeq(orderId)
            .filter((entry) => entry.seq > afterSeq)
            .slice(0, own),
        );
      },
      { ...options, cacheKeyFn: ({ orderId, afterSeq, limit }) => `${orderId} ${afterSeq} ${limit}` },
    ),
    /** The newest `limit - 1` orders of each customer, and one more where there are more. */
    newestOfCustomer: new DataLoader<{ customerId: string; limit: number }, readonly StoredOrder[], string>(
      async (wanted) => {
        const limit = Math.max(...wanted.map((one) => one.limit));
        const ids = [...new Set(wanted.map(({ customerId }) => customerId))];
        const found = group(await newestOfCustomers(em(), ids, limit), (order) => order.customerId);
        return wanted.map(({ customerId, limit: own }) => (found.get(customerId) ?? []).slice(0, own));
      },
      { ...options, cacheKeyFn: ({ customerId, limit }) => `${customerId} ${limit}` },
    ),
  };
}
