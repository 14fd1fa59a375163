import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type QueryName, queries } from './gateway-graph.ts';
import { openPost } from './gateway-transport.ts';

const concurrency = 8;
const warmUpSeconds = 1.5;
/** Linux accounts CPU in hundredths of a second (USER_HZ). */
const millisecondsPerTick = 10;

type Figures = { readonly cpuMs: number; readonly perSecond: number; readonly p50Ms: number; readonly p99Ms: number };
type Started = { readonly process: ChildProcess; readonly line: string };

async function start(file: string, ...args: string[]): Promise<Started> {
  const path = new URL(file, import.meta.url).pathname;
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  return { process: child, line };
}

function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * millisecondsPerTick;
}

async function load(target: Started, query: QueryName, seconds: number): Promise<{ count: number; times: number[] }> {
  const { post, close } = openPost(`http://127.0.0.1:${target.line}`);
  const body = JSON.stringify({ query: queries[query] });
  const until = performance.now() + seconds * 1_000;
  const times: number[] = [];
  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      const begun = performance.now();
      await post(body);
      times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, client));
  await close();
  return { count: times.length, times };
}

async function measure(target: Started, query: QueryName, seconds: number): Promise<Figures> {
  await load(target, query, warmUpSeconds);
  const pid = target.process.pid ?? 0;
  const before = cpuOf(pid);
  const { count, times } = await load(target, query, seconds);
  const cpuMs = (cpuOf(pid) - before) / count;
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return { cpuMs, perSecond: count / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Every variant gives the same answer, or nothing is measured. */
async function check(targets: readonly Started[]): Promise<number> {
  let sizeBytes = 0;
  for (const query of Object.values(queries)) {
    const answers = new Set<string>();
    for (const target of targets) {
      const { post, close } = openPost(`http://127.0.0.1:${target.line}`);
      const { data, errors } = JSON.parse(await post(JSON.stringify({ query }))) as { data: unknown; errors?: unknown };
      if (errors) throw new Error(JSON.stringify(errors));
      answers.add(JSON.stringify(data));
      await close();
    }
    if (answers.size !== 1) throw new Error('the variants answer differently');
    sizeBytes = Math.max(sizeBytes, ...[...answers].map((text) => text.length));
  }
  return sizeBytes;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/**
 * CPU of a gateway process per request: ours, stock and the floor, each in processes of its own, interleaved.
 * Arguments: `[rounds=3] [seconds=2] [variants=ours,stock,floor]`.
 */
export async function benchGateway(args: readonly string[]): Promise<void> {
  const [rounds = 3, seconds = 2] = args.slice(0, 2).map(Number);
  const variants = (args[2] ?? 'ours,stock,floor').split(',');
  const subgraphs = await start('gateway-subgraphs.ts');
  const results = new Map<string, Figures[]>();
  try {
    for (let round = 0; round < rounds; round++) {
      const targets: Started[] = [];
      for (const variant of variants) targets.push(await start('gateway-target.ts', variant, subgraphs.line));
      const sizeBytes = await check(targets);
      if (round === 0) console.log(`big answer ${sizeBytes} bytes; node ${process.version}; ${rounds} process starts`);
      for (const query of Object.keys(queries) as QueryName[]) {
        for (const [index, target] of targets.entries()) {
          const figures = await measure(target, query, seconds);
          const key = `${query} ${variants[index]}`;
          results.set(key, [...(results.get(key) ?? []), figures]);
        }
      }
      for (const target of targets) target.process.kill();
    }
  } finally {
    subgraphs.process.kill();
  }
  const table: Record<string, Record<string, number>> = {};
  for (const [key, figures] of results) {
    const [query = '', variant = ''] = key.split(' ');
    const base = results.get(`${query} ${variants[0]}`) ?? [];
    const ratios = figures.map(({ cpuMs }, round) => cpuMs / (base[round]?.cpuMs ?? Number.NaN));
    const of = (pick: (one: Figures) => number): number => Number(median(figures.map(pick)).toFixed(3));
    table[`${query} ${variant}`] = {
      'CPU ms': of((one) => one.cpuMs),
      [`× ${variants[0]}, paired`]: Number(median(ratios).toFixed(2)),
      'per second': Math.round(of((one) => one.perSecond)),
      'p50 ms': of((one) => one.p50Ms),
      'p99 ms': of((one) => one.p99Ms),
    };
  }
  console.table(table);
}
