import { noteFailure } from '../../shared/process/dependency.ts';
import { type Refusal, RefusedError, isUnavailable, notFoundError, orRefusals } from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { recordAct } from '../../shared/tables/staff-acts.ts';
import { isId } from '../../shared/values/ids.ts';
import { announce } from '../announce.ts';
import type { OrderDeps } from '../deps.ts';
import { decide } from '../domain/order.ts';
import type { OrderCommand, OrderState } from '../domain/order-model.ts';
import { saveNextCall } from '../hook-store.ts';
import { findIdsToAdvance, findOrder } from '../order-store.ts';
import type { StoredOrder } from '../stored-order.ts';
import type { Change } from '../apply-events.ts';
import { newTraceId } from '../../shared/process/telemetry.ts';
import { traced } from '../../shared/tracing/tracing.ts';
import type { Wait } from '../types/order-type.ts';
import { backOffMs } from './back-off.ts';
import { callHook } from './call-hook.ts';
import { type OrderPayload, changeOrder } from './change-order.ts';
import { type Asker, staffOfOthers } from './context.ts';

const batchSize = 100;
/** For an order whose type is not registered any more. */
const defaultLifeSeconds = 86_400;

/** True when a paid order of this type goes on to COMPLETED by itself. */
export const advancesByItself = (
  { types }: Pick<OrderDeps, 'types'>,
  order: Pick<StoredOrder, 'fulfilmentStatus' | 'type'>,
): boolean => order.fulfilmentStatus === 'NOT_REQUIRED' && !types.find(order.type)?.redeemable;

/**
 * Takes one paid order through its type's delivery: PAID → mayAdvance → PROCESSING → deliver → COMPLETED → onFinish.
 * Re-entrant: whatever step it finds done it leaves alone, but for the hook of a state that is to be called. A failing
 * delivery is postponed with back-off, and after the type's life time left to staff. An order that is to be redeemed lapses
 * instead, when its time is over. Returns the order as it is then; null when there is none.
 */
export async function advanceOnce(deps: OrderDeps, orderId: string, change: Change): Promise<StoredOrder | null> {
  const order = await deliverOnce(deps, orderId, change);
  const isCalled = order && (order.state === 'COMPLETED' || order.advanceAt !== null);
  if (isCalled && hookStates.includes(order.state)) await callHook(deps, order, change);
  return order;
}

const hookStates: readonly OrderState[] = ['COMPLETED', 'NEEDS_ATTENTION'];

type Step = (command: OrderCommand) => Promise<StoredOrder | null>;

async function deliverOnce(deps: OrderDeps, orderId: string, change: Change): Promise<StoredOrder | null> {
  const step: Step = async (command) => {
    const changed = await deps.db.transaction((tx) =>
      changeOrder(tx, orderId, change, (order) => {
        // What is over, or waits for staff, has only its hook left.
        if (hookStates.includes(order.state)) return { events: [] };
        if (deps.types.find(order.type)?.redeemable) return decide(order, { type: 'Lapse' }, deps.now());
        return advancesByItself(deps, order) ? decide(order, command, deps.now()) : { events: [] };
      }),
    );
    if (changed) announce(deps, changed.order, changed.events);
    return changed?.order ?? null;
  };
  const waiting = await waitFor(deps, orderId, step);
  if (waiting) return waiting;
  const order = await step({ type: 'StartProcessing' });
  if (!order || order.state !== 'PROCESSING' || !advancesByItself(deps, order)) return order;
  try {
    await deps.types.get(order.type).deliver(order);
  } catch (error) {
    noteFailure(deps.log, error, 'delivery of an order failed', { orderId });
    const nextAt = new Date(deps.now().getTime() + backOffMs(order.advanceAttempts));
    return step(postponed(deps, order, { reason: (error as Error).message, until: nextAt }));
  }
  return step({ type: 'Complete' });
}

/** Asks a type that has conditions whether a paid order may be delivered; the order where it has to wait, else null. */
async function waitFor(deps: OrderDeps, orderId: string, step: Step): Promise<StoredOrder | null> {
  if (!deps.types.all.some(({ mayAdvance }) => mayAdvance)) return null;
  const order = await findOrder(deps.db.em(), orderId);
  const mayAdvance = order && deps.types.find(order.type)?.mayAdvance;
  if (!mayAdvance || (order.state !== 'PAID' && order.state !== 'PROCESSING') || !advancesByItself(deps, order))
    return null;
  let wait: Wait | null;
  try {
    wait = await mayAdvance(order);
  } catch (error) {
    noteFailure(deps.log, error, 'whether an order may be delivered is not known', { orderId });
    const until = new Date(deps.now().getTime() + backOffMs(order.advanceAttempts));
    wait = { reason: (error as Error).message, until };
  }
  return wait && step(postponed(deps, order, wait));
}

