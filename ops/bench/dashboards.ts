import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { torture } from '../torture/torture.ts';
import { panelQueries } from './dashboards/panels.ts';
import { type PrometheusServer, startPrometheus } from './dashboards/prometheus-server.ts';
import { dataDir, machineOnly, writeResults } from './measure.ts';
import { startOtlpReceiver } from './otlp-receiver.ts';

const seed = 706;
const faultEveryMs = 4_000;
/** Has buckets whose observations carry traces as exemplars. */
const withExemplars = 'graphql_operation_duration_seconds_bucket';

/**
 * `npm run bench -- dashboards [seconds = 150]`: a torture run (two of every process, buyers, faults) that a real Prometheus
 * scrapes each second and whose traces (one in ten) go to a receiver. Asks every query of every panel, and every alert.
 * Fails when a query is refused or has no data, a rule can't be evaluated, a process was never scraped, or a service sent no span.
 */
export async function benchDashboards([seconds = '150']: readonly string[]): Promise<void> {
  const directory = join(dataDir(), 'bench-prometheus');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const receiver = await startOtlpReceiver();
  let prometheus: PrometheusServer | undefined;
  const scraped = new Map<string, string>();
  try {
    const beganMs = Date.now();
    const report = await torture({
      seed,
      durationMs: Number(seconds) * 1_000,
      faultEveryMs,
      ordersPerSecond: 5,
      buyers: 20,
      paymentWindowSeconds: 15,
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.1',
      },
      print: () => undefined,
      async onReady({ processes }) {
        for (const { name, metricsPort } of processes) scraped.set(`127.0.0.1:${metricsPort}`, name);
        prometheus = await startPrometheus(directory, [...scraped.keys()]);
      },
    });
    if (prometheus === undefined) throw new Error('the fleet was never ready');
    const problems = [...report.violations];
    const panels: Record<string, unknown>[] = [];
    for (const { dashboard, panel, query } of await panelQueries()) {
      const found = await prometheus.series(query, beganMs).catch((error: Error) => error.message);
      panels.push({ dashboard, panel, found });
      if (typeof found === 'string' || found === 0) problems.push(`${dashboard}: ${panel}: ${found}`);
    }
    console.table(panels);
    const rules = await prometheus.rules();
    console.table(rules.map(({ name, health, state }) => ({ name, health, state })));
    for (const { name, health, lastError } of rules)
      if (health !== 'ok') problems.push(`${name}: ${lastError ?? health}`);
    for (const [address, name] of scraped)
      if ((await prometheus.series(`up{instance="${address}"} == 1`, beganMs)) === 0) problems.push(`${name} was never scraped`); // prettier-ignore
    const spans: Record<string, number> = {};
    for (const { service } of receiver.spans()) spans[service] = (spans[service] ?? 0) + 1;
    console.table(spans);
    const exemplars = await prometheus.exemplars(withExemplars, beganMs);
    if (exemplars === 0) problems.push(`${withExemplars} has no exemplars`);
    const figures = { orders: report.counts.orders, paid: report.counts.paid, faults: report.faults.length, panels: panels.length, rules: rules.length, processes: scraped.size, exemplars }; // prettier-ignore
    console.table(figures);
    for (const problem of problems) console.error(problem);
    await writeResults('dashboards', { machine: machineOnly(), ...figures, spans, rows: panels, problems });
    if (problems.length > 0) process.exitCode = 1;
  } finally {
    await prometheus?.stop();
    await receiver.close();
  }
}
