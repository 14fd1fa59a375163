/** What may be away. */
export const dependencies = [
  'redis',
  'database',
  'job store',
  'user',
  'product',
  'order',
  'payment',
  'worker',
  'provider',
] as const;
export type Dependency = (typeof dependencies)[number];

/** What may happen to it. */
export const faults = [
  'refuses for 0.2 s',
  'refuses for 3 s',
  'refuses for 60 s',
  'hangs',
  'resets',
  'slow by 2 s',
  'emptied',
  'restarted without its last second',
  'read-only',
  'out of memory',
  'out of connections',
  'disk full',
] as const;
export type Fault = (typeof faults)[number];

export const moments = ['at rest', 'under load'] as const;
export type Moment = (typeof moments)[number];

/** One process, each service as a process of its own, or two of every process behind TCP balancers. */
export const shapes = ['one', 'split', 'two'] as const;
export type Shape = (typeof shapes)[number];

/** What clients do while the fault lasts. */
export const probes = ['browse', 'read an order', 'sign in', 'place', 'pay'] as const;
export type Probe = (typeof probes)[number];

/**
 * What a client may get:
 * - `works`: each answer is right, within 3 s (11 s where the fault is slowness);
 * - `refused`: once the fault has begun, SERVICE_UNAVAILABLE within 3 s, by HTTP with status 503 and Retry-After; what was
 *   on its way may still succeed;
 * - `either`: each answer is one of the two;
 * - `partial`: `data` with null and SERVICE_UNAVAILABLE at what the dependency would have brought, or one of the above.
 */
export type Outcome = 'works' | 'refused' | 'either' | 'partial';

/** Of a subscription that was open before: it stays open, or it may end with SERVICE_UNAVAILABLE and is taken up from its last `seq`. */
export type LiveOutcome = 'stays' | 'may end';

/** What clients get from a fault of a dependency. */
export type Expected = Readonly<Record<Probe, Outcome>> & {
  readonly live: LiveOutcome;
  /** Whether readiness says no and names the dependency; `may`: some of what it asks for works. */
  readonly readiness: 'says so' | 'ready' | 'may say so';
};

/** What clients get, what is done to see it, and what holds beside `promises`; or why the fault means nothing here. */
export type Row =
  | {
      readonly dependency: Dependency;
      readonly fault: Fault;
      readonly how: string;
      readonly expected: Expected;
      /** Where it can happen. */
      readonly shapes: readonly Shape[];
    }
  | { readonly dependency: Dependency; readonly fault: Fault; readonly meaningless: string };

/** One or several dependencies that meet a fault at the same time: each is a cell of the table. */
export type Outage = {
  readonly dependencies: readonly Dependency[];
  readonly fault: Fault;
  readonly moment: Moment;
  readonly shape: Shape;
};