/** What becomes of a paid order that can't be delivered now: it waits, or its time is over. */
function postponed({ types, now }: Pick<OrderDeps, 'types' | 'now'>, order: StoredOrder, wait: Wait): OrderCommand {
  const lifeSeconds = types.find(order.type)?.deliveryLifeSeconds ?? defaultLifeSeconds;
  const isOverdue = now().getTime() - (order.paidAt?.getTime() ?? 0) > lifeSeconds * 1_000;
  return isOverdue
    ? { type: 'NeedAttention', error: wait.reason }
    : { type: 'PostponeAdvance', error: wait.reason, nextAt: wait.until };
}

/** Advances every order that is due. Returns how many were looked at. */
export async function advanceOrders(deps: OrderDeps): Promise<number> {
  const due = await findIdsToAdvance(deps.db.em(), deps.now(), batchSize);
  for (const orderId of due) {
    try {
      const traceId = newTraceId();
      const change = { actor: { type: 'SYSTEM', id: null }, at: deps.now(), traceId } as const;
      const span = { service: 'order', name: 'advance order', traceId, attributes: { 'order.id': orderId } };
      await traced(deps.metrics.tracing, span, () => advanceOnce(deps, orderId, change));
    } catch (error) {
      if (isUnavailable(error)) throw error;
      if (error instanceof RefusedError) deps.log.info({ orderId, reason: error.message }, 'order was not advanced');
      else deps.log.error({ err: error, orderId }, 'an order can not be advanced');
      await setAside(deps, orderId, (error as Error).message);
    }
  }
  return due.length;
}

/**
 * Lets an order wait that could not be advanced, with the same back-off and end as one whose delivery fails: else it would stay the
 * first that is due, and enough of them would keep all others waiting. One whose journal can't be written waits all the same.
 */
async function setAside(deps: OrderDeps, orderId: string, reason: string): Promise<void> {
  const order = await findOrder(deps.db.em(), orderId);
  // Somebody else has changed it meanwhile.
  if (!order || order.advanceAt === null || order.advanceAt > deps.now()) return;
  const until = new Date(deps.now().getTime() + backOffMs(order.advanceAttempts));
  const change: Change = { actor: { type: 'SYSTEM', id: null }, at: deps.now(), traceId: newTraceId() };
  try {
    const command = postponed(deps, order, { reason, until });
    const changed = await deps.db.transaction((tx) => changeOrder(tx, orderId, change, (locked) => decide(locked, command, deps.now()))); // prettier-ignore
    if (changed) announce(deps, changed.order, changed.events);
  } catch (error) {
    if (isUnavailable(error)) throw error;
    deps.log.error({ err: error, orderId }, 'why an order can not be advanced can not be told in its journal');
    await saveNextCall(deps.db.em(), order, { at: until, attempts: order.advanceAttempts + 1 });
  }
}

/** The mutation for staff: advances one order now. */
export async function advanceOrder(
  deps: OrderDeps,
  asker: Asker,
  input: { id: string; idempotencyKey?: string | null },
): Promise<OrderPayload> {
  const { id } = input;
  return orRefusals(
    async () => {
      const read = async () => {
        const found = isId(id) ? await findOrder(deps.db.em(), id) : null;
        if (!found) throw new RefusedError(notFoundError('There is no such order.', id, ['id']));
        return found;
      };
      const order = await read();
      staffOfOthers(asker.viewer)(order);
      const { replayed } = await deps.db.transaction(async (tx) => {
        const claimed = await claimKey(
          tx,
          { ownerId: asker.viewer.userId, operation: 'advanceOrder', key: input.idempotencyKey, input: { id } },
          { orderId: id },
        );
        // Of the asking: what comes of it takes several transactions, and the outside world.
        if (!claimed.replayed)
          await recordAct(tx, deps, asker, {
            action: 'order.advanced',
            subject: `order:${id}`,
            before: { state: order.state },
          });
        return claimed;
      });
      deps.kickRelay();
      const change: Change = {
        actor: { type: 'STAFF', id: asker.viewer.userId },
        at: deps.now(),
        traceId: asker.traceId,
      };
      const advanced = replayed ? await read() : await advanceOnce(deps, id, change);
      return { order: advanced, replayed, userErrors: [] };
    },
    (userErrors: readonly Refusal[]): OrderPayload => ({ order: null, replayed: false, userErrors }),
  );
}
