import { type Random, randomOf } from './random.ts';

/** What is done to the fleet. `target` is a process (`order-2`), a service (`order`), or `<process>/mariadb`, `<process>/redis`. */
export type Fault = {
  /** From the beginning of the run. */
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly target: string;
  /** How long it stays; 0 for what is over at once. */
  readonly durationMs: number;
  /** What else there is to say: milliseconds of a delay or of a wrong clock, a way to misbehave. */
  readonly detail: string;
};

/** How often each kind comes, relative to the others. */
const weights = {
  'kill -9': 12,
  'kill -9 of both': 2,
  SIGSTOP: 4,
  'link cut': 7,
  'link stalled': 4,
  'link slow': 4,
  'service cut': 4,
  'service stalled': 3,
  'service slow': 4,
  'connections reset': 5,
  'Redis emptied': 3,
  'Redis restarted': 3,
  'Redis restarted without its data': 2,
  'Redis SIGSTOP': 2,
  'MariaDB restarted': 2,
  'MariaDB kill -9': 3,
  'MariaDB SIGSTOP': 2,
  'clock wrong': 5,
  'webhooks doubled': 3,
  'webhooks reordered': 3,
  'webhooks late': 3,
  'webhooks lost and sent later': 3,
  'webhook forged': 6,
} as const;
export type FaultKind = keyof typeof weights;
export const faultKinds = Object.keys(weights) as readonly FaultKind[];

const callable = ['simulated-provider', 'user', 'product', 'order', 'payment', 'gateway'] as const;
const services = [...callable, 'worker'] as const;
const processes = services.flatMap((service) => [`${service}-1`, `${service}-2`]);
/** A gateway has no database, the provider no Redis. */
const links = processes.flatMap((name) => [`${name}/mariadb`, `${name}/redis`]).filter(
  (link) => !/^gateway-.*mariadb$|^simulated-provider-.*redis$/.test(link),
); // prettier-ignore

/** Nothing happens before: buyers are to have begun. */
const firstAtMs = 2_000;
/** Longer than the longest lease that a process takes, the 30 s of a job's lock. */
const stopMs = 35_000;
const clockOffsetMs = 600_000;

/** What a run of some length can hold: each fault is over before the run is. */
export type ScheduleOptions = { readonly seed: number; readonly durationMs: number; readonly everyMs: number };

/** The faults of a run in the order of their time: a function of its seed, length and rate. */
export function scheduleOf({ seed, durationMs, everyMs }: ScheduleOptions): readonly Fault[] {
  const random = randomOf(seed);
  const faults: Fault[] = [];
  let unseen: readonly FaultKind[] = faultKinds;
  for (let atMs = firstAtMs; atMs < durationMs; atMs += random.between(everyMs / 2, everyMs * 1.5)) {
    // Each kind once in turn before any comes by its weight: a short run has a bit of everything.
    const kind = unseen.length > 0 && random.chance(0.5) ? random.pick(unseen) : random.weighted(weights);
    unseen = unseen.filter((other) => other !== kind);
    const fault = { atMs, kind, ...faultOf(kind, random) };
    if (fault.atMs + fault.durationMs <= durationMs) faults.push(fault);
    else faults.push({ atMs, kind: 'kill -9', ...faultOf('kill -9', random) });
  }
  return faults;
}

function faultOf(kind: FaultKind, random: Random): Pick<Fault, 'target' | 'durationMs' | 'detail'> {
  const now = { durationMs: 0, detail: '' };
  switch (kind) {
    case 'kill -9':
      return { ...now, target: random.pick(processes) };
    case 'kill -9 of both':
      return { ...now, target: random.pick(services) };
    case 'SIGSTOP':
      return { target: random.pick(processes), durationMs: stopMs, detail: '' };
    case 'link cut':
    case 'link stalled':
      return { target: random.pick(links), durationMs: random.between(200, 6_000), detail: '' };
    case 'link slow':
      return { target: random.pick(links), durationMs: random.between(2_000, 8_000), detail: String(random.between(50, 2_000)) }; // prettier-ignore
    case 'service cut':
      return { target: random.pick(callable), durationMs: random.between(200, 3_000), detail: '' };
    case 'service stalled':
      return { target: random.pick(callable), durationMs: random.between(500, 5_000), detail: '' };
    case 'service slow':
      return { target: random.pick(callable), durationMs: random.between(2_000, 6_000), detail: String(random.between(50, 2_000)) }; // prettier-ignore
    case 'connections reset':
      return { ...now, target: random.pick([...callable, ...links]) };
    case 'Redis emptied':
      return { ...now, target: 'redis' };
    case 'Redis restarted':
    case 'Redis restarted without its data':
      return { target: 'redis', durationMs: random.between(0, 3_000), detail: '' };
    case 'Redis SIGSTOP':
      return { target: 'redis', durationMs: random.between(500, 5_000), detail: '' };
    case 'MariaDB restarted':
    case 'MariaDB kill -9':
      return { target: 'mariadb', durationMs: random.between(0, 2_000), detail: '' };
    case 'MariaDB SIGSTOP':
      return { target: 'mariadb', durationMs: random.between(500, 5_000), detail: '' };
    case 'clock wrong':
      return { target: random.pick(processes), durationMs: random.between(8_000, 30_000), detail: String(random.pick([-clockOffsetMs, clockOffsetMs])) }; // prettier-ignore
    case 'webhooks doubled':
    case 'webhooks reordered':
    case 'webhooks lost and sent later':
      return { target: 'simulated-provider', durationMs: random.between(3_000, 10_000), detail: '' };
    case 'webhooks late':
      return { target: 'simulated-provider', durationMs: random.between(3_000, 10_000), detail: String(random.between(1_000, 20_000)) }; // prettier-ignore
    case 'webhook forged':
      return { ...now, target: 'simulated-provider', detail: random.pick(['signature', 'timestamp', 'amount']) };
  }
}
