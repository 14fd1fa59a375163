import { type Placed, openBag } from '../queues/bag.ts';
import { type Headers, callerHeaders } from '../auth/caller-headers.ts';

/** How long a call may take that nobody has set a deadline for. */
export const defaultTimeoutMs = 10_000;
/** The longest time that a caller can ask for. */
export const maxTimeoutMs = 60_000;
/** Taken off what a callee is given, so that its answer still arrives in time. */
const replyMarginMs = 50;
const checkEveryMs = 25;

/** A point in time of this process's own clock that is never set: `performance.now()`. */
export type Deadline = number;

export const deadlineIn = (timeoutMs: number): Deadline => performance.now() + timeoutMs;
export const remainingMs = (deadline: Deadline): number => deadline - performance.now();

/** What a callee is told of the time that is left, in whole milliseconds; it may be 0. A duration, as clocks differ. */
export const timeoutHeader = (deadline: Deadline): string =>
  String(Math.max(0, Math.floor(remainingMs(deadline) - replyMarginMs)));

/** The deadline that the caller has told; the default where it told none that is a number. */
export function deadlineOf(headers: Headers): Deadline {
  const given = headers[callerHeaders.timeout];
  const isNumber = typeof given === 'string' && /^[0-9]{1,9}$/.test(given);
  return deadlineIn(isNumber ? Math.min(Number(given), maxTimeoutMs) : defaultTimeoutMs);
}

/** What may not take longer than until its deadline. `place` is for the use of `Expiry`. */
export type Expiring = { readonly deadline: Deadline; expire(): void } & Placed;

/** Calls `expire` for what is not removed before its deadline, to within 25 ms: one timer however many there are. */
export type Expiry = {
  /** What has been added and neither removed nor expired, in no order. */
  readonly all: readonly Expiring[];
  add(expiring: Expiring): void;
  remove(expiring: Expiring): void;
  /** The work's own outcome, or `late()` when it takes too long; nobody stops the work itself. */
  within<T>(deadline: Deadline, work: Promise<T>, late: () => T): Promise<T>;
};

/** Keeps no process alive. */
export function openExpiry(): Expiry {
  const expiring = openBag<Expiring>();
  let timer: NodeJS.Timeout | undefined;

  function check(): void {
    const now = performance.now();
    for (const one of [...expiring.all]) {
      if (one.deadline > now) continue;
      expiring.remove(one);
      one.expire();
    }
    if (expiring.all.length > 0) return;
    clearInterval(timer);
    timer = undefined;
  }
  function add(one: Expiring): void {
    expiring.add(one);
    timer ??= setInterval(check, checkEveryMs).unref();
  }
  return {
    all: expiring.all,
    add,
    remove: (one) => expiring.remove(one),
    within: (deadline, work, late) =>
      new Promise((resolve, reject) => {
        const one: Expiring = {
          deadline,
          place: -1,
          expire() {
            try {
              resolve(late());
            } catch (error) {
              reject(error instanceof Error ? error : new Error(String(error)));
            }
          },
        };
        add(one);
        work.then(resolve, reject).finally(() => expiring.remove(one));
      }),
  };
}
