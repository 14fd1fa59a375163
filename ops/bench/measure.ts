import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import type { Connection } from 'mysql2/promise';

/** What one run of a workload did. */
export type Run = { readonly done: number; readonly seconds: number; readonly latenciesMs: readonly number[] };

/** Repeats `once` on `concurrency` lines for `seconds`; an error ends the run. */
export async function repeat(
  options: { concurrency: number; seconds: number },
  once: (line: number) => Promise<void>,
): Promise<Run> {
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const endAt = startedAt + options.seconds * 1000;
  const line = async (_: unknown, index: number): Promise<void> => {
    while (performance.now() < endAt) {
      const before = performance.now();
      await once(index);
      latenciesMs.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, line));
  return { done: latenciesMs.length, seconds: (performance.now() - startedAt) / 1000, latenciesMs };
}

export const perSecond = (...runs: Run[]): number =>
  runs.reduce((sum, { done }) => sum + done, 0) / runs.reduce((sum, { seconds }) => sum + seconds, 0);

export function percentiles(...runs: Run[]): { p50: number; p95: number; p99: number } {
  const sorted = runs.flatMap(({ latenciesMs }) => [...latenciesMs]).toSorted((a, b) => a - b);
  const at = (share: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

export const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

const clockTicksPerSecond = 100;

/** CPU time of a process since its start, user and system, in ms, by the system's own accounting. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / clockTicksPerSecond;
}

/** What a process holds in memory, in MiB. */
export const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024;

const counted = [
  'select',
  'insert',
  'insert_select',
  'update',
  'update_multi',
  'delete',
  'delete_multi',
  'replace',
  'replace_select',
];

/** What a server has done since it started. */
export type Work = {
  /** Statements, transaction control and session settings not counted. */
  readonly statements: number;
  /** Transactions that wrote. */
  readonly commits: number;
};

const commitCounter = 'trx_rw_commits';

/** Has the server count what it does not count by itself; before the first `workOf`. */
export const countWork = (connection: Connection): Promise<unknown> =>
  connection.query(`set global innodb_monitor_enable = '${commitCounter}'`);

export async function workOf(connection: Connection): Promise<Work> {
  const names = counted.map((name) => `Com_${name}`);
  const [rows] = await connection.query('show global status where Variable_name in (?)', [names]);
  const [[metric]] = (await connection.query(
    'select count as count from information_schema.innodb_metrics where name = ?',
    [commitCounter],
  )) as unknown as [[{ count: number | string }]];
  return {
    statements: (rows as { Value: string }[]).reduce((sum, { Value }) => sum + Number(Value), 0),
    commits: Number(metric.count),
  };
}

/** The middle one of several values, the upper one of two; NaN when there is none. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Where the platform keeps its things on this machine. */
export const dataDir = (): string => resolve(import.meta.dirname, '..', '..', process.env['DATA_DIR'] || '.data');

/** Writes `<data directory>/bench/<scenario>.json`, and says so. */
export async function writeResults(scenario: string, results: object): Promise<void> {
  const dir = join(dataDir(), 'bench');
  await mkdir(dir, { recursive: true });
  const path = join(dir, `${scenario}.json`);
  await writeFile(path, `${JSON.stringify({ at: new Date().toISOString(), ...results }, null, 2)}\n`);
  console.log(`results in ${path}`);
}

/** What the figures were measured on. */
export const machineOnly = (): Record<string, string | number> => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.versions.node,
});

export async function machine(connection: Connection): Promise<Record<string, string | number>> {
  const [[row]] = (await connection.query(
    'select version() version, @@innodb_flush_log_at_trx_commit flush_log, @@innodb_doublewrite doublewrite',
  )) as unknown as [[Record<string, unknown>]];
  return {
    ...machineOnly(),
    database: String(row['version']),
    durability: `innodb_flush_log_at_trx_commit=${String(row['flush_log'])}, doublewrite=${String(row['doublewrite'])}`,
  };
}
