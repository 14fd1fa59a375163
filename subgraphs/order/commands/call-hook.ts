import { noteFailure } from '../../shared/process/dependency.ts';
import { announce } from '../announce.ts';
import type { Change } from '../apply-events.ts';
import type { OrderDeps } from '../deps.ts';
import { decide } from '../domain/order.ts';
import { saveNextCall } from '../hook-store.ts';
import type { StoredOrder } from '../stored-order.ts';
import type { Hook } from '../types/order-type.ts';
import { backOffMs } from './back-off.ts';
import { changeOrder } from './change-order.ts';

/** A day of tries, one every five minutes in the end. */
const maxTries = 300;

/** The hook that belongs to the state of an order; null where its type has none, or is not registered any more. */
export function hookOf({ types }: Pick<OrderDeps, 'types'>, order: Pick<StoredOrder, 'type' | 'state'>): Hook | null {
  const type = types.find(order.type);
  if (order.state === 'COMPLETED') return type?.onFinish ?? null;
  return order.state === 'NEEDS_ATTENTION' ? (type?.onAbnormal ?? null) : null;
}

/**
 * Calls the hook of a finished order, or of one that needs attention, and notes that it is done. A process that dies before
 * the note has it called again. A hook that fails is called again later, and given up after `maxTries` with a note to staff.
 */
export async function callHook(deps: OrderDeps, order: StoredOrder, change: Change): Promise<void> {
  const hook = hookOf(deps, order);
  try {
    await hook?.(order);
  } catch (error) {
    const attempts = order.advanceAttempts + 1;
    noteFailure(deps.log, error, 'a hook of an order type failed', { orderId: order.id, state: order.state, attempts });
    if (attempts < maxTries) {
      const at = new Date(deps.now().getTime() + backOffMs(order.advanceAttempts));
      return saveNextCall(deps.db.em(), order, { at, attempts });
    }
    return giveUp(deps, order, change, (error as Error).message);
  }
  if (order.advanceAt !== null) await saveNextCall(deps.db.em(), order, { at: null, attempts: 0 });
}

async function giveUp(deps: OrderDeps, order: StoredOrder, change: Change, message: string): Promise<void> {
  const note = `What order type ${order.type} does when an order is ${order.state} failed ${maxTries} times: ${message}`;
  const noted = await deps.db.transaction((tx) =>
    changeOrder(tx, order.id, change, (locked) =>
      decide(locked, { type: 'AddNote', note: note.slice(0, 1_024), public: false }, deps.now()),
    ),
  );
  if (!noted) return;
  await saveNextCall(deps.db.em(), noted.order, { at: null, attempts: 0 });
  announce(deps, noted.order, noted.events);
}
