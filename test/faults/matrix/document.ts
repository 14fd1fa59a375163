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

This page is made from the table in \`test/faults/matrix/\` whose cells are tests: each row is a fault of something the platform depends on, what clients get meanwhile, and where that is tested.
Do not edit it. \`npm test -- test/faults/matrix\` fails when it differs from the table; \`WRITE_RESILIENCE=true npm test -- test/faults/matrix/document\` writes it anew.

## What each test asserts beside the row

${promises.map((promise) => `- ${promise}`).join('\n')}

## Words

| Word | Meaning |
| --- | --- |
| works | Each answer is right, within 3 s (11 s where the fault is slowness). |
| refused | Once the fault has begun, each answer is \`SERVICE_UNAVAILABLE\` in the form above; what was on its way may still succeed. |
| either | Each answer is one of the two. |
| partial | \`data\` with null and \`SERVICE_UNAVAILABLE\` at what the dependency would have brought, or one of the above. |
| stays, may end | Of a subscription that was open before: it stays open, or it may end with \`SERVICE_UNAVAILABLE\` and is taken up from its last \`seq\`. |
| ready, says so, may say so | \`/health/ready\` answers 200; 503 with the dependency's name; one of the two. |
| at rest, under load | Only the test's own clients ask, two and a half times a second each; or three buyers place and pay beside them, one order after the other. |
| one process, split, two of each | \`npm start\`; \`npm start -- --split\`; two of every process behind TCP balancers. Where a service's fault is that of a process, it is one of the two, and what is refused elsewhere may work. |

Browsing is asked by HTTP, WebSocket and SSE; subscriptions are open by WebSocket and SSE.

## Where it runs

\`npm test\` meets each dependency and each fault once, \`MATRIX=once npm test -- test/faults/matrix\` each dependency's every fault, \`MATRIX=all\` every fault in every shape and moment; with \`MATRIX_ONLY='redis hangs'\` those with this text in their names.
A row is what its test asks. "Seen to pass" says in which shapes and moments it was seen so on ${seenOn}, on two processors beside other work; with an asterisk all but the catalogue's change, which that run did not ask for. The other combinations have their test in \`MATRIX=all\`, which was not seen whole.
Absences that clients tell apart are made at the same time where that saves minutes:

With \`npm test\`:

${shared('short')}

With \`MATRIX=once\`:

${shared('once')}

With \`MATRIX=all\`:

${shared('all')}

## What does not hold yet

${missing}
${dependencies.map((dependency) => `\n## ${titles[dependency]}\n\n${tableOf(dependency)}\n`).join('')}`;
