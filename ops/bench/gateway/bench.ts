import { isDeepStrictEqual } from 'node:util';
import { freePort } from '../../embedded/servers.ts';
import { cpuMs, machineOnly, median, round as rounded, writeResults } from '../measure.ts';
import { type Clients, openClients } from './clients.ts';
import { type QueryName, queries } from './graph.ts';
import { type Load, load } from './load.ts';
import { peerVersion } from './peers.ts';
import { type Target, residentMiB, startTarget } from './processes.ts';
import { type Stage, openStage } from './stage.ts';
import { variants } from './variants.ts';
import { openPost } from './transport.ts';

const concurrency = 8;
const warmUpSeconds = 2;

type Figures = Load & { readonly cpuMs: number; readonly residentMiB: number };
type Started = Target & { readonly name: string };
type Run = {
  readonly clients: Clients;
  readonly seconds: number;
  /** Variants that could not be measured, with the reason. */
  readonly failed: Map<string, string>;
  /** By query and variant, one for each process start; absent where it failed. */
  readonly figures: Map<string, (Figures | undefined)[]>;
};

/**
 * CPU of a gateway's process per request, ours and others', each in processes of its own, in turns. A variant that
 * doesn't install, start or answer the same is reported with the reason. Writes a table and `gateway.json`.
 *
 * @param args `[process starts = 3] [seconds = 3] [variants]`, seconds for each measurement
 */
export async function benchGateway(args: readonly string[]): Promise<void> {
  const [starts = 3, seconds = 3] = args.slice(0, 2).map(Number);
  const names = args[2]?.split(',') ?? Object.keys(variants).filter((name) => name !== 'closures');
  const unknown = names.filter((name) => !variants[name]);
  if (unknown.length > 0)
    throw new Error(`Unknown variant: ${unknown.join(', ')}. There are ${Object.keys(variants).join(', ')}.`);
  const clients = await openClients();
  const stage = await openStage(clients.jwk);
  const run: Run = { clients, seconds, failed: new Map(), figures: new Map() };
  try {
    for (let round = 0; round < starts; round++) await measureRound(run, stage, { names, round });
    const table = tableOf(run, names);
    console.table(table);
    for (const [name, reason] of run.failed) console.log(`${name} was not measured: ${reason}`);
    const versions: Record<string, string> = {};
    for (const peer of new Set(names.flatMap((name) => (run.failed.has(name) ? [] : (variants[name]?.peers ?? [])))))
      versions[peer] = await peerVersion(await stage.peersDir(), peer);
    const about = { machine: machineOnly(), versions, starts, seconds, concurrency };
    await writeResults('gateway', { ...about, table, failed: Object.fromEntries(run.failed), raw: Object.fromEntries(run.figures) }); // prettier-ignore
  } finally {
    await stage.close();
  }
}

/** One process of each variant; for each query all of them in turn, every other time backwards. */
async function measureRound(
  run: Run,
  stage: Stage,
  { names, round }: { names: readonly string[]; round: number },
): Promise<void> {
  const targets: Started[] = [];
  try {
    for (const name of names) {
      if (run.failed.has(name)) continue;
      const port = await freePort();
      try {
        const program = await variants[name]?.program({ ...stage, port });
        if (program) targets.push({ name, ...(await startTarget(program, port)) });
      } catch (error) {
        run.failed.set(name, (error as Error).message);
      }
    }
    const checked = await checkAnswers(run, targets);
    for (const query of Object.keys(queries) as QueryName[]) {
      for (const target of round % 2 === 0 ? checked : checked.toReversed()) {
        const key = `${query} ${target.name}`;
        const series = run.figures.get(key) ?? [];
        run.figures.set(key, series);
        try {
          series[round] = await measure(run, target, query);
        } catch (error) {
          run.failed.set(target.name, (error as Error).message);
        }
      }
    }
  } finally {
    await Promise.all(targets.map((target) => target.stop()));
  }
}

async function measure({ clients, seconds }: Run, target: Target, query: QueryName): Promise<Figures> {
  const body = JSON.stringify({ query: queries[query] });
  const options = { origin: target.origin, authorizations: await clients.authorizations(concurrency), bodyOf: () => body }; // prettier-ignore
  await load({ ...options, seconds: warmUpSeconds });
  const before = cpuMs(target.pid);
  const done = await load({ ...options, seconds });
  return { ...done, cpuMs: (cpuMs(target.pid) - before) / done.count, residentMiB: residentMiB(target.pid) };
}

/** Those of the targets that give the answers that most of them give, compared as values. */
async function checkAnswers({ failed }: Run, targets: readonly Started[]): Promise<Started[]> {
  let good = [...targets];
  for (const query of Object.values(queries)) {
    const answers: { target: Started; answer: unknown }[] = [];
    for (const target of good) {
      const { post, close } = openPost(target.origin);
      const { data, errors } = JSON.parse(await post(JSON.stringify({ query }))) as { data?: unknown; errors?: unknown }; // prettier-ignore
      await close();
      if (errors) failed.set(target.name, `answers with errors: ${JSON.stringify(errors).slice(0, 300)}`);
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

type Row = Record<string, number | string>;

function tableOf({ figures }: Run, names: readonly string[]): Record<string, Row> {
  const table: Record<string, Row> = {};
  for (const query of Object.keys(queries)) {
    for (const name of names) {
      const series = figures.get(`${query} ${name}`) ?? [];
      const measured = series.filter((one) => one !== undefined);
      if (measured.length === 0) continue;
      const of = (pick: (one: Figures) => number, digits: number): number => rounded(median(measured.map(pick)), digits); // prettier-ignore
      const ratio = (base: string): number | string => {
        const others = figures.get(`${query} ${base}`) ?? [];
        const ratios = series.flatMap((one, round) => (one && others[round] ? [one.cpuMs / others[round].cpuMs] : []));
        return ratios.length > 0 ? rounded(median(ratios), 2) : '';
      };
      table[`${query} ${name}`] = {
        'CPU ms': of((one) => one.cpuMs, 3),
        '÷ gateway': ratio('gateway'),
        '÷ floor': ratio('floor'),
        'per second': of((one) => one.count / one.seconds, 0),
        'p50 ms': of((one) => one.p50Ms, 2),
        'p99 ms': of((one) => one.p99Ms, 2),
        'RSS MiB': of((one) => one.residentMiB, 0),
      };
    }
  }
  return table;
}
