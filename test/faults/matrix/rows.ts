import { type Dependency, type Expected, type Fault, type LiveOutcome, type Outage, type Outcome, type Probe, type Row, type Shape, dependencies, faults, probes, shapes } from './table.ts'; // prettier-ignore

/** What each cell's test asserts beside what clients get. */
export const promises: readonly string[] = [
  'no process of ours ends, but one that the fault itself kills, and that one is started again',
  'liveness answers 200 throughout',
  'a refusal comes within 3 s, by HTTP as 503 with `Retry-After` and `SERVICE_UNAVAILABLE` (a payment whose provider is away: `PROVIDER_UNAVAILABLE`), by WebSocket and SSE with the same code',
  'within 5 s of the return an order is placed and paid, and readiness says yes; of a process that was killed the return is when it says that it can work, within 5 s of its start on two processors with nothing else to do (several that start at once share them)',
  'what staff change while the fault lasts or afterwards is what everybody sees within 5 s of the return, though answers are kept in Redis',
  "a document that a client knows by its hash is answered, at the latest when the client sends its text, as Apollo's clients do",
  'buyers who repeat with their keys, before, during and after, get one order for each key and can pay each; none is lost or half done',
  'a subscription from before the fault tells every change of its order, each once, in order',
  'each process that notices says once that the dependency is away and once that it is back; no line is anything but our own JSON, none is an error, and none is said more than five times',
  'at the end `npm run audit` finds nothing',
];

const everything: Expected = {
  browse: 'works',
  'read an order': 'works',
  'sign in': 'works',
  place: 'works',
  pay: 'works',
  live: 'stays',
  readiness: 'ready',
};

/** What clients get while a dependency is away altogether. */
const away: Readonly<Record<Dependency, Expected>> = {
  // Signing in counts the tries of all processes there.
  redis: { ...everything, 'sign in': 'refused', readiness: 'says so' },
  database: {
    browse: 'refused',
    'read an order': 'refused',
    'sign in': 'refused',
    place: 'refused',
    pay: 'refused',
    live: 'may end',
    readiness: 'says so',
  },
  'job store': { ...everything, readiness: 'may say so' },
  user: { ...everything, 'sign in': 'refused', readiness: 'says so' },
  product: { ...everything, browse: 'refused', 'read an order': 'partial', place: 'refused', readiness: 'says so' },
  order: { ...everything, 'read an order': 'refused', place: 'refused', pay: 'refused', live: 'may end', readiness: 'says so' }, // prettier-ignore
  // Where an order is placed it is asked how it can be paid.
  payment: { ...everything, place: 'partial', pay: 'refused', readiness: 'says so' },
  worker: everything,
  provider: { ...everything, pay: 'refused' },
};

/** Of a fault that comes and goes, or that only some requests meet: what would be refused may work. */
function softened(expected: Expected): Expected {
  const soft = Object.fromEntries(Object.entries(expected).map(([name, outcome]) => [name, outcome === 'refused' ? 'either' : outcome])); // prettier-ignore
  return { ...(soft as Expected), readiness: expected.readiness === 'ready' ? 'ready' : 'may say so' };
}

/** Writes are refused, reads work. */
const readOnly = (expected: Expected): Expected => ({ ...softened(expected), browse: 'works', 'read an order': 'works', live: 'stays' }); // prettier-ignore

const behindProxy = 'a TCP proxy before it';
const common: Partial<Record<Fault, string>> = {
  'refuses for 0.2 s': `${behindProxy} stops listening`,
  'refuses for 3 s': `${behindProxy} stops listening`,
  'refuses for 60 s': `${behindProxy} stops listening`,
  hangs: 'SIGSTOP, then SIGCONT',
  resets: `${behindProxy} resets every connection for 3.5 s`,
  'slow by 2 s': `${behindProxy} holds each answer back for 2 s`,
};
const servers: Partial<Record<Dependency, Partial<Record<Fault, string>>>> = {
  redis: {
    emptied: 'FLUSHALL',
    'restarted without its last second': 'killed, and started again from a snapshot that is a second old',
    'read-only': 'made a replica of a server that is not there, as in a failover',
    'out of memory': 'maxmemory 1, noeviction',
    'out of connections': 'maxclients 1, and every connection killed',
    'disk full': 'it cannot put its snapshot into place, and refuses writes with MISCONF, as on a full disk',
  },
  database: {
    'restarted without its last second': 'killed and started again, with innodb_flush_log_at_trx_commit=0; what it has forgotten was never promised by it, and orders of that second may be gone', // prettier-ignore
    'read-only': 'read_only=1',
    'out of memory': 'killed, as the kernel does, and started again after a second',
    'out of connections': 'max_connections at its least, all taken by another user, ours killed',
    'disk full': "its data files may not grow (innodb_data_file_path without autoextend), and another schema's table takes what is left of them; this needs no rights and no mount", // prettier-ignore
  },
  'job store': {
    emptied: "the jobs' database is dropped",
    'restarted without its last second': 'killed, its files put back to those of a second ago, started again',
    'out of memory': 'killed, as the kernel does, and started again after a second',
    'out of connections': 'it may open no more descriptors (prlimit), and every connection is reset',
    'disk full': 'it may write no file any longer (prlimit --fsize)',
  },
  provider: {
    'restarted without its last second': 'killed and started again',
    'read-only': 'each request is answered 503',
  },
};
for (const service of ['user', 'product', 'order', 'payment', 'worker'] as const) {
  servers[service] = {
    'restarted without its last second': 'killed, and started again by its supervisor',
    'out of memory': 'killed, as the kernel does, and started again by its supervisor',
    'out of connections': 'it may open no more descriptors (prlimit), and every connection to it is reset',
  };
}

