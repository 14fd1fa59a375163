import DataLoader from 'dataloader';
import type { Database } from '../shared/database/database.ts';
import { placeholders, select } from '../shared/database/database.ts';
import { idToBytes } from '../shared/values/ids.ts';
import type { AttemptRow, DisputeRow, PaymentRow, RefundRow } from './records.ts';
import { attemptFrom, disputeFrom, paymentFrom, refundFrom } from './store.ts';

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
  const rows = (table: string, column: string, ids: readonly string[]) =>
    select(db.em(), `select * from ${table} where ${column} in (${placeholders(ids)}) order by id`, ids.map(idToBytes));

  const one = <T extends { readonly id: string }>(table: string, from: (row: Record<string, unknown>) => T) =>
    new DataLoader<string, T | null>(
      async (ids) => {
        const found = new Map((await rows(table, 'id', ids)).map(from).map((row) => [row.id, row]));
        return ids.map((id) => found.get(id) ?? null);
      },
      { maxBatchSize },
    );
  const many = <T>(
    table: string,
    column: string,
    from: (row: Record<string, unknown>) => T,
    keyOf: (row: T) => string,
  ) =>
    new DataLoader<string, T[]>(
      async (ids) => {
        const found = (await rows(table, column, ids)).map(from);
        const groups = Map.groupBy(found, keyOf);
        return ids.map((id) => groups.get(id) ?? []);
      },
      { maxBatchSize },
    );

  const loaders = {
    payment: one('payment', paymentFrom),
    refund: one('refund', refundFrom),
    paymentsOfOrder: many('payment', 'order_id', paymentFrom, (row) => row.orderId),
    refundsOfOrder: many('refund', 'order_id', refundFrom, (row) => row.orderId),
    attemptsOfPayment: many('attempt', 'payment_id', attemptFrom, (row) => row.paymentId),
    refundsOfPayment: many('refund', 'payment_id', refundFrom, (row) => row.paymentId),
    disputesOfPayment: many('dispute', 'payment_id', disputeFrom, (row) => row.paymentId),
  };
  return {
    ...loaders,
    clear() {
      for (const loader of Object.values(loaders)) loader.clearAll();
    },
  };
}
