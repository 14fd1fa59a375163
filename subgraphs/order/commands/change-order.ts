import type { Sql } from '../../shared/database/database.ts';
import { type Refusal, RefusedError, notFoundError, orRefusals } from '../../shared/errors/errors.ts';
import { type Claim, claimKey } from '../../shared/tables/idempotency.ts';
import { byOneOrTwo } from '../../shared/tables/second-person.ts';
import { isId } from '../../shared/values/ids.ts';
import { announce } from '../announce.ts';
import type { Change, Changed } from '../apply-events.ts';
import type { OrderDeps } from '../deps.ts';
import { decide } from '../domain/order.ts';
import type { Decision, OrderCommand } from '../domain/order-model.ts';
import type { StoredOrder } from '../stored-order.ts';
import { type Giving, decideGiving } from './limit-for-one.ts';
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
  /** Who gives money back for the shop by it, and what they do, see `Giving`; null where nobody does. */
  readonly giving?: (order: StoredOrder) => Pick<Giving, 'viewer' | 'deed' | 'path'> | null;
};

/** A mutation of one order from end to end: idempotency key, lock, rights, decision, journal, outbox, live notice. */
export async function mutateOrder(deps: OrderDeps, mutation: OrderMutation): Promise<OrderPayload> {
  return orRefusals(async () => {
    if (!isId(mutation.orderId)) throw missing(mutation);
    const done = await byOneOrTwo(false, (byTwo) => mutateOnce(deps, mutation, byTwo));
    if ('refusal' in done) return refused([done.refusal]);
    const { changed, replayed } = done;
    announce(deps, changed.order, changed.events, changed.isAct);
    return { order: changed.order, replayed, userErrors: [] };
  }, refused);
}

const missing = ({ orderId }: OrderMutation) =>
  new RefusedError(notFoundError('There is no such order.', orderId, ['id']));

const refused = (userErrors: readonly Refusal[]): OrderPayload => ({ order: null, replayed: false, userErrors });

type Mutated = { readonly changed: Changed; readonly replayed: boolean } | { readonly refusal: Refusal };

const mutateOnce = (deps: OrderDeps, mutation: OrderMutation, byTwo: boolean): Promise<Mutated> =>
  deps.db.transaction(async (tx) => {
    const { orderId, claim } = mutation;
    let replayed = false;
    let askedBy: string | undefined;
    let refusal: Refusal | null = null;
    const change: Change = { ...mutation.change, detail: () => ({ ...mutation.change.detail?.(), askedBy }) };
    const changed = await changeOrder(
      tx,
      orderId,
      change,
      async (order) => {
        mutation.authorise(order);
        const giving = mutation.giving?.(order) ?? null;
        if (giving === null) {
          ({ replayed } = await claimKey(tx, claim, { orderId }));
          return replayed ? { events: [] } : decideOn(tx, order, mutation);
        }
        const limitMinor = deps.config.staffApprovalAboveMinor;
        const done = await decideGiving(tx, order, { ...giving, claim, limitMinor, byTwo, at: change.at }, () =>
          decideOn(tx, order, mutation),
        );
        if ('refusal' in done) {
          ({ refusal } = done);
          return { events: [] };
        }
        ({ replayed, askedBy } = done);
        return done.decision;
      },
      mutation.withLines,
    );
    if (!changed) throw missing(mutation);
    return refusal === null ? { changed, replayed } : { refusal };
  });

async function decideOn(
  tx: Sql,
  order: StoredOrder,
  { command, change, expectedVersion }: OrderMutation,
): Promise<Decision> {
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
}
