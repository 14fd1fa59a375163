import { describe, expect, test } from '@jest/globals';
import { Counter } from 'prom-client';
import { metricsTexts, wantsOpenMetrics } from '../../../../subgraphs/shared/process/metrics-text.ts';
import { createMetrics } from '../../../../subgraphs/shared/process/telemetry.ts';
import { exemplarOf } from '../../../../subgraphs/shared/tracing/exemplars.ts';
import { tracingOf } from '../../../../subgraphs/shared/tracing/open-tracing.ts';

const tracingWhere = (isSampled: boolean) =>
  tracingOf({ send: () => undefined, mayKeep: () => true }, { isSampled: () => isSampled, isParentBased: true }, () =>
    Promise.resolve(),
  );
const labels = { service: 'order', operation: 'placeOrder', code: 'OK', caller: 'api' } as const;

describe('the text of metrics', () => {
  test('OpenMetrics has the trace of a sampled operation beside its bucket, and of no other', async () => {
    const metrics = createMetrics();
    const sampled = tracingWhere(true).begin({ service: 'order', name: 'operation' });
    const unsampled = tracingWhere(false).begin({ service: 'order', name: 'operation' });
    metrics.operationDuration.observe({ labels, value: 0.02, exemplarLabels: exemplarOf(sampled) });
    metrics.operationDuration.observe({ labels, value: 0.2, exemplarLabels: exemplarOf(unsampled) });
    metrics.operationDuration.observe({ labels, value: 2, exemplarLabels: exemplarOf(undefined) });
    const { contentType, text } = await metricsTexts(metrics.registry)(true);
    expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    const exemplars = text.split('\n').filter((line) => line.includes(' # {'));
    expect(exemplars).toHaveLength(1);
    expect(exemplars[0]).toContain('le="0.025"');
    expect(exemplars[0]).toMatch(
      new RegExp(`1 # \\{trace_id="${sampled.traceId}",span_id="${sampled.spanId}"\\} 0\\.02 \\d+\\.\\d+$`),
    );
  });

  test('a thousand traces leave one exemplar for each bucket', async () => {
    const metrics = createMetrics();
    const tracing = tracingWhere(true);
    for (let index = 0; index < 1_000; index += 1)
      metrics.operationDuration.observe({ labels, value: index / 50, exemplarLabels: exemplarOf(tracing.begin({ service: 'order', name: 'operation' })) }); // prettier-ignore
    const { text } = await metricsTexts(metrics.registry)(true);
    const buckets = text.split('\n').filter((line) => line.startsWith('graphql_operation_duration_seconds_bucket'));
    expect(text.split(' # {').length - 1).toBeLessThanOrEqual(buckets.length);
  });

  test('both forms have the same samples, whichever is asked for first and how many ask at once', async () => {
    const metrics = createMetrics();
    metrics.orders.inc({ type: 'STANDARD', outcome: 'placed' }, 3);
    const gather = metricsTexts(metrics.registry);
    const texts = await Promise.all([gather(true), gather(false), gather(true)]);
    const names = texts.map(({ text }) => new Set([...text.matchAll(/^([a-z_]\w*)[{ ]/gm)].map(([, name]) => name)));
    expect(names[0]).toEqual(names[1]);
    expect([...(names[1] ?? [])]).toContain('orders_total');
    expect(texts[0]?.text).toContain('# TYPE orders counter\norders_total{type="STANDARD",outcome="placed"} 3');
    expect(texts[1]?.text).toContain('# TYPE orders_total counter\norders_total{type="STANDARD",outcome="placed"} 3');
    expect(texts[2]?.text).toBe(texts[0]?.text);
  });

  test('a metric that cannot be read fails its text, and the next one is gathered anew', async () => {
    const metrics = createMetrics();
    let isBroken = true;
    const broken = new Counter({
      name: 'broken_total',
      help: 'Breaks',
      registers: [metrics.registry],
      collect() {
        if (isBroken) throw new Error('cannot be read');
      },
    });
    const gather = metricsTexts(metrics.registry);
    await expect(gather(true)).rejects.toThrow('cannot be read');
    await expect(gather(false)).rejects.toThrow('cannot be read');
    isBroken = false;
    broken.inc();
    expect((await gather(false)).text).toContain('broken_total');
    expect((await gather(true)).text).toContain('broken_total');
  });
});

test.each([
  [undefined, false],
  ['*/*', false],
  ['text/plain', false],
  ['text/html, application/json', false],
  ['application/openmetrics-text', true],
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    true,
  ],
  ['text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5', false],
])('Accept: %s asks for OpenMetrics: %s', (accept, isOpen) => {
  expect(wantsOpenMetrics(accept)).toBe(isOpen);
});
