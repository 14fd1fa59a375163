import { CallError } from '../../shared/calls/link.ts';
import { isUnavailable } from '../../shared/errors/errors.ts';
import type { OrderDeps } from '../deps.ts';
import type { CompensationFailure, Saga, StepKind, StepOutcome } from '../domain/saga.ts';
import type { StoredLine, StoredOrder } from '../stored-order.ts';

/** What a step is taken for. */
export type StepRun = {
  readonly saga: Saga;
  readonly order: StoredOrder;
  readonly lines: readonly Pick<StoredLine, 'productId' | 'quantity' | 'stay'>[];
};

/**
 * One step of placing an order: what it has another service do, and how that is undone. Both may be asked for again, by
 * another process too: the callee's barrier makes repetitions harmless, and refuses an action that comes after its undoing.
 */
export type Step = StepKind & {
  /** Where a test may kill the process: its action was answered. */
  readonly failPoint: string;
  act(deps: OrderDeps, run: StepRun): Promise<StepOutcome>;
  undo(deps: OrderDeps, run: StepRun): Promise<void>;
};

/** What an action has come to; `unknown` when there is no answer to it. */
export async function outcomeOf(action: Promise<StepOutcome>): Promise<StepOutcome> {
  try {
    return await action;
  } catch (error) {
    if (error instanceof CallError && error.code === 'BRANCH_COMPENSATED')
      return { kind: 'refused', reason: 'SAGA_ROLLBACK', detail: null };
    if (!(error instanceof CallError) && !isUnavailable(error)) throw error;
    return { kind: 'unknown', error: (error as Error).message };
  }
}

/** Why an undoing was not done; null when it was. */
export async function failureOf(undoing: Promise<void>): Promise<CompensationFailure | null> {
  try {
    await undoing;
    return null;
  } catch (error) {
    if (!(error instanceof CallError) && !isUnavailable(error)) throw error;
    return { error: (error as Error).message, answered: !isUnavailable(error) };
  }
}
