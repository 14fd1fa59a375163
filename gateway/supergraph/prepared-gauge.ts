import { Gauge } from 'prom-client';
import type { Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import type { Supergraph } from './supergraph.ts';

/** Shows how many operations and plans the supergraph that is served keeps prepared, counted at each scrape. */
export function showPrepared(
  { registry }: Pick<Metrics, 'registry'>,
  supergraph: Pick<Supergraph, 'prepared'>,
): { close(): void } {
  const name = 'gateway_prepared';
  const gauge = new Gauge({
    name,
    help: 'How many operations, and plans of them, are kept prepared',
    registers: [],
    labelNames: ['what'],
    collect() {
      for (const [what, count] of Object.entries(supergraph.prepared())) this.set({ what }, count);
    },
  });
  registry.registerMetric(gauge);
  return { close: () => registry.removeSingleMetric(name) };
}
