import { type UserViewer, isStaff } from '../../shared/auth/viewer.ts';
import type { Sql } from '../../shared/database/database.ts';
import {
  type Refusal,
  RefusedError,
  forbiddenError,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors/errors.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import {
  byOneOrTwo,
  claimByOneOrTwo,
  ownRefusal,
  requireWithin,
  sinceLimit,
} from '../../shared/tables/second-person.ts';
import { isId } from '../../shared/values/ids.ts';
import { type MoneyJson, money } from '../../shared/values/money.ts';
import { brokenTextRule } from '../../shared/values/text.ts';
import { announce } from '../announce.ts';
import type { Changed } from '../apply-events.ts';
import type { OrderDeps } from '../deps.ts';
import { decide } from '../domain/order.ts';
import type { LineQuantity, OrderCommand, OrderEvent } from '../domain/order-model.ts';
import { returningPieces } from '../domain/returning.ts';
import { findOrder } from '../order-store.ts';
import { findRequest, givenByStaff } from '../refund-journal-store.ts';
import { findReturns } from '../return-store.ts';
import type { StoredOrder } from '../stored-order.ts';
import { topUpCode } from '../types/top-up.ts';
import { changeOrder } from './change-order.ts';
import type { Asker } from './context.ts';

export type RefundOrderInput = {
  readonly orderId: string;
  readonly lines?: readonly LineQuantity[] | null;
  readonly shipping?: boolean | null;
  readonly amount?: MoneyJson | null;
  readonly restock?: boolean | null;
  readonly reason: string;
};
export type RefundOrderPayload = {
  readonly order: StoredOrder | null;
  readonly amount: MoneyJson | null;
  readonly refunds: readonly { readonly __typename: 'Refund'; readonly id: string }[];
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

const maxReasonLength = 255;

const refused = (userErrors: readonly Refusal[]): RefundOrderPayload => ({
  order: null,
  amount: null,
  refunds: [],
  replayed: false,
  userErrors,
});

/**
 * Gives money of an order back. The order records what goes back in one transaction, with the event that has payment spread it
 * over the order's payments. Staff, and two of them where it is much.
 */
export async function refundOrder(
  deps: OrderDeps,
  asker: Asker,
  input: RefundOrderInput,
  idempotencyKey: string,
): Promise<RefundOrderPayload> {
  const { viewer } = asker;
  return orRefusals(async () => {
    if (!isStaff(viewer)) throw new RefusedError(forbiddenError('Only staff may give money back.'));
    const broken = brokenTextRule(input.reason, { min: 1, max: maxReasonLength, lines: true });
    if (broken !== null) throw new RefusedError(validationError(`reason: ${broken}.`, ['input', 'reason']));
    const found = isId(input.orderId) ? await findOrder(deps.db.em(), input.orderId) : null;
    if (!found) throw new RefusedError(notFoundError('There is no such order.', input.orderId, ['input', 'orderId']));
    const own = ownRefusal(viewer, found.customerId);
    if (own) throw new RefusedError(own);
    const isLarge = BigInt(input.amount?.amount ?? 0) > deps.config.staffApprovalAboveMinor;
    const done = await byOneOrTwo(isLarge, (byTwo) => record(deps, asker, { input, key: idempotencyKey, byTwo }));
    failPoint('order.refund_requested');
    if ('refusal' in done) return refused([done.refusal]);
    const { changed, replayed, requestId } = done;
    announce(deps, changed.order, changed.events, changed.isAct);
    const { amountMinor, refundIds } = await findRequest(deps.db.em(), changed.order.id, requestId);
    return {
      order: changed.order,
      amount: { amount: Number(amountMinor), currency: changed.order.currency },
      refunds: refundIds.map((id) => ({ __typename: 'Refund' as const, id })),
      replayed,
      userErrors: [],
    };
  }, refused);
}

type Claimed = { readonly replayed: boolean; readonly requestId: string } | { readonly refusal: Refusal };
type Recorded = Claimed & { readonly changed: Changed };

const record = (
  deps: OrderDeps,
  { viewer, traceId }: Asker,
  { input, key, byTwo }: { input: RefundOrderInput; key: string; byTwo: boolean },
): Promise<Recorded> =>
  deps.db.transaction(async (tx) => {
    const at = deps.now();
    let done: Claimed | null = null;
    let askedBy: string | undefined;
    const changed = await changeOrder(
      tx,
      input.orderId,
      {
        actor: { type: 'STAFF', id: viewer.userId },
        at,
        traceId,
        action: 'order.refunded',
        detail: () => ({ askedBy }),
      },
      async (order) => {
        const limit = money(deps.config.staffApprovalAboveMinor, order.currency);
        const requestId = deps.newId(order.id);
        const returning = input.restock ? returningPieces(await findReturns(tx, [order.id])) : [];
        const decision = decide(order, { ...commandOf(order, viewer, input, requestId), returning }, at);
        const path = ['input', 'amount', 'amount'];
        const wanted = { operation: 'refundOrder', key, input, limit, path, byTwo };
        const claimed = await claimByOneOrTwo(tx, viewer, wanted, { requestId });
        if ('refusal' in claimed) {
          // What can't be done is not for a second person to look at.
          done = { refusal: 'refusal' in decision ? decision.refusal : claimed.refusal };
          return { events: [] };
        }
        const { replayed, result } = claimed;
        ({ askedBy } = claimed);
        done = { replayed, requestId: result.requestId };
        if (replayed || 'refusal' in decision) return replayed ? { events: [] } : decision;
        if (!byTwo) requireWithin(limit, money((await lately(tx, order, at)) + sumOf(decision.events), order.currency)); // prettier-ignore
        return decision;
      },
      true,
    );
    if (!changed || done === null) throw new Error('an order that was read is gone');
    return { ...(done as Claimed), changed };
  });

const lately = (tx: Sql, order: StoredOrder, at: Date): Promise<bigint> => givenByStaff(tx, order.id, sinceLimit(at));

/** What the events give back. */
const sumOf = (events: readonly OrderEvent[]): bigint =>
  events.reduce(
    (sum, event) =>
      event.type === 'RefundRequested' || event.type === 'OrderRefunded' ? sum + (event.amountMinor ?? 0n) : sum,
    0n,
  );

function commandOf(
  order: StoredOrder,
  { userId }: UserViewer,
  input: RefundOrderInput,
  requestId: string,
): Extract<OrderCommand, { type: 'Refund' }> {
  const { amount } = input;
  if (amount && amount.currency !== order.currency)
    throw new RefusedError(validationError(`The order is in ${order.currency}.`, ['input', 'amount', 'currency']));
  return {
    type: 'Refund',
    requestId,
    lines: input.lines ?? [],
    withShipping: input.shipping ?? false,
    amountMinor: amount ? BigInt(amount.amount) : null,
    currency: order.currency,
    restock: input.restock ?? false,
    reason: input.reason,
    requestedBy: userId,
    isTopUp: order.type === topUpCode,
  };
}
