import { isDeepStrictEqual } from 'node:util';
import { freePort } from '../../embedded/servers.ts';
import { cpuMs, machineOnly, median, residentMiB, writeResults } from '../measure.ts';
import { type Load, load } from './load.ts';
import { type Target, startTarget } from './processes.ts';
import type { Scene } from './scene.ts';
import { openStorefront } from './storefront.ts';
import { type Figures, type FiguresByCase, caseOf, tableOf } from './table.ts';
import { openPost } from './transport.ts';
import { openFederationBench, variants } from './variants.ts';

const concurrency = 8;
/** CPU that a process gets to compile its hot code, counted and not timed: neighbours may leave it little. */
const warmUpCpuMs = 4_000;
const warmUpTurnSeconds = 1;
const warmUpTurns = 15;
/** While others have their turn, V8 collects garbage and forgets compiled code for it: a rest that no gateway has under load. */
const resumeSeconds = 0.5;
/** A measurement's parts, so that a moment in which the machine is busy hits all variants. */
const slicesOfRound = 4;
/** For checking ourselves and the generated code; asked for by name. */
const notByDefault: ReadonlySet<string> = new Set(['closures', 'apollo-executor']);
const shownCharacters = 300;

type Started = Target & { readonly name: string };
type Run = {
  readonly scene: Scene;
  readonly names: readonly string[];
  readonly seconds: number;
  /** Variants that could not be measured, with the reason. */
  readonly failed: Map<string, string>;
  readonly figures: FiguresByCase;
};

const scenes = { 'federation benchmark': openFederationBench, storefront: openStorefront } as const;

/**
 * CPU of a gateway's process per request, ours and others', each in processes of its own, in turns; first with the
 * federation benchmark, then with operations of the storefront. A variant that doesn't install, start or answer the same
 * is reported with the reason. Writes tables and `gateway.json`.
 *
 * @param args `[process starts = 3] [seconds = 3] [variants] [part]`, seconds for each measurement; all variants with
 *   both parts when left out
 */
export async function benchGateway(args: readonly string[]): Promise<void> {
  const [starts = 3, seconds = 3] = args.slice(0, 2).map(Number);
  const asked = (args[2] || undefined)?.split(',') ?? Object.keys(variants).filter((name) => !notByDefault.has(name));
  const unknown = asked.filter((name) => !variants[name]);
  if (unknown.length > 0)
    throw new Error(`Unknown variant: ${unknown.join(', ')}. There are ${Object.keys(variants).join(', ')}.`);
  const results: Record<string, unknown> = {};
  for (const [title, open] of Object.entries(scenes)) {
    if (args[3] !== undefined && title !== args[3]) continue;
    const scene = await open();
    try {
      const names = asked.filter((name) => scene.variants.includes(name));
      const run: Run = { scene, names, seconds, failed: new Map(), figures: new Map() };
      for (let round = 0; round < starts; round++) await measureRound(run, round);
      const table = tableOf(run.figures, { requests: Object.keys(scene.requests), variants: names });
      console.log(title);
      console.table(table);
      for (const [name, reason] of run.failed) console.log(`${name} was not measured: ${reason}`);
      const versions = await scene.versions(names.filter((name) => !run.failed.has(name)));
      results[title] = { table, versions, failed: Object.fromEntries(run.failed), raw: Object.fromEntries(run.figures) }; // prettier-ignore
    } finally {
      await scene.close();
    }
    await writeResults('gateway', { machine: machineOnly(), starts, seconds, concurrency, ...results });
  }
}

