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
import { type Claim, claimKey } from '../../shared/tables/idempotency.ts';
import {
  byOneOrTwo,
  claimByOneOrTwo,
  ownRefusal,
  requireWithin,
  sinceLimit,
} from '../../shared/tables/second-person.ts';
import type { StaffAction } from '../../shared/tables/staff-acts.ts';
import { isId, newNumber } from '../../shared/values/ids.ts';
import { money } from '../../shared/values/money.ts';
import { brokenTextRule } from '../../shared/values/text.ts';
import { announce } from '../announce.ts';
import type { Changed } from '../apply-events.ts';
import type { OrderDeps } from '../deps.ts';
import { decide } from '../domain/order.ts';
import type { LineQuantity } from '../domain/order-model.ts';
import type { ReceivedLine, ReturnCommand } from '../domain/return-model.ts';
import { givenByStaff } from '../refund-journal-store.ts';
import { type StoredReturn, findReturn, findReturns } from '../return-store.ts';
import type { StoredOrder } from '../stored-order.ts';
import { changeOrder } from './change-order.ts';
import { type Asker, actorOf } from './context.ts';

export type ReturnPayload = {
  readonly orderReturn: StoredReturn | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

const maxReasonLength = 255;
/** First characters of a return's number; no order type has them. */
export const returnPrefix = 'RE';

const refused = (userErrors: readonly Refusal[]): ReturnPayload => ({ orderReturn: null, replayed: false, userErrors });

const missing = (entity: string, id: string, name: string) =>
  new RefusedError(notFoundError(`There is no such ${entity}.`, id, [name]));

function requireReason(reason: string | null | undefined, min: 0 | 1): void {
  if (min === 0 && (reason === null || reason === undefined)) return;
  const broken = brokenTextRule(reason ?? '', { min, max: maxReasonLength, lines: true });
  if (broken !== null) throw new RefusedError(validationError(`reason: ${broken}.`, ['reason']));
}

/** Days after completion in which orders of this type take returns. */
export const windowDaysOf = ({ types, config }: Pick<OrderDeps, 'types' | 'config'>, type: string): number =>
  types.get(type).returnWindowDays ?? config.returnWindowDays;

/** One step of a return: what it is done to, by which key, and what is asked for under the order's lock. */
type Step = {
  readonly orderId: string;
  readonly returnId: string;
  readonly claim: Claim;
  readonly action: StaffAction;
  /** Throws RefusedError where the caller may not do this. */
  readonly authorise: (order: StoredOrder) => void;
  readonly command: (order: StoredOrder, tx: Sql) => Promise<ReturnCommand>;
};

async function take(deps: OrderDeps, { viewer, traceId }: Asker, step: Step): Promise<ReturnPayload> {
  let [replayed, returnId] = [false, step.returnId];
  const at = deps.now();
  const changed = await deps.db.transaction(async (tx) => {
    const done = await changeOrder(
      tx,
      step.orderId,
      { actor: actorOf(viewer), at, traceId, action: step.action },
      async (order) => {
        step.authorise(order);
        const claimed = await claimKey(tx, step.claim, { returnId: step.returnId });
        ({ replayed } = claimed);
        ({ returnId } = claimed.result);
        return replayed ? { events: [] } : decide(order, await step.command(order, tx), at);
      },
      true,
    );
    if (!done) throw missing('order', step.orderId, 'orderId');
    return done;
  });
  failPoint('order.return_changed');
  return conclude(deps, changed, { returnId, replayed });
}

async function conclude(
  deps: OrderDeps,
  changed: Changed,
  { returnId, replayed }: { returnId: string; replayed: boolean },
): Promise<ReturnPayload> {
  announce(deps, changed.order, changed.events, changed.isAct);
  return { orderReturn: await findReturn(deps.db.em(), returnId), replayed, userErrors: [] };
}

/** The order's customer or staff; to anybody else there is none. */
const ownerOrStaff =
  (viewer: UserViewer, id: string, name: 'orderId' | 'returnId') =>
  (order: StoredOrder): void => {
    if (order.customerId !== viewer.userId && !isStaff(viewer))
      throw missing(name === 'orderId' ? 'order' : 'return', id, name);
  };

/** Staff, but not of orders of their own; the customer is told that only staff may. */
const staffOfOthers =
  (viewer: UserViewer, returnId: string) =>
  (order: StoredOrder): void => {
    ownerOrStaff(viewer, returnId, 'returnId')(order);
    if (!isStaff(viewer)) throw new RefusedError(forbiddenError('Only staff may do this.'));
    const own = ownRefusal(viewer, order.customerId);
    if (own) throw new RefusedError(own);
  };

async function requireReturn(sql: Sql, returnId: string): Promise<StoredReturn> {
  const found = isId(returnId) ? await findReturn(sql, returnId) : null;
  if (!found) throw missing('return', returnId, 'returnId');
  return found;
}

/** Asks for a return of delivered pieces: of an order of the asker's own, or as staff of anybody's. */
export const requestReturn = (
  deps: OrderDeps,
  asker: Asker,
  input: { orderId: string; lines: readonly LineQuantity[]; reason: string; idempotencyKey: string },
): Promise<ReturnPayload> =>
  orRefusals(async () => {
    const { orderId, lines, reason, idempotencyKey: key } = input;
    requireReason(reason, 1);
    if (!isId(orderId)) throw missing('order', orderId, 'orderId');
    const returnId = deps.newId(orderId);
    return take(deps, asker, {
      orderId,
      returnId,
      claim: { ownerId: asker.viewer.userId, operation: 'requestReturn', key, input: { orderId, lines, reason } },
      action: 'return.requested',
      authorise: ownerOrStaff(asker.viewer, orderId, 'orderId'),
      command: async (order, tx) => ({
        type: 'RequestReturn',
        returnId,
        number: newNumber(returnPrefix, deps.now()),
        lines,
        reason,
        windowDays: windowDaysOf(deps, order.type),
        returns: await findReturns(tx, [orderId]),
      }),
    });
  }, refused);

/** Staff say whether the goods may come back, and why not. */
export const decideReturn = (
  deps: OrderDeps,
  asker: Asker,
  input: { returnId: string; approve: boolean; reason?: string | null; idempotencyKey?: string | null },
): Promise<ReturnPayload> =>
  orRefusals(async () => {
    const { returnId, approve, reason = null, idempotencyKey: key } = input;
    requireReason(reason, approve ? 0 : 1);
    const { orderId } = await requireReturn(deps.db.em(), returnId);
    return take(deps, asker, {
      orderId,
      returnId,
      claim: { ownerId: asker.viewer.userId, operation: 'decideReturn', key, input: { returnId, approve, reason } },
      action: 'return.decided',
      authorise: staffOfOthers(asker.viewer, returnId),
      command: async (_, tx) => ({ type: 'DecideReturn', known: await requireReturn(tx, returnId), approve, reason }),
    });
  }, refused);

/** Takes a return back before its goods are here. */
export const cancelReturn = (
  deps: OrderDeps,
  asker: Asker,
  { returnId, idempotencyKey: key }: { returnId: string; idempotencyKey?: string | null },
): Promise<ReturnPayload> =>
  orRefusals(async () => {
    const { orderId } = await requireReturn(deps.db.em(), returnId);
    return take(deps, asker, {
      orderId,
      returnId,
      claim: { ownerId: asker.viewer.userId, operation: 'cancelReturn', key, input: { returnId } },
      action: 'return.cancelled',
      authorise: ownerOrStaff(asker.viewer, returnId, 'returnId'),
      command: async (_, tx) => ({ type: 'CancelReturn', known: await requireReturn(tx, returnId) }),
    });
  }, refused);

export type ReceiveReturnInput = {
  readonly returnId: string;
  readonly lines: readonly ReceivedLine[];
  readonly refund: boolean;
  readonly idempotencyKey?: string | null;
};

/** Goods are here, in part too: some go into the stock, and their money goes back. Staff, and two of them where it is much. */
export const receiveReturn = (deps: OrderDeps, asker: Asker, input: ReceiveReturnInput): Promise<ReturnPayload> =>
  orRefusals(async () => {
    const { orderId } = await requireReturn(deps.db.em(), input.returnId);
    const done = await byOneOrTwo(false, (byTwo) => record(deps, asker, { input, orderId, byTwo }));
    failPoint('order.return_received');
    if ('refusal' in done) return refused([done.refusal]);
    return conclude(deps, done.changed, { returnId: input.returnId, replayed: done.replayed });
  }, refused);

type Claimed = { readonly replayed: boolean } | { readonly refusal: Refusal };

const record = (
  deps: OrderDeps,
  { viewer, traceId }: Asker,
  { input, orderId, byTwo }: { input: ReceiveReturnInput; orderId: string; byTwo: boolean },
): Promise<Claimed & { readonly changed: Changed }> =>
  deps.db.transaction(async (tx) => {
    const at = deps.now();
    const { returnId, lines, refund, idempotencyKey } = input;
    const given = { returnId, lines, refund };
    let done: Claimed | null = null;
    let askedBy: string | undefined;
    const changed = await changeOrder(
      tx,
      orderId,
      { actor: actorOf(viewer), at, traceId, action: 'return.received', detail: () => ({ returnId, askedBy }) },
      async (order) => {
        staffOfOthers(viewer, returnId)(order);
        const limit = money(deps.config.staffApprovalAboveMinor, order.currency);
        const known = await requireReturn(tx, returnId);
        const requestId = refund ? deps.newId(orderId) : null;
        const decision = decide(order, { type: 'ReceiveReturn', known, lines, requestId, requestedBy: viewer.userId }, at); // prettier-ignore
        // A return is received once, so two people mean the same by the same input.
        const wanted = { operation: 'receiveReturn', key: idempotencyKey, input: given, limit, path: ['lines'], same: given, byTwo }; // prettier-ignore
        const claimed = await claimByOneOrTwo(tx, viewer, wanted, { returnId });
        if ('refusal' in claimed) {
          // What can't be done is not for a second person to look at.
          done = { refusal: 'refusal' in decision ? decision.refusal : claimed.refusal };
          return { events: [] };
        }
        const { replayed } = claimed;
        ({ askedBy } = claimed);
        done = { replayed };
        if (replayed || 'refusal' in decision) return replayed ? { events: [] } : decision;
        const sum = decision.events.reduce((total, event) => total + (event.type === 'RefundRequested' ? event.amountMinor : 0n), 0n); // prettier-ignore
        if (!byTwo && sum > 0n)
          requireWithin(limit, money((await givenByStaff(tx, orderId, sinceLimit(at))) + sum, order.currency));
        return decision;
      },
      true,
    );
    if (!changed || done === null) throw new Error('an order that was read is gone');
    return { ...(done as Claimed), changed };
  });
