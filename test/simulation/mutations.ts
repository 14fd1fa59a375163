import type { DomainEvent } from '../../subgraphs/shared/tables/outbox.ts';
import { orderSchema } from '../../subgraphs/order/subgraph.ts';
import { paymentSchema } from '../../subgraphs/payment/subgraph.ts';
import { productSchema } from '../../subgraphs/product/subgraph.ts';
import { Prepared } from './database/connect.ts';
import { drop, schemaOf } from './database/schema.ts';

/** The product with all its guards, or without one. */
export type Guards = {
  readonly prepared: Readonly<Record<'order' | 'product' | 'payment', Prepared>>;
  /** Statements that are written on a connection of their own, outside their transaction. */
  readonly apart: ((sql: string) => boolean) | null;
  readonly alterEvent: ((event: DomainEvent) => DomainEvent) | null;
  /** Parts of statements that were to be taken out and that no statement so far has had. */
  missing(): readonly string[];
};

/** A guard by name, and how it is taken out. */
export type Mutation = {
  readonly guard: string;
  /** Parts of statements, each with what stands there instead. Parameters stay. */
  readonly statements?: readonly (readonly [string, string])[];
  /** Unique keys and checks of tables, as `table.name`; `primary` is the primary key. */
  readonly rules?: readonly string[];
  readonly apart?: (sql: string) => boolean;
  readonly alterEvent?: (event: DomainEvent) => DomainEvent;
};

/** The product's own statements and schemas, without the guard that a mutation names. */
export async function guardsOf(mutation: Mutation | null): Promise<Guards> {
  const patches = mutation?.statements ?? [];
  const missing = new Set([...patches.map(([guard]) => guard), ...(mutation?.rules ?? [])]);
  const prepared = async (migrations: Parameters<typeof schemaOf>[0]): Promise<Prepared> => {
    const schema = await schemaOf(migrations);
    for (const rule of mutation?.rules ?? []) {
      const [table = '', name = ''] = rule.split('.');
      const { uniques, checks } = schema.get(table) ?? { uniques: [], checks: [] };
      if ([...uniques, ...checks].some((one) => one.name === name)) missing.delete(rule);
      drop(uniques, name);
      drop(checks, name);
    }
    return new Prepared(schema, (sql) => {
      let text = sql;
      for (const [guard, without] of patches) {
        if (text.includes(guard)) missing.delete(guard);
        text = text.replaceAll(guard, without);
      }
      return text;
    });
  };
  return {
    prepared: {
      order: await prepared(orderSchema.migrations),
      product: await prepared(productSchema.migrations),
      payment: await prepared(paymentSchema.migrations),
    },
    apart: mutation?.apart ?? null,
    alterEvent: mutation?.alterEvent ?? null,
    missing: () => [...missing],
  };
}

/**
 * The guards that the test takes out one at a time. Where the database would refuse what a statement's condition refuses, the
 * rule goes with the condition: the guard is what both say.
 */
export const mutations: readonly Mutation[] = [
  {
    guard: 'stock: no more is held than is on hand',
    statements: [['and allocated + ? <= on_hand', 'and (allocated + ? <= on_hand or true)']],
    rules: ['stock.stock_never_oversold'],
  },
  {
    guard: 'stock: a reservation is settled once',
    statements: [
      [
        '`settled_at` = utc_timestamp(3) where `order_id` = ? and `state` = ?',
        '`settled_at` = utc_timestamp(3) where `order_id` = ? and (`state` = ? or true)',
      ],
    ],
  },
  { guard: 'barrier: one row for each branch and operation', rules: ['barrier.primary'] },
  {
    guard: 'barrier: an action after its compensation is refused',
    statements: [['select `inserted_by` from `barrier`', "select 'action' as inserted_by from `barrier`"]],
  },
  {
    guard: 'order: written only in the version that was read',
    statements: [
      [
        'where `id` = ? and `state` = ? and `version` = ?',
        'where `id` = ? and (`state` = ? and `version` = ? or true)',
      ],
    ],
  },
  {
    guard: 'order: what becomes of it is decided under its lock',
    statements: [['select * from `orders` where `id` = ? for update', 'select * from `orders` where `id` = ?']],
  },
  {
    guard: 'coupon: no more orders have it than may',
    statements: [['or `used` < `usage_limit`', 'or true or `used` < `usage_limit`']],
  },
  {
    guard: 'coupon: no more orders of a customer have it than may',
    statements: [['or `used` < case `promotion_id`', 'or true or `used` < case `promotion_id`']],
  },
  {
    guard: 'coupon: a closed order gives its use back',
    statements: [[', 0, `used` - case `id`', ', 0, `used` - 0 * case `id`']],
  },
  {
    guard: 'return: what was received is written to it',
    statements: [['set `received_quantity` = ?', 'set `received_quantity` = 0 * ?']],
  },
  {
    guard: 'order: an order that is not due is not expired',
    statements: [['and `expires_at` <= ?', 'and (`expires_at` <= ? or true)']],
  },
  {
    guard: 'order: a row that is being expired was locked in its state',
    statements: [
      [
        'and (`state` = ? and `expires_at` <= ?) order by `id` for update',
        'and ((`state` = ? or true) and `expires_at` <= ?) order by `id` for update',
      ],
    ],
  },
  {
    guard: 'order: money that came after the deadline is refused',
    // As if it had come when the order was placed.
    alterEvent: (event) =>
      event.type === 'payment.succeeded'
        ? { ...event, data: { ...event.data, paidAt: new Date(0).toISOString() } }
        : event,
  },
  { guard: 'inbox: an event is applied once', rules: ['inbox.primary'] },
  {
    guard: 'outbox: an event is written in the transaction that it tells of',
    apart: (sql) => sql.startsWith('insert into outbox'),
  },
  { guard: 'idempotency: one row for each key', rules: ['idempotency.primary'] },
  {
    guard: 'saga: saved only by its holder',
    statements: [['where `id` = ? and `fence` = ?', 'where `id` = ? and (`fence` = ? or true)']],
  },
  {
    guard: 'payment: none is begun once its order is closed',
    statements: [['where barrier.saga_id = payment.order_id and', 'where false and']],
  },
  { guard: 'payment: one at a time for an order', rules: ['payment.payment_live_slot'] },
  {
    guard: 'payment: changed only under its lock',
    statements: [['select * from `payment` where `id` = ? for update', 'select * from `payment` where `id` = ?']],
  },
  {
    guard: 'payment: written only in the version that was read',
    statements: [
      ['`version` = ? where `id` = ? and `version` = ?', '`version` = ? where `id` = ? and (`version` = ? or true)'],
    ],
  },
  {
    guard: 'wallet: no less than nothing',
    statements: [['and balance_minor + ? >= 0', 'and (balance_minor + ? >= 0 or true)']],
    rules: ['ledger_account.ledger_account_covered'],
  },
];
