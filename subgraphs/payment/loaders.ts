import DataLoader from 'dataloader';
import type { Database } from '../shared/database/database.ts';
import type { AttemptRow, DisputeRow, PaymentRow, RefundRow } from './records.ts';
import { findAttemptsOfPayments } from './attempt-store.ts';
import { findDisputesOfPayments } from './dispute-store.ts';
import { findPaymentsBy } from './payment-store.ts';
import { findRefundsBy } from './refund-store.ts';

/** Batched reads of one request; keys are canonical ids. */
export type PaymentLoaders = {
  readonly payment: DataLoader<string, PaymentRow | null>;
  readonly refund: DataLoader<string, RefundRow | null>;
  readonly paymentsOfOrder: DataLoader<string, PaymentRow[]>;
  readonly refundsOfOrder: DataLoader<string, RefundRow[]>;
  readonly attemptsOfPayment: DataLoader<string, AttemptRow[]>;
  readonly refundsOfPayment: DataLoader<string, RefundRow[]>;
  readonly disputesOfPayment: DataLoader<string, DisputeRow[]>;
  /** Forgets what was read, for the next event of a subscription. */
  clear(): void;
};

const maxBatchSize = 100;

export function createLoaders(db: Database): PaymentLoaders {
  const sql = db.em();
  type Read<T> = (ids: readonly string[]) => Promise<T[]>;
  const one = <T extends { readonly id: string }>(read: Read<T>) =>
    new DataLoader<string, T | null>(
      async (ids) => {
        const found = new Map((await read(ids)).map((row) => [row.id, row]));
        return ids.map((id) => found.get(id) ?? null);
      },
      { maxBatchSize },
    );
  const many = <T>(read: Read<T>, keyOf: (row: T) => string) =>
    new DataLoader<string, T[]>(
      async (ids) => {
        const groups = Map.groupBy(await read(ids), keyOf);
        return ids.map((id) => groups.get(id) ?? []);
      },
      { maxBatchSize },
    );

  const loaders = {
    payment: one((ids) => findPaymentsBy(sql, 'id', ids)),
    refund: one((ids) => findRefundsBy(sql, 'id', ids)),
    paymentsOfOrder: many(
      (ids) => findPaymentsBy(sql, 'order_id', ids),
      ({ orderId }) => orderId,
    ),
    refundsOfOrder: many(
      (ids) => findRefundsBy(sql, 'order_id', ids),
      ({ orderId }) => orderId,
    ),
    attemptsOfPayment: many(
      (ids) => findAttemptsOfPayments(sql, ids),
      ({ paymentId }) => paymentId,
    ),
    refundsOfPayment: many(
      (ids) => findRefundsBy(sql, 'payment_id', ids),
      ({ paymentId }) => paymentId,
    ),
    disputesOfPayment: many(
      (ids) => findDisputesOfPayments(sql, ids),
      ({ paymentId }) => paymentId,
    ),
  };
  return {
    ...loaders,
    clear() {
      for (const loader of Object.values(loaders)) loader.clearAll();
    },
  };
}
