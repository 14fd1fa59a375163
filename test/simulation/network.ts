import { GraphQLError } from 'graphql';
import { RefusedError, isUnavailable, unavailable } from '../../subgraphs/shared/errors/errors.ts';
import { CallError, type ServiceCaller } from '../../subgraphs/shared/calls/link.ts';
import type { SubgraphName } from '../../subgraphs/shared/values/subgraph-names.ts';
import type { Process, Scheduler } from './schedule.ts';

const maxLateMs = 15_000;

/** Carries calls to processes. Each way is a step; a call may get lost, arrive long after its caller gave up, or its answer get lost. */
export class Network<Target extends { readonly process: Process }> {
  readonly #scheduler: Scheduler;
  /** What the network and everything outside the platform runs as. It lives for ever. */
  readonly outside: Process;
  readonly #targets: () => readonly Target[];
  /** The operation whose calls from process to process hardly arrive just now. */
  cut: string | null = null;

  constructor(scheduler: Scheduler, outside: Process, targets: () => readonly Target[]) {
    this.#scheduler = scheduler;
    this.outside = outside;
    this.#targets = targets;
  }

  /** Has some live process do `work`; rejects with SERVICE_UNAVAILABLE where no answer comes. */
  request<T>(from: Process, name: string, work: (target: Target) => Promise<T>): Promise<T> {
    const fault = from === this.outside ? 'clients' : 'calls';
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        if (from.isAlive) reject(unavailable(`${name}: no answer`));
      };
      const deliver = (): void => {
        const alive = this.#targets().filter(({ process }) => process.isAlive);
        if (alive.length === 0) return giveUp();
        const target = this.#scheduler.random.pick(alive);
        target.process.whenDead.add(giveUp);
        this.#scheduler.note(target.process, `is asked: ${name}`);
        const answer = (settle: () => void): void => {
          void this.#scheduler.step(this.outside, `answer to ${name}`, () => {
            target.process.whenDead.delete(giveUp);
            if (this.#scheduler.strikes(fault)) giveUp();
            else if (from.isAlive) settle();
          });
        };
        work(target).then(
          (value) => answer(() => resolve(value)),
          (error: Error) => answer(() => reject(error)),
        );
      };
      void this.#scheduler.step(this.outside, `call ${name}`, () => {
        const isCut = this.cut === name && this.#scheduler.random.chance(0.9);
        if (!isCut && !this.#scheduler.strikes(fault)) return deliver();
        giveUp();
        if (this.#scheduler.random.chance(0.7))
          this.#scheduler.after(this.outside, this.#scheduler.random.integer(0, maxLateMs), deliver);
      });
    });
  }
}

/** What an operation of a service does, as its resolver calls it. */
export type Operations<Target> = Readonly<
  Record<string, (target: Target, variables: Record<string, never>, traceId: string) => Promise<unknown>>
>;

/** Calls as the platform's services make them, by the operation's name. */
export function serviceCalls<Target extends { readonly process: Process }>(
  network: Network<Target>,
  operations: Operations<Target>,
  onUnexpected: (error: Error, operation: string) => void,
): (from: Process) => ServiceCaller {
  return (from) =>
    <Data>(
      service: SubgraphName,
      { query, variables, traceId }: { query: string; variables?: Record<string, unknown>; traceId: string },
    ) => {
      const name = /\b(?:query|mutation)\s+(\w+)/.exec(query)?.[1] ?? '';
      const operation = operations[name];
      if (!operation) {
        onUnexpected(new Error('the simulation does not know it'), name);
        return new Promise<never>(() => undefined);
      }
      return network.request(from, name, async (target) => {
        try {
          return (await operation(target, (variables ?? {}) as Record<string, never>, traceId)) as Data;
        } catch (error) {
          throw new CallError(service, [presented(error as Error, name, onUnexpected)]);
        }
      });
    };
}

/** As `present-error.ts` has it. */
function presented(error: Error, operation: string, onUnexpected: (error: Error, operation: string) => void) {
  const { message } = error;
  const show = (code: unknown) => ({ message, extensions: { code } });
  if (error instanceof RefusedError) return show('BAD_USER_INPUT');
  if (error instanceof GraphQLError) return show(error.extensions['code']);
  if (isUnavailable(error)) return show('SERVICE_UNAVAILABLE');
  onUnexpected(error, operation);
  return show('INTERNAL_SERVER_ERROR');
}
