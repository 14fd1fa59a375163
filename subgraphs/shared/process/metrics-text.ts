import Negotiator from 'negotiator';
import { type OpenMetricsContentType, Registry } from 'prom-client';

/** A text of all metrics; in OpenMetrics' form it has exemplars. */
export type MetricsText = { readonly contentType: string; readonly text: string };

const [plain, openMetrics] = ['text/plain;version=0.0.4', 'application/openmetrics-text;version=1.0.0'] as const;

/** Whether `accept` wants OpenMetrics rather than Prometheus's own form. */
export const wantsOpenMetrics = (accept: string | undefined): boolean =>
  accept !== undefined && new Negotiator({ headers: { accept } }).mediaType([plain, openMetrics]) === openMetrics;

/** Gathering takes milliseconds of the process's only thread, however many ask. */
const gatheredEveryMs = 1_000;

/** The metrics' text in either form, each made anew once a second at most. */
export function metricsTexts(registry: Registry): (isOpenMetrics: boolean) => Promise<MetricsText> {
  // prom-client renames counters while it writes OpenMetrics, so that the two forms are never written at once.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (gather: () => Promise<string>) => (): Promise<string> => {
    const text = last.then(gather);
    last = text.catch(() => undefined); // told to those who asked
    return text;
  };
  const plainText = onceASecond(inTurn(() => registry.metrics()));
  const openText = onceASecond(inTurn(() => openMetricsOf(registry)));
  return async (isOpenMetrics) =>
    isOpenMetrics
      ? { contentType: Registry.OPENMETRICS_CONTENT_TYPE, text: await openText() }
      : { contentType: registry.contentType, text: await plainText() };
}

async function openMetricsOf(registry: Registry): Promise<string> {
  const metrics = registry.getMetricsAsArray();
  const names = metrics.map(({ name }) => name);
  const open = new Registry<OpenMetricsContentType>();
  open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  for (const metric of metrics) open.registerMetric(metric as never);
  try {
    return await open.metrics();
  } finally {
    for (const [index, metric] of metrics.entries()) metric.name = names[index] as string;
  }
}

function onceASecond(gather: () => Promise<string>): () => Promise<string> {
  let text: Promise<string> | undefined;
  let atMs = -Infinity;
  return () => {
    if (!text || performance.now() - atMs >= gatheredEveryMs) {
      atMs = performance.now();
      text = gather();
      text.catch(() => (text = undefined));
    }
    return text;
  };
}
