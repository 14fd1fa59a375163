import type { Sql } from '../../shared/database/database.ts';
import { type Refusal, RefusedError, notFoundError, orRefusals } from '../../shared/errors/errors.ts';
import { type Claim, claimKey } from '../../shared/tables/idempotency.ts';
import { isId } from '../../shared/values/ids.ts';
import { announce } from '../announce.ts';
import type { Change, Changed } from '../apply-events.ts';
import type { OrderDeps } from '../deps.ts';
import { decide } from '../domain/order.ts';
import type { Decision, OrderCommand } from '../domain/order-model.ts';
import type { StoredOrder } from '../stored-order.ts';
import { recordOrderAct } from './record-order-act.ts';
import { findLines } from '../line-store.ts';
import { lockOrder, saveLocked } from '../order-store.ts';

/** Locks the order, decides, saves with journal, outbox and what the audit log is told. Throws RefusedError; null when there is no such order. */
export async function changeOrder(
  tx: Sql,
  orderId: string,
  change: Change,
  decideOn: (order: StoredOrder) => Decision | Promise<Decision>,
  withLines = false,
): Promise<Changed | null> {
  const locked = await lockOrder(tx, orderId);
  if (!locked) return null;
  const order = withLines ? { ...locked, lines: await findLines(tx, [orderId]) } : locked;
  const decision = await decideOn(order);
  const by = asCustomer(change, order);
  if ('refusal' in decision) throw new RefusedError(decision.refusal);
  if (decision.events.length === 0) return { order, events: [] };
  const saved = await saveLocked(tx, order, decision.events, by);
  return {
    order: saved,
    events: decision.events,
    isAct: await recordOrderAct(tx, by, { before: order, after: saved, events: decision.events }),
  };
}

/** What customers do with their orders. */
const customerActions: readonly Change['action'][] = [
  'order.cancelled',
  'order.remark_changed',
  'order.archived',
  'order.unarchived',
  'return.requested',
  'return.cancelled',
];

/** Of an order of their own staff are its customer, in what customers may do; the rest is never theirs to do, see `staffOfOthers`. */
const asCustomer = (change: Change, { customerId }: StoredOrder): Change =>
  change.actor.type === 'STAFF' && change.actor.id === customerId && customerActions.includes(change.action)
    ? { ...change, actor: { type: 'CUSTOMER', id: customerId } }
    : change;

export type OrderPayload = {
  readonly order: StoredOrder | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

export type OrderMutation = {
  readonly orderId: string;
  readonly claim: Claim;
  readonly change: Change;
  /** Throws RefusedError when the caller may not do this with this order. */
  readonly authorise: (order: StoredOrder) => void;
  /** What is asked for; where it depends on the order, made of it under its lock. */
  readonly command: OrderCommand | ((order: StoredOrder, tx: Sql) => OrderCommand | Promise<OrderCommand>);
  readonly expectedVersion?: number | null | undefined;
  readonly withLines?: boolean;
};

/** A mutation of one order from end to end: idempotency key, lock, rights, decision, journal, outbox, live notice. */
export async function mutateOrder(deps: OrderDeps, mutation: OrderMutation): Promise<OrderPayload> {
  const { orderId, claim, change, command } = mutation;
  const missing = () => new RefusedError(notFoundError('There is no such order.', orderId, ['id']));
  return orRefusals(
    async () => {
      if (!isId(orderId)) throw missing();
      let replayed = false;
      const changed = await deps.db.transaction(async (tx) => {
        const result = await changeOrder(
          tx,
          orderId,
          change,
          async (order) => {
            mutation.authorise(order);
            ({ replayed } = await claimKey(tx, claim, { orderId }));
            if (replayed) return { events: [] };
            const { expectedVersion } = mutation;
            if (expectedVersion !== null && expectedVersion !== undefined && expectedVersion !== order.version) {
              return {
                refusal: {
                  __typename: 'ConflictError',
                  code: 'CONFLICT',
                  message: 'The order was changed since you read it.',
                  expectedVersion,
                  actualVersion: order.version,
                },
              };
            }
            return decide(order, typeof command === 'function' ? await command(order, tx) : command, change.at);
          },
          mutation.withLines,
        );
        if (!result) throw missing();
        return result;
      });
      announce(deps, changed.order, changed.events, changed.isAct);
      return { order: changed.order, replayed, userErrors: [] };
    },
    (userErrors): OrderPayload => ({ order: null, replayed: false, userErrors }),
  );
}
