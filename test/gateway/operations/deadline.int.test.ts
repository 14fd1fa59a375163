import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type TestGraph, startTestGraph } from '../test-graph.ts';
import { until } from '../../support/until.ts';

const operationTimeoutMs = 2_500;

describe.each(['in process', 'over HTTP'] as const)('a subgraph that takes requests and is silent, %s', (shape) => {
  let graph: TestGraph;
  beforeAll(async () => {
    graph = await startTestGraph({ shape, gateway: { config: { operationTimeoutMs } } });
  });
  afterEach(() => graph.stage.hanging.clear());
  afterAll(() => graph.close());

  const query = '{ order(id: "o1") { number customer { name } } payment(id: "x") { amount payer { name } } }';
  const whole = {
    order: { number: 'No1', customer: { name: 'User u1' } },
    payment: { amount: 5, payer: { name: 'User u2' } },
  };

  test('costs its own fields only, and the answer comes at the deadline of the operation', async () => {
    graph.stage.hanging.add('payment');
    const started = performance.now();
    const { status, body, headers } = await graph.ask(query);
    expect(performance.now() - started).toBeLessThan(operationTimeoutMs + 5_000);
    expect(status).toBe(200);
    expect(body.data).toEqual({ order: whole.order, payment: null });
    expect(body.errors).toEqual([
      {
        message: 'The payment service did not answer in time.',
        path: ['payment'],
        extensions: { code: 'DEADLINE_EXCEEDED', traceId: headers.get('x-trace-id') },
      },
    ]);
  });

  test('is served again when it is back, though calls of it failed at once in between', async () => {
    graph.stage.hanging.add('payment');
    for (let round = 0; round < 3; round++) await Promise.all([1, 2].map(() => graph.ask(query)));
    graph.stage.hanging.clear();
    const backAt = performance.now();
    await until(async () => (await graph.ask(query)).body.errors === undefined, { timeoutMs: 5_000 });
    expect(performance.now() - backAt).toBeLessThan(5_000);
    expect((await graph.ask(query)).body).toEqual({ data: whole });
  });
});
