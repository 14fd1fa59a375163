import { describe, expect, test } from '@jest/globals';
import { newTraceId, traceIdFrom, traceparentOf } from '../../../../subgraphs/shared/process/telemetry.ts';

describe('a trace', () => {
  const count = 100_000;
  test('has an id of its own, and each call in it another span', () => {
    const traces = Array.from({ length: count }, newTraceId);
    expect(new Set(traces).size).toBe(count);
    for (const trace of traces) if (!/^[0-9a-f]{32}$/.test(trace)) throw new Error(`${trace} is no trace id`);

    const [trace = ''] = traces;
    const parents = Array.from({ length: count }, () => traceparentOf(trace));
    expect(new Set(parents).size).toBe(count);
    const form = new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`);
    for (const parent of parents) if (!form.test(parent)) throw new Error(`${parent} is no traceparent`);
  });

  test('shares no digits with what was made before it', () => {
    // Trace ids and spans in turns: neither begins within another.
    const digits = Array.from({ length: 10_000 }, () => newTraceId() + (traceparentOf('0').split('-')[2] ?? '')).join(
      '',
    );
    const windows = new Set<string>();
    for (let at = 0; at + 16 <= digits.length; at += 8) windows.add(digits.slice(at, at + 16));
    expect(windows.size).toBe(digits.length / 8 - 1);
  });

  test('is carried on', () => {
    const trace = newTraceId();
    expect(traceIdFrom(traceparentOf(trace))).toBe(trace);
    expect(traceIdFrom(`01-${trace}-0123456789abcdef-00-more`)).toBe(trace);
  });

  test.each([undefined, '', 'nonsense', `00-${'0'.repeat(32)}-0123456789abcdef-01`, `00-${'A'.repeat(32)}-0123456789abcdef-01`, `00-${'a'.repeat(31)}-0123456789abcdef-01`])(
    'begins anew where %s came',
    (traceparent) => {
      const trace = traceIdFrom(traceparent);
      expect(trace).toMatch(/^[0-9a-f]{32}$/);
      expect(traceIdFrom(traceparent)).not.toBe(trace);
      expect(traceparent ?? '').not.toContain(trace);
    },
  ); // prettier-ignore
});