const soft: ReadonlySet<Fault> = new Set<Fault>([
  'refuses for 0.2 s',
  'slow by 2 s',
  'emptied',
  'restarted without its last second',
  'out of memory',
  'out of connections',
  'disk full',
]);

const stateless = 'it keeps nothing: what it knows is in the database';
const uncalled = 'nothing connects to the worker: it is the one that calls';
const company = 'a company of its own: from outside this is the 5xx of its row `read-only`';

/** Why a fault of a dependency means nothing. */
function meaningless(dependency: Dependency, fault: Fault): string | undefined {
  const isService = ['user', 'product', 'order', 'payment', 'worker'].includes(dependency);
  if (isService && ['emptied', 'read-only', 'disk full'].includes(fault)) return stateless;
  if (dependency === 'worker' && (fault.startsWith('refuses') || fault === 'resets' || fault === 'slow by 2 s')) return uncalled; // prettier-ignore
  if (dependency === 'database' && fault === 'emptied') return 'it is what remembers: an emptied database is restored from its backup'; // prettier-ignore
  if (dependency === 'provider' && fault === 'emptied') return 'its books are its own; what it no longer knows is found by reconciliation'; // prettier-ignore
  if (dependency === 'provider' && ['out of memory', 'out of connections', 'disk full'].includes(fault)) return company;
  if (dependency === 'job store' && fault === 'read-only') return 'FerretDB, which stands for MongoDB here, has no such mode; a primary that steps down resets its connections, which is the row `resets`'; // prettier-ignore
  return undefined;
}

/** Where a dependency is something of its own. */
function shapesOf(dependency: Dependency): readonly Shape[] {
  if (['user', 'product', 'order', 'payment', 'worker'].includes(dependency)) return ['split', 'two'];
  return shapes;
}

function expectedOf(dependency: Dependency, fault: Fault): Expected {
  const expected = away[dependency];
  if (fault === 'read-only') return dependency === 'provider' ? expected : readOnly(expected);
  if (dependency === 'redis' && (fault === 'out of memory' || fault === 'disk full')) return readOnly(expected);
  // An order is read from one pool of connections, and its products' names from another.
  if (dependency === 'database' && soft.has(fault)) return { ...softened(expected), 'read an order': 'partial' };
  return soft.has(fault) ? softened(expected) : expected;
}

/** The table: every dependency and every fault, each with a test or with the reason why there is none. */
export const rows: readonly Row[] = dependencies.flatMap((dependency) =>
  faults.map((fault): Row => {
    const reason = meaningless(dependency, fault);
    if (reason !== undefined) return { dependency, fault, meaningless: reason };
    const how = servers[dependency]?.[fault] ?? common[fault];
    if (how === undefined) throw new Error(`${dependency} ${fault}: neither a way nor a reason`);
    return { dependency, fault, how, expected: expectedOf(dependency, fault), shapes: shapesOf(dependency) };
  }),
);

/** With two of a service, what one process of it meets is met by some requests only. */
function expectedIn(shape: Shape, { dependency, fault }: Row): Expected {
  const expected = expectedOf(dependency, fault);
  const isProcess = !['redis', 'database', 'job store'].includes(dependency);
  return shape === 'two' && isProcess && (fault === 'hangs' || soft.has(fault)) ? softened(expected) : expected;
}

/** `partial` allows most: it may be one of the others. */
const outcomes = ['works', 'either', 'refused', 'partial'] as const satisfies readonly Outcome[];
const lives = ['stays', 'may end'] as const satisfies readonly LiveOutcome[];
const readinesses = ['ready', 'may say so', 'says so'] as const satisfies readonly Expected['readiness'][];

/** What clients get from an outage: of each thing the worst that one of its dependencies makes of it. */
export function expectedFrom({ dependencies: away, fault, shape }: Outage): Expected {
  const all = rows.filter((row) => away.includes(row.dependency) && row.fault === fault).map((row) => expectedIn(shape, row)); // prettier-ignore
  const worst = <T>(order: readonly T[], of: (expected: Expected) => T): T => order[Math.max(...all.map((expected) => order.indexOf(of(expected))))] as T; // prettier-ignore
  return {
    ...(Object.fromEntries(probes.map((probe) => [probe, worst(outcomes, (expected) => expected[probe])])) as Record<Probe, Outcome>), // prettier-ignore
    live: worst(lives, ({ live }) => live),
    readiness: worst(readinesses, ({ readiness }) => readiness),
  };
}
