import type { CancelReason } from './order.ts';

export type SagaState = 'RUNNING' | 'SUCCEEDED' | 'COMPENSATING' | 'COMPENSATED' | 'STUCK';
export type StepState = 'PENDING' | 'RUNNING' | 'DONE' | 'SKIPPED' | 'FAILED';

export type SagaStep = {
  readonly branchId: string;
  readonly service: string;
  readonly action: string;
  readonly actionState: StepState;
  readonly compensationState: StepState;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
};

/** The saga of placing an order, as recorded in the order's own schema. */
export type Saga = {
  readonly id: string;
  readonly kind: 'place-order';
  readonly orderId: string;
  readonly state: SagaState;
  readonly steps: readonly SagaStep[];
  readonly attempts: number;
  readonly nextRetryAt: Date | null;
  readonly lastError: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
};

/** What the saga learned from a step. `unknown`: no answer, it may or may not have been done. */
export type StepOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly reason: CancelReason; readonly detail: unknown }
  | { readonly kind: 'unknown'; readonly error: string };

/** Why a compensation was not done. `answered`: by the callee itself; otherwise it was out of reach, which passes. */
export type CompensationFailure = { readonly error: string; readonly answered: boolean };

/** Runs after which a compensation that the callee refuses is left to staff. A callee out of reach is asked for ever. */
export const maxCompensationRuns = 50;
const retryBaseMs = 500;
const retryMaxMs = 8_000;

/** Exponential back-off without jitter: the worker's poll spreads the runs. */
export const retryDelayMs = (attempts: number): number =>
  Math.min(retryMaxMs, retryBaseMs * 2 ** Math.max(0, attempts - 1));

const pending = (branchId: string, service: string, action: string): SagaStep => ({
  branchId, service, action, actionState: 'PENDING', compensationState: 'PENDING', attempts: 0, lastError: null, startedAt: null, finishedAt: null,
}); // prettier-ignore

/** A new saga that takes an order's stock. */
export const newPlacingSaga = (id: string, orderId: string, at: Date): Saga => ({
  id,
  kind: 'place-order',
  orderId,
  state: 'RUNNING',
  steps: [
    {
      ...pending('reserve-stock', 'product', 'reserveStock'),
      actionState: 'RUNNING',
      attempts: 1,
      startedAt: at.toISOString(),
    },
  ],
  attempts: 1,
  nextRetryAt: at,
  lastError: null,
  createdAt: at,
  finishedAt: null,
});

const mapStep = (saga: Saga, branchId: string, change: (step: SagaStep) => Partial<SagaStep>): readonly SagaStep[] =>
  saga.steps.map((step) => (step.branchId === branchId ? { ...step, ...change(step) } : step));

/** The saga after its action was answered, or not. Succeeds, waits for another try, or after `deadlineMs` without an answer turns round. */
export function afterAction(saga: Saga, branchId: string, outcome: StepOutcome, at: Date, deadlineMs: number): Saga {
  if (outcome.kind === 'done') {
    const steps = mapStep(saga, branchId, () => ({
      actionState: 'DONE',
      compensationState: 'SKIPPED',
      lastError: null,
      finishedAt: at.toISOString(),
    }));
    return { ...saga, state: 'SUCCEEDED', steps, nextRetryAt: null, lastError: null, finishedAt: at };
  }
  if (outcome.kind === 'refused') {
    const steps = mapStep(saga, branchId, () => ({
      actionState: 'FAILED',
      compensationState: 'RUNNING',
      lastError: outcome.reason,
      finishedAt: at.toISOString(),
    }));
    return { ...saga, state: 'COMPENSATING', steps, lastError: outcome.reason, nextRetryAt: at };
  }
  if (at.getTime() - saga.createdAt.getTime() >= deadlineMs) {
    const steps = mapStep(saga, branchId, () => ({
      actionState: 'FAILED',
      compensationState: 'RUNNING',
      lastError: outcome.error,
      finishedAt: at.toISOString(),
    }));
    return { ...saga, state: 'COMPENSATING', steps, lastError: outcome.error, nextRetryAt: at };
  }
  const steps = mapStep(saga, branchId, () => ({ lastError: outcome.error }));
  return {
    ...saga,
    steps,
    lastError: outcome.error,
    nextRetryAt: new Date(at.getTime() + retryDelayMs(saga.attempts)),
  };
}

/** The saga after its compensation was answered, or not. */
export function afterCompensation(saga: Saga, branchId: string, failure: CompensationFailure | null, at: Date): Saga {
  if (failure === null) {
    const steps = mapStep(saga, branchId, () => ({ compensationState: 'DONE', finishedAt: at.toISOString() }));
    return { ...saga, state: 'COMPENSATED', steps, nextRetryAt: null, finishedAt: at };
  }
  const steps = mapStep(saga, branchId, () => ({ lastError: failure.error }));
  const stuck = failure.answered && saga.attempts >= maxCompensationRuns;
  return {
    ...saga,
    state: stuck ? 'STUCK' : 'COMPENSATING',
    steps,
    lastError: failure.error,
    nextRetryAt: stuck ? null : new Date(at.getTime() + retryDelayMs(saga.attempts)),
  };
}

/** The saga at the beginning of another run. */
export function nextRun(saga: Saga, branchId: string): Saga {
  return {
    ...saga,
    attempts: saga.attempts + 1,
    steps: mapStep(saga, branchId, (step) => ({ attempts: step.attempts + 1 })),
  };
}
