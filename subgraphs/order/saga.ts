import { isUnavailable } from '../shared/errors/errors.ts';
import { traced } from '../shared/tracing/tracing.ts';
import { failPoint } from '../shared/process/fail-point.ts';
import { announce } from './announce.ts';
import type { Change } from './apply-events.ts';
import { advancesByItself } from './commands/advance-order.ts';
import type { OrderDeps } from './deps.ts';
import { decide } from './domain/order.ts';
import type { CancelReason, JsonObject, OrderCommand, OrderEvent } from './domain/order-model.ts';
import {
  type Saga,
  type StepOutcome,
  afterAction,
  afterCompensation,
  currentBranch,
  nextRun,
  retryDelayMs,
} from './domain/saga.ts';
import type { StoredLine, StoredOrder } from './stored-order.ts';
import { stepOf } from './steps/placing-steps.ts';
import { failureOf, outcomeOf } from './steps/step.ts';
import { findLines } from './line-store.ts';
import { StaleOrderError, findOrder, lockOrder, saveOrder } from './order-store.ts';
import { claimSaga, findDueSagas, readOpenSagas, saveSaga } from './saga-store.ts';
import type { BacklogSample } from '../shared/process/backlog.ts';

/*
 * Placing an order takes steps in other services' databases (`steps/`). The order's schema records the saga first, so any process
 * that finds it can go on: the buyer's request, or after a crash the worker.
 */

/** How many sagas one call of `recoverSagas` takes up at most. */
export const recoveryBatch = 100;
const recoveryConcurrency = 8;
/** How often an order that somebody else changes meanwhile is read again for the saga's outcome. */
const maxDecideTries = 5;
const system = { type: 'SYSTEM', id: null } as const;

/** The command by which the order follows its saga; null while nothing is decided. */
function followUp(deps: OrderDeps, saga: Saga, outcome: StepOutcome, order: StoredOrder): OrderCommand | null {
  if (saga.state === 'SUCCEEDED') {
    const payment = outcome.kind === 'done' ? outcome.payment : undefined;
    const advances = advancesByItself(deps, order);
    if (payment) return { type: 'ConfirmPrepaid', ...payment, advances };
    return order.totalMinor === 0n ? { type: 'ConfirmFree', advances } : { type: 'ConfirmStock' };
  }
  if (saga.state !== 'COMPENSATING') return null;
  const [reason, detail]: [CancelReason, JsonObject | null] =
    outcome.kind === 'refused' ? [outcome.reason, outcome.detail] : ['SAGA_ROLLBACK', null];
  return { type: 'FailPlacing', reason, detail };
}

/**
 * Runs a saga that this process holds (by `fence`) until it is decided, or until `untilMs` (of `deps.time`) when the callee gives
 * no answer; then its next run is the job's. Returns the order as the saga left it, and the saga. Throws StaleOrderError when another
 * process has taken the saga over.
 */
export async function runPlacingSaga(
  deps: OrderDeps,
  held: { saga: Saga; fence: number; order: StoredOrder; untilMs: number },
): Promise<{ order: StoredOrder; saga: Saga }> {
  let { saga, order } = held;
  const lines =
    order.lines.length > 0 ? (order.lines as readonly StoredLine[]) : await findLines(deps.db.em(), [order.id]);
  // What is told of a placed order has its seller.
  order = { ...order, lines };
  for (;;) {
    const before = saga;
    if (saga.state === 'RUNNING') {
      const step = stepOf(currentBranch(saga));
      const outcome = await outcomeOf(step.act(deps, { saga, order, lines }));
      failPoint(step.failPoint);
      ({ saga, order } = await decideAction(deps, { ...held, saga, order, outcome }));
    } else if (saga.state === 'COMPENSATING') {
      failPoint('order.failed');
      const step = stepOf(currentBranch(saga));
      const failure = await failureOf(step.undo(deps, { saga, order, lines }));
      saga = afterCompensation(saga, step.branchId, failure, deps.now());
      if (
        !(await saveSaga(deps.db.em(), saga, held.fence, hasNextStep(saga, before) || goesOn(deps, saga, held.untilMs)))
      )
        throw new StaleOrderError('the saga was taken over');
    }
    if (hasNextStep(saga, before)) continue;
    if (!goesOn(deps, saga, held.untilMs)) return { order, saga };
    await deps.time.sleep(retryDelayMs(saga.attempts));
    saga = nextRun(saga, currentBranch(saga));
  }
}

/** True when the last answer led to another step, which is taken at once. */
const hasNextStep = (saga: Saga, before: Saga): boolean =>
  (saga.state === 'RUNNING' || saga.state === 'COMPENSATING') &&
  (saga.state !== before.state || currentBranch(saga) !== currentBranch(before));

