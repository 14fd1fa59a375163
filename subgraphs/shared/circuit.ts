import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import { type Deadline, deadlineIn } from './deadline.ts';
import { unavailable } from './errors.ts';
import { TransportError } from './http-transport.ts';
import type { Logger, Metrics } from './telemetry.ts';

/** Failures without any answer between them after which a service is given up for the moment. */
const failuresToOpen = 5;
/** How often one call tries whether the service is back, and how long that may take: together recovery within 5 s. */
const trialEveryMs = 1_000;
const trialTimeoutMs = 3_500;
/** Who gave less time than this learns nothing about the service when it is late. */
const fairTimeoutMs = 1_000;

/** Who is told about calls that fail. */
export type CallReport = { readonly log: Logger; readonly metrics: Metrics };

/** Keeps calls from a service that doesn't answer: they fail at once, which is good for both. */
export type Circuit = {
  /**
   * Runs a call with the deadline that it may take. Only TransportErrors that speak of the service open the circuit; while
   * it is open, calls are refused with SERVICE_UNAVAILABLE, but for one at a time that tries.
   */
  run<T>(deadline: Deadline, call: (deadline: Deadline) => Promise<T>): Promise<T>;
};

export function openCircuit(service: string, report: () => CallReport | undefined): Circuit {
  const policy = circuitBreaker(
    handleWhen((error) => error instanceof ServiceFailure),
    { halfOpenAfter: trialEveryMs, breaker: new ConsecutiveBreaker(failuresToOpen) },
  );
  const show = (value: number): void => report()?.metrics.circuits.set({ service }, value);
  policy.onBreak(() => {
    report()?.log.warn({ service }, 'a service does not answer: calls fail at once until it does');
    show(1);
  });
  policy.onHalfOpen(() => show(0.5));
  policy.onReset(() => {
    report()?.log.info({ service }, 'the service answers again');
    show(0);
  });

  async function attempt<T>(deadline: Deadline, call: (deadline: Deadline) => Promise<T>): Promise<T> {
    const isTrial = policy.state === CircuitState.HalfOpen;
    const end = isTrial ? Math.min(deadline, deadlineIn(trialTimeoutMs)) : deadline;
    const isFair = isTrial || end >= deadlineIn(fairTimeoutMs);
    try {
      return await call(end);
    } catch (error) {
      if (error instanceof TransportError && speaksOfService(error, isFair)) throw new ServiceFailure(error);
      throw error;
    }
  }
  return {
    async run(deadline, call) {
      // One trial is enough: the others would wait for it.
      if (policy.state === CircuitState.HalfOpen) throw refused(service);
      try {
        return await policy.execute(() => attempt(deadline, call));
      } catch (error) {
        if (error instanceof ServiceFailure) throw error.failure;
        throw error instanceof Error && 'isBrokenCircuitError' in error ? refused(service) : error;
      }
    },
  };
}

const refused = (service: string) => unavailable(`The ${service} service does not answer just now.`);

function speaksOfService({ failure }: TransportError, isFair: boolean): boolean {
  if (failure === 'late') return isFair;
  return failure === 'unreachable' || failure === 'cut-off' || failure === 'rubbish';
}

/** What the circuit counts. */
class ServiceFailure extends Error {
  readonly failure: TransportError;
  constructor(failure: TransportError) {
    super(failure.message);
    this.failure = failure;
  }
}
