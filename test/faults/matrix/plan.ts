import type { Jobs } from './stage.ts';
import { rows } from './rows.ts';
import { type Dependency, type Fault, type Moment, type Outage, type Shape, moments, shapes } from './table.ts';

/** Outages that one platform goes through, one after the other. */
export type Track = {
  readonly shape: Shape;
  readonly jobs: Jobs;
  readonly outages: readonly Outage[];
};

/** A cell that the default run shares between dependencies whose absences can be told apart. */
const minute: Fault = 'refuses for 60 s';
const services: readonly Dependency[] = ['user', 'product', 'order', 'payment'];

/** The faults that mean something for a dependency in a shape, in the table's order. */
const faultsOf = (dependency: Dependency, shape: Shape): readonly Fault[] =>
  rows
    .filter((row) => row.dependency === dependency && !('meaningless' in row) && row.shapes.includes(shape))
    .map(({ fault }) => fault);

/** One outage for each fault, of those of these dependencies that it means something for. */
function together(
  dependencies: readonly Dependency[],
  options: { shape: Shape; moment: Moment; only?: (fault: Fault) => boolean },
): Outage[] {
  const { shape, moment, only = () => true } = options;
  const all = new Set(dependencies.flatMap((dependency) => faultsOf(dependency, shape)));
  return [...all].filter(only).map((fault) => ({
    dependencies: dependencies.filter((dependency) => faultsOf(dependency, shape).includes(fault)),
    fault,
    shape,
    moment,
  }));
}

/** In turn, so that both moments are met. */
const alternating = (outages: readonly Outage[]): Outage[] =>
  outages.map((outage, place) => ({ ...outage, moment: moments[place % moments.length] as Moment }));

const isMinute = (fault: Fault): boolean => fault === minute;
/** What refuses and hangs is told apart only where not everything is away. */
const isTelling = (fault: Fault): boolean => fault === 'refuses for 3 s' || fault === 'hangs';
const split = { shape: 'split', moment: 'at rest' } as const;

const [rest, load] = moments;

/** What `npm test` runs: each dependency and each fault once, on platforms that run side by side, as most of it is waiting. */
const shortTracks: readonly Track[] = [
  {
    shape: 'one',
    jobs: 'mongodb',
    outages: [
      { dependencies: ['redis', 'job store', 'provider'], fault: minute, shape: 'one', moment: rest },
      { dependencies: ['job store'], fault: 'emptied', shape: 'one', moment: load },
      { dependencies: ['provider'], fault: 'read-only', shape: 'one', moment: rest },
    ],
  },
  {
    shape: 'one',
    jobs: 'redis',
    outages: [
      { dependencies: ['database'], fault: 'hangs', shape: 'one', moment: load },
      { dependencies: ['database'], fault: 'disk full', shape: 'one', moment: rest },
      { dependencies: ['redis'], fault: 'out of connections', shape: 'one', moment: load },
      { dependencies: ['redis'], fault: 'refuses for 0.2 s', shape: 'one', moment: rest },
      { dependencies: ['redis'], fault: 'restarted without its last second', shape: 'one', moment: load },
    ],
  },
  {
    shape: 'split',
    jobs: 'redis',
    outages: [
      { dependencies: ['user', 'payment'], fault: 'refuses for 3 s', shape: 'split', moment: rest },
      { dependencies: ['product', 'order'], fault: 'resets', shape: 'split', moment: load },
      { dependencies: services, fault: 'slow by 2 s', shape: 'split', moment: rest },
      { dependencies: ['worker'], fault: 'out of memory', shape: 'split', moment: load },
      { dependencies: ['redis'], fault: 'refuses for 3 s', shape: 'split', moment: load },
    ],
  },
];

/**
 * `MATRIX=once`: each dependency's every fault once, in the shapes and moments by turns, and Redis in the split shape
 * too. Dependencies that clients tell apart are away together.
 */
const onceTracks: readonly Track[] = [
  { shape: 'one', jobs: 'redis', outages: alternating(together(['redis'], { shape: 'one', moment: 'at rest' })) },
  { shape: 'one', jobs: 'redis', outages: alternating(together(['database'], { shape: 'one', moment: 'under load' })) },
  {
    shape: 'one',
    jobs: 'mongodb',
    outages: alternating(together(['job store', 'provider'], { shape: 'one', moment: 'at rest' })),
  },
  {
    shape: 'split',
    jobs: 'redis',
    outages: [
      ...together(['user', 'payment'], { ...split, only: isTelling }),
      ...together(['product', 'order'], { ...split, only: isTelling }),
      ...together([...services, 'worker'], { ...split, only: (fault) => !isTelling(fault) && !isMinute(fault) }),
      ...together(['worker'], { ...split, only: isTelling }),
    ],
  },
  {
    shape: 'split',
    jobs: 'redis',
    outages: [
      ...together(['redis'], { shape: 'split', moment: 'under load', only: (fault) => fault === 'refuses for 0.2 s' || fault === 'refuses for 3 s' }), // prettier-ignore
      ...together(services, { ...split, only: isMinute }),
    ],
  },
];

/** Each cell of the table by itself, but for the minutes: those are shared by what clients tell apart. */
const groups: readonly {
  readonly jobs: Jobs;
  readonly of: readonly Dependency[];
  readonly minutes: readonly (readonly Dependency[])[];
}[] = [
  { jobs: 'redis', of: ['redis'], minutes: [['redis']] },
  { jobs: 'redis', of: ['database'], minutes: [['database']] },
  { jobs: 'mongodb', of: ['job store', 'provider'], minutes: [['job store', 'provider']] },
  {
    jobs: 'redis',
    of: [...services, 'worker'],
    minutes: [
      ['user', 'payment'],
      ['product', 'order'],
    ],
  },
];

const completeTracks: readonly Track[] = shapes.flatMap((shape) =>
  groups.map(({ jobs, of, minutes }) => ({
    shape,
    jobs,
    outages: moments.flatMap((moment) => [
      ...of.flatMap((dependency) => together([dependency], { shape, moment, only: (fault) => !isMinute(fault) })),
      ...minutes.flatMap((dependencies) => together(dependencies, { shape, moment, only: isMinute })),
    ]),
  })),
).filter(({ outages }) => outages.length > 0); // prettier-ignore

/** The outages of a run, by platform. */
export const tracks = { short: shortTracks, once: onceTracks, all: completeTracks } as const;
export type Run = keyof typeof tracks;

/** The first letters of a track's dependencies, its shape and its moments. */
export const nameOf = ({ dependencies, fault, shape, moment }: Outage): string =>
  `${dependencies.join(' and ')} ${fault}, ${moment}, ${shape === 'one' ? 'in one process' : shape === 'split' ? 'each service a process' : 'two of each'}`;
