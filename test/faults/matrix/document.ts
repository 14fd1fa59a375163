import { promises, rows } from './rows.ts';
import { seenOf, seenOn } from './seen.ts';
import { notYet } from './not-yet.ts';
import { type Run, nameOf, tracks } from './plan.ts';
import {
  type Dependency,
  type Fault,
  type Outage,
  type Row,
  type Shape,
  dependencies,
  moments,
  probes,
} from './table.ts';

const titles: Readonly<Record<Dependency, string>> = {
  redis: 'Redis',
  database: 'MySQL or MariaDB',
  'job store': 'The job store in MongoDB (FerretDB stands for it)',
  user: 'The user service',
  product: 'The product service',
  order: 'The order service',
  payment: 'The payment service',
  worker: 'The worker',
  provider: 'The payment provider (simulated)',
};
const shapeTitles: Readonly<Record<Shape, string>> = { one: 'one process', split: 'split', two: 'two of each' };

/** Where the runs meet a cell. */
function whereOf(dependency: Dependency, fault: Fault): string {
  const found = (run: Run): Outage[] =>
    tracks[run].flatMap(({ outages }) => outages.filter((outage) => outage.fault === fault && outage.dependencies.includes(dependency))); // prettier-ignore
  const places = (run: Run): string => found(run).map(({ shape, moment }) => `${shapeTitles[shape]}, ${moment}`).join('; '); // prettier-ignore
  const shapes = [...new Set(found('all').map(({ shape }) => shapeTitles[shape]))];
  const short = places('short');
  return [...(short ? [`**npm test**: ${short}`] : []), `once: ${places('once')}`, `all: ${shapes.join(', ')}; ${moments.join(', ')}`].join(' · '); // prettier-ignore
}

const cells = (row: Row): string[] => {
  if ('meaningless' in row) return [row.fault, `– ${row.meaningless}`, ...probes.map(() => '–'), '–', '–', '–', '–'];
  const { dependency, fault, how, expected } = row;
  const seenIn = seenOf(dependency, fault).map((place) => place.replace(/^\w+/, (shape) => shapeTitles[shape as Shape])).join('; ') || 'not yet'; // prettier-ignore
  return [fault, how, ...probes.map((probe) => expected[probe]), expected.live, expected.readiness, whereOf(dependency, fault), seenIn]; // prettier-ignore
};

const line = (texts: readonly string[]): string =>
  `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;

function tableOf(dependency: Dependency): string {
  const head = ['Fault', 'How the test makes it', ...probes.map((probe) => probe[0]?.toUpperCase() + probe.slice(1)), 'Live', 'Readiness', 'Where it runs', 'Seen to pass']; // prettier-ignore
  return [line(head), line(head.map(() => '---')), ...rows.filter((row) => row.dependency === dependency).map((row) => line(cells(row)))].join('\n'); // prettier-ignore
}

/** Outages of several dependencies at once. */
const shared = (run: Run): string =>
  [...new Set(tracks[run].flatMap(({ outages }) => outages).filter((outage) => outage.dependencies.length > 1).map(nameOf))].map((name) => `- ${name}`).join('\n'); // prettier-ignore

const missing =
  notYet.map(({ dependencies: of, faults, what }) => `- ${of.join(', ')}, ${faults.join(', ')}: ${what}`).join('\n') ||
  'Nothing that is known.';

/** `docs/resilience.md`, before prettier. */
export const resilienceDocument = (): string => `# What happens when something is away

This page is generated from the table in \`test/faults/matrix/\` whose cells are tests. Each row is a fault of a dependency, what clients get meanwhile, and where that is tested.
Do not edit it. \`npm test -- test/faults/matrix\` fails when it differs from the table; \`WRITE_RESILIENCE=true npm test -- test/faults/matrix/document\` writes it anew.

## What each test asserts beside the row

${promises.map((promise) => `- ${promise}`).join('\n')}

## Words

| Word | Meaning |
| --- | --- |
| works | Each answer is correct and comes within 3 s (11 s if the fault is slowness). |
| refused | Once the fault has begun, each answer is \`SERVICE_UNAVAILABLE\` in the form above; requests already on their way may still succeed. |
| either | Each answer is one of the two. |
| partial | \`data\` with null and \`SERVICE_UNAVAILABLE\` at the fields of the dependency, or one of the above. |
| stays, may end | A subscription that was open before stays open, or may end with \`SERVICE_UNAVAILABLE\` and is resumed from its last \`seq\`. |
| ready, says so, may say so | \`/health/ready\` answers 200; 503 with the dependency's name; one of the two. |
| at rest, under load | Only the test's own clients send requests, 2.5 per second each; or three buyers also place and pay, one order after another. |
| one process, split, two of each | \`npm start\`; \`npm start -- --split\`; two of every process behind TCP balancers. With two of each, a fault of a service hits one of the two, and requests that are refused elsewhere may work. |

Browsing is tested over HTTP, WebSocket and SSE, subscriptions over WebSocket and SSE.

## Where it runs

\`npm test\` runs each dependency and each fault once, \`MATRIX=once npm test -- test/faults/matrix\` each dependency's every fault, \`MATRIX=all\` every fault in every shape and moment; with \`MATRIX_ONLY='redis hangs'\` those with this text in their names.
A row is what its test asks. "Seen to pass" says in which shapes and moments it was seen so on ${seenOn}, on two processors beside other work; with an asterisk all but the catalogue's change, which that run did not ask for. The other combinations have their test in \`MATRIX=all\`, which was not seen whole.
To save minutes, faults that clients can tell apart are made at the same time:

With \`npm test\`:

${shared('short')}

With \`MATRIX=once\`:

${shared('once')}

With \`MATRIX=all\`:

${shared('all')}

## What does not hold yet

${missing}
${dependencies.map((dependency) => `\n## ${titles[dependency]}\n\n${tableOf(dependency)}\n`).join('')}`;