/** True when this run tries again by itself; otherwise it gives its lease back, so that the job need not wait for its end. */
const goesOn = ({ time }: Pick<OrderDeps, 'time'>, saga: Saga, untilMs: number): boolean =>
  saga.nextRetryAt !== null && time.monotonicMs() + retryDelayMs(saga.attempts) < untilMs;

/** Records what an action's answer means, for saga and order in one transaction. */
async function decideAction(
  deps: OrderDeps,
  step: { saga: Saga; fence: number; order: StoredOrder; outcome: StepOutcome; untilMs: number },
): Promise<{ saga: Saga; order: StoredOrder }> {
  const at = deps.now();
  const saga = afterAction(step.saga, currentBranch(step.saga), step.outcome, at, deps.config.placingDeadlineMs);
  const command = followUp(deps, saga, step.outcome, step.order);
  if (!command) {
    const keepLease = hasNextStep(saga, step.saga) || goesOn(deps, saga, step.untilMs);
    if (!(await saveSaga(deps.db.em(), saga, step.fence, keepLease)))
      throw new StaleOrderError('the saga was taken over');
    return { saga, order: step.order };
  }
  for (let tries = 1, { order } = step; ; tries += 1) {
    const decision = decide(order, command, at);
    if ('refusal' in decision) throw new StaleOrderError(decision.refusal.message);
    try {
      const saved = await saveDecided(deps, { saga, fence: step.fence, order, events: decision.events, at });
      failPoint('order.decided');
      announce(deps, saved, decision.events);
      return { saga, order: saved };
    } catch (error) {
      // Its remark may have been changed meanwhile, or a note added: that is no reason to give up the saga.
      if (!(error instanceof StaleOrderError) || error instanceof LostSagaError || tries >= maxDecideTries) throw error;
      const { lines } = order;
      order = { ...((await deps.db.transaction((tx) => lockOrder(tx, order.id))) ?? order), lines };
    }
  }
}

/** Another process has taken the saga over: its fence is a higher one. */
class LostSagaError extends StaleOrderError {}

async function saveDecided(
  deps: OrderDeps,
  decided: { saga: Saga; fence: number; order: StoredOrder; events: readonly OrderEvent[]; at: Date },
): Promise<StoredOrder> {
  const { saga, order, events, at } = decided;
  const change: Change = { actor: system, at, traceId: order.traceId };
  return deps.db.transaction(async (tx) => {
    const saved = events.length > 0 ? await saveOrder(tx, order, events, change) : order;
    if (!(await saveSaga(tx, saga, decided.fence, saga.state === 'COMPENSATING')))
      throw new LostSagaError('the saga was taken over');
    return saved;
  });
}

/**
 * Runs every saga that is due and that nobody runs. Returns how many were taken up. One that fails
 * is logged and keeps its lease, so that it is not the first again and again.
 */
export async function recoverSagas(deps: OrderDeps): Promise<number> {
  const queue = await findDueSagas(deps.db.em(), deps.now(), recoveryBatch);
  let taken = 0;
  const worker = async () => {
    for (let sagaId = queue.shift(); sagaId !== undefined; sagaId = queue.shift()) {
      try {
        if (await resumeSaga(deps, sagaId)) taken += 1;
      } catch (error) {
        if (isUnavailable(error)) throw error;
        deps.log.error({ err: error, sagaId }, 'a saga can not be run');
      }
    }
  };
  await Promise.all(Array.from({ length: recoveryConcurrency }, worker));
  return taken;
}

/** Sagas that are not over, for the metrics. */
export async function sagaBacklog({ db }: Pick<OrderDeps, 'db'>): Promise<readonly BacklogSample[]> {
  const open = await readOpenSagas(db.em());
  return open.flatMap(({ state, count, oldestSeconds }): BacklogSample[] => [
    { name: 'sagas', labels: { state }, value: count },
    { name: 'saga_oldest_seconds', labels: { state }, value: oldestSeconds },
  ]);
}

/** Runs one saga now if nobody else does; false when somebody does or it is over. */
export async function resumeSaga(deps: OrderDeps, sagaId: string): Promise<boolean> {
  const claimed = await claimSaga(deps.db.em(), sagaId, deps.processId);
  if (!claimed) return false;
  const order = await findOrder(deps.db.em(), claimed.orderId);
  if (!order) throw new Error(`saga ${sagaId} has no order`);
  const saga = nextRun(claimed, currentBranch(claimed));
  const span = { service: 'order', name: 'resume saga', traceId: order.traceId, attributes: { 'order.id': order.id } };
  try {
    await traced(deps.metrics.tracing, span, () =>
      runPlacingSaga(deps, { saga, fence: claimed.fence, order, untilMs: 0 }),
    );
  } catch (error) {
    if (!(error instanceof StaleOrderError)) throw error;
    deps.log.info({ sagaId, reason: error.message }, 'saga left to its new holder');
  }
  return true;
}
