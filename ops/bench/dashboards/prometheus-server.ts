import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../embedded/servers.ts';
import { rulesDir, unpackPrometheus } from '../../prometheus.ts';

const startTimeoutMs = 30_000;
const stopTimeoutMs = 10_000;
/** Of the query of a panel. */
const stepSeconds = 1;

export type Rule = { readonly name: string; readonly health: string; readonly state: string; readonly lastError?: string }; // prettier-ignore
export type Target = { readonly scrapeUrl: string; readonly health: string; readonly lastError: string };

/** A real Prometheus, with the alerts of the platform. */
export type PrometheusServer = {
  /** How many series the query has between these times of the system's clock; throws where Prometheus refuses it. */
  series(query: string, fromMs: number): Promise<number>;
  rules(): Promise<readonly Rule[]>;
  targets(): Promise<readonly Target[]>;
  /** Exemplars of a metric since then. */
  exemplars(metric: string, fromMs: number): Promise<number>;
  stop(): Promise<void>;
};

/** Scrapes these addresses (`host:port`) every second; keeps its data in `directory`. */
export async function startPrometheus(directory: string, addresses: readonly string[]): Promise<PrometheusServer> {
  const { program, env } = await unpackPrometheus();
  const [port, config, log] = [await freePort(), join(directory, 'prometheus.yml'), join(directory, 'prometheus.log')];
  const settings = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [join(rulesDir, 'rules.yml')],
    scrape_configs: [{ job_name: 'order-platform', static_configs: [{ targets: addresses }] }],
  };
  // JSON is YAML.
  await writeFile(config, JSON.stringify(settings));
  const child = spawn(
    program('prometheus'),
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
    ],
    { env, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const api = async <Data>(path: string, parameters: Record<string, string> = {}): Promise<Data> => {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
    const { status, data, error } = (await response.json()) as { status: string; data: Data; error?: string };
    if (status !== 'success') throw new Error(error);
    return data;
  };
  const since = (fromMs: number) => ({ start: String(fromMs / 1_000), end: String(Date.now() / 1_000) });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(stopTimeoutMs).then(() => child.kill('SIGKILL'))]);
    await writeFile(log, said.join(''));
  };
  for (const beganMs = Date.now(); ; await sleep(100)) {
    const isReady = await fetch(`${url}/-/ready`).then(({ ok }) => ok, () => false); // prettier-ignore
    if (isReady) break;
    if (Date.now() - beganMs < startTimeoutMs && child.exitCode === null) continue;
    await stop();
    throw new Error(`Prometheus did not start:\n${(await readFile(log, 'utf8')).slice(-2_000)}`);
  }
  return {
    async series(query, fromMs) {
      const { result } = await api<{ result: { values: [number, string][] }[] }>('query_range', { query, ...since(fromMs), step: String(stepSeconds) }); // prettier-ignore
      // A quotient of nothing by nothing is no value that anybody sees.
      return result.filter(({ values }) => values.some(([, value]) => value !== 'NaN')).length;
    },
    rules: async () => (await api<{ groups: { rules: Rule[] }[] }>('rules')).groups.flatMap(({ rules }) => rules),
    targets: async () => (await api<{ activeTargets: Target[] }>('targets')).activeTargets,
    exemplars: async (metric, fromMs) =>
      (await api<{ exemplars: unknown[] }[]>('query_exemplars', { query: metric, ...since(fromMs) })).reduce((sum, { exemplars }) => sum + exemplars.length, 0), // prettier-ignore
    stop,
  };
}
