import type { CancelReason, JsonObject } from './order-model.ts';

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
  | { readonly kind: 'done'; readonly payment?: { readonly paymentId: string; readonly paidAt: Date } }
  | { readonly kind: 'refused'; readonly reason: CancelReason; readonly detail: JsonObject | null }
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

/** A step of a saga: what it is called, whose it is, which operation does it. */
export type StepKind = Pick<SagaStep, 'branchId' | 'service' | 'action'>;

const pending = ({ branchId, service, action }: StepKind): SagaStep => ({
  branchId, service, action, actionState: 'PENDING', compensationState: 'PENDING', attempts: 0, lastError: null, startedAt: null, finishedAt: null,
}); // prettier-ignore

/** A new saga that takes these steps one after another; the first is begun. */
export function newPlacingSaga(id: string, orderId: string, at: Date, steps: readonly StepKind[]): Saga {
  const [first, ...later] = steps.map(pending);
  if (!first) throw new Error('a saga has a step');
  return {
    id,
    kind: 'place-order',
    orderId,
    state: 'RUNNING',
    steps: [started(first, at), ...later],
    attempts: 1,
    nextRetryAt: at,
    lastError: null,
    createdAt: at,
    finishedAt: null,
  };
}

const started = (step: SagaStep, at: Date): SagaStep => ({
  ...step,
  actionState: 'RUNNING',
  attempts: 1,
  startedAt: at.toISOString(),
});

/** The step whose action, or in a saga that turned round whose compensation, comes next. */
export function currentBranch(saga: Saga): string {
  const step =
    saga.state === 'RUNNING'
      ? saga.steps.find(({ actionState }) => actionState === 'RUNNING')
      : saga.steps.findLast(({ compensationState }) => compensationState === 'RUNNING');
  if (!step) throw new Error(`saga ${saga.id} is ${saga.state} and has nothing to do`);
  return step.branchId;
}

const mapStep = (saga: Saga, branchId: string, change: (step: SagaStep) => Partial<SagaStep>): readonly SagaStep[] =>
  saga.steps.map((step) => (step.branchId === branchId ? { ...step, ...change(step) } : step));

/**
 * The saga after its action was answered, or not. Goes on to the next step, succeeds, waits for another try, or after
 * `deadlineMs` without an answer turns round.
 */
export function afterAction(saga: Saga, branchId: string, outcome: StepOutcome, at: Date, deadlineMs: number): Saga {
  if (outcome.kind === 'done') return afterDone(saga, branchId, at);
  if (outcome.kind === 'refused') return turnedRound(saga, branchId, outcome.reason, at);
  if (at.getTime() - saga.createdAt.getTime() >= deadlineMs) return turnedRound(saga, branchId, outcome.error, at);
  const steps = mapStep(saga, branchId, () => ({ lastError: outcome.error }));
  return {
    ...saga,
    steps,
    lastError: outcome.error,
    nextRetryAt: new Date(at.getTime() + retryDelayMs(saga.attempts)),
  };
}

function afterDone(saga: Saga, branchId: string, at: Date): Saga {
  const done = mapStep(saga, branchId, () => ({ actionState: 'DONE', lastError: null, finishedAt: at.toISOString() }));
  const next = done.find(({ actionState }) => actionState === 'PENDING');
  if (next) {
    const steps = done.map((step) => (step === next ? started(step, at) : step));
    return { ...saga, steps, lastError: null, nextRetryAt: at };
  }
  const steps = done.map((step): SagaStep => ({ ...step, compensationState: 'SKIPPED' }));
  return { ...saga, state: 'SUCCEEDED', steps, nextRetryAt: null, lastError: null, finishedAt: at };
}

/** The step that failed may have been done all the same, so it is undone first, then those before it. */
function turnedRound(saga: Saga, branchId: string, error: string, at: Date): Saga {
  const steps = saga.steps.map((step): SagaStep => {
    if (step.branchId === branchId) {
      const finishedAt = at.toISOString();
      return { ...step, actionState: 'FAILED', compensationState: 'RUNNING', lastError: error, finishedAt };
    }
    return step.actionState === 'PENDING' ? { ...step, actionState: 'SKIPPED', compensationState: 'SKIPPED' } : step;
  });
  return { ...saga, state: 'COMPENSATING', steps, lastError: error, nextRetryAt: at };
}

/** The saga after its compensation was answered, or not. */
export function afterCompensation(saga: Saga, branchId: string, failure: CompensationFailure | null, at: Date): Saga {
  if (failure === null) {
    const undone = mapStep(saga, branchId, () => ({ compensationState: 'DONE', finishedAt: at.toISOString() }));
    const next = undone.findLast(({ compensationState }) => compensationState === 'PENDING');
    if (!next) return { ...saga, state: 'COMPENSATED', steps: undone, nextRetryAt: null, finishedAt: at };
    const steps = undone.map((step): SagaStep => (step === next ? { ...step, compensationState: 'RUNNING' } : step));
    return { ...saga, steps, nextRetryAt: at };
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
