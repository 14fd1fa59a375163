import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchPlatform, startBenchPlatform } from './bench-platform.ts';
import type { Order, Outcomes } from './exhaustion/attacker.ts';
import type { ExhaustionCase, Scene } from './exhaustion/case.ts';
import { exhaustionCases } from './exhaustion/cases.ts';
import { type Run, machineOnly, percentiles, round, writeResults } from './measure.ts';

const warmUpSeconds = 4;
const rampUpSeconds = 1;
const honestClients = 4;
/** Between two requests of one client: it is served by a platform that has time to spare. */
const thinkMs = 50;
const memoryEveryMs = 250;

const pageDocument =
  '{ products(first: 12) { edges { node { id sku name subtitle cover price { amount currency } stock { available } } } pageInfo { hasNextPage endCursor } } }';
const readShop = async (platform: BenchPlatform): Promise<void> => {
  await platform.gql(pageDocument, {});
};

/**
 * `npm run bench -- exhaustion [case = all] [seconds = 10]`: what honest clients see beside an attack, compared with
 * what they see before and after it, and the memory that the platform takes.
 */
export async function benchExhaustion(args: readonly string[]): Promise<void> {
  const [name = 'all', secondsText = '10'] = args;
  const chosen = name === 'all' ? exhaustionCases : exhaustionCases.filter((one) => one.name === name);
  if (chosen.length === 0) throw new Error(`which case? all | ${exhaustionCases.map((one) => one.name).join(' | ')}`);
  const results: Record<string, object> = {};
  for (const one of chosen) results[one.name] = await measureCase(one, Number(secondsText));
  console.table(results);
  await writeResults('exhaustion', { machine: machineOnly(), results });
}

type Seen = Run & { readonly failed: number };

async function measureCase(one: ExhaustionCase, seconds: number): Promise<object> {
  console.log(`${one.name}: ${one.what}`);
  const platform = await startBenchPlatform({ ...(one.args && { args: one.args }), ...(one.env && { env: one.env }) });
  try {
    const scene: Scene = { url: platform.url, ...(await one.prepare?.(platform)) };
    const honest = one.honest ?? readShop;
    const see = (forSeconds: number) => asHonestClients(forSeconds, () => honest(platform, scene));
    await see(warmUpSeconds);
    const pid = platform.pids['platform'] as number;
    const before = await see(seconds);
    const restingMiB = residentMiB(pid);
    const memory = watchMemory(pid);
    const attacker = await startAttacker(one.name, scene);
    await sleep(rampUpSeconds * 1_000);
    const attacked = await see(seconds);
    const outcomes = await attacker.end();
    const after = await see(seconds);
    return row({ before, attacked, after, outcomes, restingMiB, mostMiB: memory.end() });
  } finally {
    await platform.stop();
  }
}

/** A handful of clients that ask, wait for the answer, think, and ask again. */
async function asHonestClients(seconds: number, ask: () => Promise<void>): Promise<Seen> {
  const latenciesMs: number[] = [];
  let failed = 0;
  const startedAt = performance.now();
  const client = async (): Promise<void> => {
    await sleep(Math.random() * thinkMs);
    while (performance.now() - startedAt < seconds * 1_000) {
      const askedAt = performance.now();
      await ask().catch(() => (failed += 1));
      latenciesMs.push(performance.now() - askedAt);
      await sleep(thinkMs);
    }
  };
  await Promise.all(Array.from({ length: honestClients }, client));
  return { done: latenciesMs.length, seconds: (performance.now() - startedAt) / 1_000, latenciesMs, failed };
}

/** Resolves when the first of the attack was answered. From another process, so that the load doesn't take the time of those who measure. */
async function startAttacker(name: string, scene: Scene): Promise<{ end(): Promise<Outcomes> }> {
  const child: ChildProcess = fork(resolve(import.meta.dirname, 'exhaustion', 'attacker.ts'), [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const tell = (order: Order): boolean => child.send(order);
  tell({ begin: { name, scene } });
  // On a busy machine it takes seconds to start.
  await once(child, 'message');
  return {
    async end() {
      tell({ end: true });
      const [outcomes] = (await once(child, 'message')) as [Outcomes];
      return outcomes;
    },
  };
}

function row(seen: {
  before: Seen;
  attacked: Seen;
  after: Seen;
  outcomes: Outcomes;
  restingMiB: number;
  mostMiB: number;
}): object {
  const quiet = percentiles(seen.before, seen.after);
  const attacked = percentiles(seen.attacked);
  return {
    'quiet p50': quiet.p50,
    'quiet p99': quiet.p99,
    'attacked p50': attacked.p50,
    'attacked p99': attacked.p99,
    'p99 ratio': round(attacked.p99 / quiet.p99, 2),
    'honest failed': seen.attacked.failed,
    'resting MiB': Math.round(seen.restingMiB),
    'most MiB': Math.round(seen.mostMiB),
    attack: Object.entries(seen.outcomes).map(([outcome, count]) => `${outcome}: ${count}`).join(', '),
  }; // prettier-ignore
}

/** The highest that the platform's memory was, until it is asked. */
function watchMemory(pid: number): { end(): number } {
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, residentMiB(pid))), memoryEveryMs);
  return {
    end() {
      clearInterval(timer);
      return most;
    },
  };
}

/** Of a process and those that it started. */
function residentMiB(pid: number): number {
  let sum = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      if (Number(name) !== pid && !status.includes(`\nPPid:\t${pid}\n`)) continue;
      sum += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
    } catch {
      continue; // it has ended meanwhile
    }
  }
  return sum;
}
