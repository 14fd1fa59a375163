import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectCleanAudit } from '../../support/expect-clean-audit.ts';
import { type Report, type World, expectAllKept, openWorld, runOutage } from './outage.ts';
import { unexpected } from './not-yet.ts';
import { type Run, nameOf, tracks } from './plan.ts';
import { expectedFrom } from './rows.ts';
import { mongoAbsence } from './server.ts';
import { openStage } from './stage.ts';
import type { Outage } from './table.ts';
import { type Yardstick, openYardstick } from './yardstick.ts';

const maxAtOnce = 5;
/**
 * `npm test` meets each dependency and each fault once; `MATRIX=once npm test -- test/faults/matrix` goes through each
 * dependency's every fault once, `MATRIX=all` through every shape and moment.
 */
const mode = process.env['MATRIX'] || 'short';
if (!(mode in tracks)) throw new Error(`MATRIX: ${mode} is none of ${Object.keys(tracks).join(', ')}`);
/** `MATRIX_ONLY='redis hangs'`: of those the outages with this text in their names. */
const only = process.env['MATRIX_ONLY'] ?? '';
/** The longest first: the others fill the time that is left. */
const chosen = tracks[mode as Run]
  .map((track) => ({ ...track, outages: track.outages.filter((outage) => nameOf(outage).includes(only)) }))
  .filter(({ outages }) => outages.length > 0)
  .toSorted((one, other) => other.outages.length - one.outages.length);
const whyNoMongo = await mongoAbsence();
/** Platforms at once: most of an outage is waiting. */
const atOnce = Math.min(maxAtOnce, chosen.filter(({ jobs }) => jobs !== 'mongodb' || whyNoMongo === undefined).length);
const timeoutMs = mode === 'all' ? 7_200_000 : 600_000;

/** What a test waits for, wherever it comes from. */
type Awaited<T> = { readonly value: Promise<T>; resolve(value: T): void; reject(error: Error): void };
function awaited<T>(): Awaited<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  promise.catch(() => undefined); // told by the test that waits for it, which may come later
  return { value: promise, resolve, reject };
}

/** The starts of the first platforms would be part of what the others measure. */
const firstStarts = Promise.withResolvers<void>();
let starting = atOnce;
function hasStarted(): void {
  starting -= 1;
  if (starting === 0) firstStarts.resolve();
}

const plan = chosen.map((track) => ({
  ...track,
  outages: track.outages.map((outage) => ({ outage, report: awaited<Report>() })),
  end: awaited<void>(),
}));
type Planned = (typeof plan)[number];

/** Takes a platform through its outages. */
async function run({ shape, jobs, outages, end }: Planned): Promise<void> {
  let world: World | undefined;
  try {
    const stage = await openStage({ shape, jobs }).finally(hasStarted);
    try {
      await firstStarts.promise;
      world = await openWorld(stage, yardstick);
      for (const { outage, report } of outages) {
        await runOutage(world, outage, expectedFrom(outage)).then(report.resolve, report.reject);
        await report.value.then((seen) => note(outage, seen), () => undefined); // prettier-ignore
      }
      await expectAllKept(world);
      await expectCleanAudit(stage);
      end.resolve();
    } finally {
      await stage.stop();
    }
  } catch (error) {
    for (const { report } of outages) report.reject(error as Error);
    end.reject(error as Error);
  }
}

/** Where MATRIX_REPORT names a file, what each outage has shown is added to it, a line of JSON each. */
function note(outage: Outage, report: Report): void {
  const path = process.env['MATRIX_REPORT'];
  if (path) appendFileSync(path, `${JSON.stringify({ outage: nameOf(outage), ...report })}\n`);
}

let running: Promise<unknown>;
let yardstick: Yardstick;
beforeAll(() => {
  yardstick = openYardstick();
  const waiting = plan.filter(({ jobs }) => jobs !== 'mongodb' || whyNoMongo === undefined);
  const next = async (): Promise<void> => {
    for (let track = waiting.shift(); track; track = waiting.shift()) await run(track);
  };
  running = Promise.all(Array.from({ length: atOnce }, next));
});
afterAll(async () => {
  await running;
  await yardstick.close();
}, timeoutMs);

describe.each(plan)('with jobs in $jobs, shape $shape', ({ outages, end, shape, jobs }) => {
  if (jobs === 'mongodb' && whyNoMongo !== undefined) {
    // Where there is no such server, the summary says so and why.
    // oxlint-disable-next-line jest/no-disabled-tests
    test.skip(`skipped: ${whyNoMongo}`, () => undefined);
    return;
  }
  test.each(outages.map((planned) => [nameOf(planned.outage), planned] as const))(
    '%s',
    async (_, { outage, report }) => {
      expect(unexpected(outage, (await report.value).violations)).toEqual([]);
    },
    timeoutMs,
  );
  test(`and at the end every order that a buyer was told of is there, and the audit is clean (${shape})`, () => end.value, timeoutMs); // prettier-ignore
});