/** One process of each variant; for each request all of them in turns of a part of a measurement, there and back. */
async function measureRound(run: Run, round: number): Promise<void> {
  const { scene, failed, figures } = run;
  const targets: Started[] = [];
  try {
    for (const name of run.names) {
      if (failed.has(name)) continue;
      const port = await freePort();
      try {
        targets.push({ name, ...(await startTarget(await scene.program(name, port), port)) });
      } catch (error) {
        failed.set(name, (error as Error).message);
      }
    }
    const checked = await checkAnswers(run, targets);
    const attempt = async (target: Started, work: () => Promise<unknown>): Promise<void> => {
      if (failed.has(target.name)) return;
      try {
        await work();
      } catch (error) {
        failed.set(target.name, (error as Error).message);
      }
    };
    for (const request of Object.keys(scene.requests)) {
      const order = round % 2 === 0 ? checked : checked.toReversed();
      const slices = new Map<string, Slice[]>(order.map(({ name }) => [name, []]));
      for (const target of order) await attempt(target, () => warmUp(run, target, request));
      for (let slice = 0; slice < slicesOfRound; slice++)
        for (const target of slice % 2 === 0 ? order : order.toReversed())
          await attempt(target, async () => slices.get(target.name)?.push(await measure(run, target, request)));
      for (const target of order) {
        const done = slices.get(target.name) ?? [];
        const key = caseOf(request, target.name);
        const series = figures.get(key) ?? [];
        figures.set(key, series);
        if (done.length === slicesOfRound) series[round] = figuresOf(done, residentMiB(target.pid));
      }
    }
  } finally {
    await Promise.all(targets.map((target) => target.stop()));
  }
}

async function loadOf({ scene }: Run, target: Target, request: string) {
  const authorizations = await scene.authorizations(concurrency);
  return { origin: target.origin, authorizations, bodyOf: () => scene.requests[request] ?? '' };
}

async function warmUp(run: Run, target: Target, request: string): Promise<void> {
  const options = await loadOf(run, target, request);
  const startCpuMs = cpuMs(target.pid);
  for (let turn = 0; turn < warmUpTurns && cpuMs(target.pid) - startCpuMs < warmUpCpuMs; turn++)
    await load({ ...options, seconds: warmUpTurnSeconds });
}

/** `cpuMs` is of all its requests together. */
type Slice = Load & { readonly cpuMs: number };

async function measure(run: Run, target: Target, request: string): Promise<Slice> {
  const options = await loadOf(run, target, request);
  await load({ ...options, seconds: resumeSeconds });
  const before = cpuMs(target.pid);
  const done = await load({ ...options, seconds: run.seconds / slicesOfRound });
  return { ...done, cpuMs: cpuMs(target.pid) - before };
}

function figuresOf(slices: readonly Slice[], resident: number): Figures {
  const sum = (of: (slice: Slice) => number): number => slices.reduce((total, slice) => total + of(slice), 0);
  const count = sum((slice) => slice.count);
  return {
    count,
    seconds: sum((slice) => slice.seconds),
    p50Ms: median(slices.map((slice) => slice.p50Ms)),
    p99Ms: median(slices.map((slice) => slice.p99Ms)),
    cpuMs: sum((slice) => slice.cpuMs) / count,
    residentMiB: resident,
  };
}

/** Those of the targets that give the answers that most of them give, compared as values. */
async function checkAnswers({ scene, failed }: Run, targets: readonly Started[]): Promise<Started[]> {
  const [authorization = ''] = await scene.authorizations(concurrency);
  let good = [...targets];
  for (const body of Object.values(scene.requests)) {
    const answers: { target: Started; answer: unknown }[] = [];
    for (const target of good) {
      const { data, errors } = JSON.parse(await ask(target.origin, body, authorization)) as { data?: unknown; errors?: unknown }; // prettier-ignore
      if (errors) failed.set(target.name, `answers with errors: ${JSON.stringify(errors).slice(0, shownCharacters)}`);
      else answers.push({ target, answer: data });
    }
    const like = (one: unknown): number => answers.filter(({ answer }) => isDeepStrictEqual(answer, one)).length;
    const [usual] = answers.toSorted((a, b) => like(b.answer) - like(a.answer));
    for (const { target, answer } of answers)
      if (!isDeepStrictEqual(answer, usual?.answer)) failed.set(target.name, 'answers differently');
    good = good.filter(({ name }) => !failed.has(name));
  }
  return good;
}

async function ask(origin: string, body: string, authorization: string): Promise<string> {
  const { post, close } = openPost(origin);
  try {
    return await post(body, { authorization });
  } finally {
    await close();
  }
}
