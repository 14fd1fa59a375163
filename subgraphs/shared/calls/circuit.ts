import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import { type DependencyPart, openDependency } from '../process/dependency.ts';
import { type Deadline, deadlineIn, remainingMs } from '../time/deadline.ts';
import { unavailable } from '../errors/errors.ts';
import { OversizedAnswer, TransportError } from '../http/transport.ts';
import { openProbing } from './probing.ts';
import type { Logger, Metrics } from '../process/telemetry.ts';

/** Failures without any answer between them after which a service is given up for the moment. */
const failuresToOpen = 5;
/** How often one call tries whether the service is back, and how long that may take: together recovery within 5 s. */
const trialEveryMs = 1_000;
const trialTimeoutMs = 3_500;
/** A call that is late after this time would have failed as `still` if the service stood still (`pulse.ts`). */
const tellingTimeoutMs = 2_800;
/** A trial of our own, which asks nothing of the service, may take less. */
const probeTimeoutMs = 1_500;

/** Who is told about calls that fail. */
export type CallReport = { readonly log: Logger; readonly metrics: Metrics };

/** Keeps calls from a service that doesn't answer: they fail at once, which is good for both. */
export type Circuit = {
  /** While it is, calls are made as ever and their outcomes told by `answered` and `failed`; else they go to `attempt`. */
  isClosed(): boolean;
  answered(): void;
  /**
   * Only TransportErrors that speak of the service open the circuit, and not what a document may have caused: one that is
   * late lives, else it would be `still`.
   */
  failed(error: Error): void;
  /** Refuses with SERVICE_UNAVAILABLE, but for one call at a time that tries, with the deadline that it may take. */
  attempt<T>(deadline: Deadline, call: (deadline: Deadline) => Promise<T>): Promise<T>;
  close(): void;
};

/**
 * @param options.setting the variable that says where the service is
 * @param options.probe a call that asks nothing of the service; rejects as calls do. Made while the circuit is open and no
 *   other call tries, so that a service is known to be back also when nobody needs it
 */
export function openCircuit(
  service: string,
  options: {
    report: () => CallReport | undefined;
    setting: string;
    probe: (deadline: Deadline) => Promise<unknown>;
  },
): Circuit {
  const { report, setting, probe } = options;
  const policy = circuitBreaker(
    handleWhen((error) => error instanceof ServiceFailure),
    { halfOpenAfter: trialEveryMs, breaker: new ConsecutiveBreaker(failuresToOpen) },
  );
  const show = (value: number): void => report()?.metrics.circuits.set({ service }, value);
  let dependency: DependencyPart | undefined;
  policy.onBreak((reason) => {
    const log = report()?.log;
    if (log) dependency ??= openDependency({ name: service, setting, log }).part();
    // While it is open, calls fail at once until one of them is answered.
    dependency?.away(
      'error' in reason && reason.error instanceof Error ? reason.error : new Error('it does not answer'),
    );
    show(1);
    probing.begin();
  });
  policy.onHalfOpen(() => show(0.5));
  policy.onReset(() => {
    dependency?.back();
    show(0);
  });
  const probing = openProbing({
    delayMs: nextProbeMs,
    // Whatever else it answers, `trial` has told the policy.
    probe: async () => policy.state === CircuitState.Open && trial(deadlineIn(probeTimeoutMs), probe),
    isOver: () => policy.state === CircuitState.Closed,
  });

  /** Failures since the last answer: while there are none, the policy has nothing to learn from an answer. */
  let failures = 0;
  /** Lets the policy know how a call went. Its own wrapping of a call costs more than the rest of it. */
  function note(failure: ServiceFailure | undefined): void {
    failures = failure ? failures + 1 : 0;
    // A call that began before the circuit opened is no trial.
    if (policy.state !== CircuitState.Closed) return;
    // What it answers is what it was told.
    policy.execute(() => (failure ? Promise.reject(failure) : Promise.resolve())).catch(() => undefined);
  }
  async function trial<T>(deadline: Deadline, call: (deadline: Deadline) => Promise<T>): Promise<T> {
    let thrown: Error | undefined;
    const end = Math.min(deadline, deadlineIn(trialTimeoutMs));
    const tells = remainingMs(end) >= tellingTimeoutMs;
    try {
      return await policy.execute(async () => {
        try {
          const value = await call(end);
          failures = 0;
          return value;
        } catch (error) {
          thrown = error as Error;
          // What is late too soon shows nothing: the next one tries again.
          throw speaksOfService(thrown) || (isLate(thrown) && !tells) ? new ServiceFailure(thrown.message) : thrown;
        }
      });
    } catch (error) {
      if (thrown) throw thrown;
      throw error instanceof BrokenCircuitError ? refused(service) : error;
    }
  }
  return {
    isClosed: () => policy.state === CircuitState.Closed,
    answered() {
      if (failures > 0) note(undefined);
    },
    failed(error) {
      if (!speaksOfService(error)) return;
      // One that stands still has been asked twice already.
      const times = (error as TransportError).failure === 'still' ? failuresToOpen : 1;
      for (let time = 0; time < times; time += 1) note(new ServiceFailure(error.message));
    },
    attempt(deadline, call) {
      // One trial is enough: the others would wait for it.
      if (policy.state === CircuitState.HalfOpen) return Promise.reject(refused(service));
      return trial(deadline, call);
    },
    close: () => probing.close(),
  };
}

/** Who has something to ask tries first; and not all processes at once. */
const nextProbeMs = (): number => trialEveryMs * (1.25 + Math.random() / 2);

const refused = (service: string) => unavailable(`The ${service} service does not answer just now.`);

const isLate = (error: Error): boolean => error instanceof TransportError && error.failure === 'late';

function speaksOfService(error: Error): boolean {
  if (!(error instanceof TransportError)) return false;
  const { failure } = error;
  // How much there is to answer is the document's doing.
  if (error.cause instanceof OversizedAnswer) return false;
  return failure === 'unreachable' || failure === 'cut-off' || failure === 'still' || failure === 'rubbish';
}

/** What the circuit counts. */
class ServiceFailure extends Error {}
