import { readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const folder = resolve(import.meta.dirname, '..', '..', 'docker', 'grafana', 'dashboards');

/** A query of a panel, as Grafana would send it. */
export type PanelQuery = { readonly dashboard: string; readonly panel: string; readonly query: string };

type Dashboard = { readonly title: string; readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[] }; // prettier-ignore

/** What Grafana puts in its variables' places, for a Prometheus that scrapes each second. */
const filledIn = (expression: string): string =>
  expression.replaceAll('$__rate_interval', '10s').replaceAll('$service', '.+');

/** Every query of every dashboard that ops/docker provisions. */
export async function panelQueries(): Promise<PanelQuery[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).toSorted();
  const dashboards = await Promise.all(files.map(async (file) => JSON.parse(await readFile(join(folder, file), 'utf8')) as Dashboard)); // prettier-ignore
  return dashboards.flatMap(({ title, panels }) =>
    panels.flatMap((panel) => panel.targets.map(({ expr }) => ({ dashboard: title, panel: panel.title, query: filledIn(expr) }))),
  ); // prettier-ignore
}
