import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { until } from '../../support/until.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

const admission = { maxRunning: 8, maxRunningPerClient: 6, maxQueued: 10, maxWaitMs: 10_000 };
const slowly = 'mutation { slowly(ms: 1000) }';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ shape: 'in process', gateway: { config: { admission } } });
});
afterAll(() => graph.close());

const metric = async (name: string): Promise<number> => {
  // Tests ask until it changes, which takes turns of the event loop.
  await setImmediate();
  const text = await graph.runtime.metrics.registry.metrics();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length));
};
const running = () => metric('gateway_operations{state="running"}');
const queued = () => metric('gateway_operations{state="queued"}');

describe('a gateway that is asked for five times what it can do', () => {
  test('holds no more than its limits, refuses the rest at once, keeps others served, and recovers', async () => {
    const flood = Array.from({ length: 80 }, () => graph.ask(slowly));
    let ended = 0;
    for (const one of flood) void one.then(() => (ended += 1));
    const seen: { running: number; queued: number }[] = [];
    while ((await queued()) < admission.maxQueued) expect(ended).toBeLessThan(80);
    seen.push({ running: await running(), queued: await queued() });

    // Another client is let in next, and what watches the gateway is not limited.
    const authorization = `Bearer ${await graph.token({ sub: 'u7' })}`;
    const other = await graph.ask('{ viewer { id } }', {}, { authorization });
    expect(other.body).toEqual({ data: { viewer: { id: 'u7' } } });
    expect((await fetch(`${graph.url}/health/ready`)).status).toBe(200);
    expect((await fetch(`${graph.url}/webhooks/simulated`, { method: 'POST', body: '{}' })).status).toBe(200);
    seen.push({ running: await running(), queued: await queued() });

    const answers = await Promise.all(flood);
    const served = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 503);
    expect(served.length + refused.length).toBe(80);
    // What ran and what waited was served in the end, and one may have gone for the other client.
    expect(served.length).toBeGreaterThanOrEqual(admission.maxRunningPerClient + admission.maxQueued - 1);
    expect(refused.length).toBeGreaterThan(40);
    for (const { headers, body } of refused) {
      expect([headers.get('retry-after'), headers.get('cache-control')]).toEqual(['1', 'no-store']);
      expect(body).toEqual({ errors: [{ message: expect.any(String), extensions: { code: 'OVERLOADED', traceId: headers.get('x-trace-id') } }] }); // prettier-ignore
    }
    for (const counts of seen) {
      expect(counts.running).toBeLessThanOrEqual(admission.maxRunning);
      expect(counts.queued).toBeLessThanOrEqual(admission.maxQueued);
    }
    expect([await running(), await queued()]).toEqual([0, 0]);
    expect((await graph.ask('{ viewer { kind } }')).status).toBe(200);
    expect(await metric('gateway_operations_shed_total{reason="queue full"}')).toBe(refused.length); // prettier-ignore
  });

  test('refuses by GET, by way of Apollo Server, and on sockets alike', async () => {
    // Connected before: the flood is over in three seconds.
    const client = createClient({ url: `${graph.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, lazy: false }); // prettier-ignore
    await new Promise((resolve) => client.on('connected', resolve));
    const flood = Array.from({ length: 80 }, () => graph.ask(slowly));
    while ((await queued()) < admission.maxQueued) await new Promise((resolve) => setTimeout(resolve, 5));
    const query = `query=${encodeURIComponent('{ viewer { kind } }')}`;
    const headers = { 'apollo-require-preflight': '1' };
    // All at once: the flood goes down.
    const [get, apollo, [first]] = await Promise.all([
      fetch(`${graph.url}/graphql?${query}`, { headers }),
      fetch(`${graph.url}/graphql/?${query}`, { headers }),
      Array.fromAsync(client.iterate({ query: '{ viewer { kind } }' })),
    ]);
    for (const response of [get, apollo]) {
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'OVERLOADED' } }] });
    }
    expect(first).toMatchObject({ errors: [{ extensions: { code: 'OVERLOADED' } }] });
    await client.dispose();
    await Promise.all(flood);
  });
});

test('operations on subgraphs that hang or are away leave no turn and no place in the queue behind', async () => {
  const graph = await startTestGraph({
    shape: 'over HTTP',
    gateway: { config: { admission, operationTimeoutMs: 300 } },
  });
  try {
    const counts = async () => {
      const text = await graph.runtime.metrics.registry.metrics();
      return text.split('\n').filter((line) => line.startsWith('gateway_operations{'));
    };
    const idle = ['gateway_operations{state="running"} 0', 'gateway_operations{state="queued"} 0'];
    graph.stage.hanging.add('product');
    graph.stage.down.add('order');
    const queries = ['{ products(first: 1) { id } }', '{ order(id: "o1") { number } }', '{ viewer { kind } }'];
    const flood = Array.from({ length: 300 }, async (_, index) => {
      const signal = index % 4 === 0 ? AbortSignal.timeout(50 + index) : null;
      const body = JSON.stringify({ query: queries[index % 3] });
      const headers = { 'content-type': 'application/json' };
      return fetch(`${graph.url}/graphql`, { method: 'POST', headers, body, signal }).then((answer) => answer.text(), () => 'gone'); // prettier-ignore
    });
    const answers = await Promise.all(flood);
    for (const code of ['DEADLINE_EXCEEDED', 'SERVICE_UNAVAILABLE', 'OVERLOADED']) expect(answers.some((answer) => answer.includes(code))).toBe(true); // prettier-ignore
    expect(answers).toContain('gone');
    await until(async () => JSON.stringify(await counts()) === JSON.stringify(idle), { what: 'the end of all turns' });

    graph.stage.hanging.clear();
    graph.stage.down.clear();
    await until(async () => (await graph.ask('{ products(first: 1) { id } order(id: "o1") { number } }')).body.errors === undefined, { what: 'recovery' }); // prettier-ignore
    const served = await Promise.all(Array.from({ length: admission.maxRunningPerClient + admission.maxQueued }, () => graph.ask('{ viewer { kind } }'))); // prettier-ignore
    for (const { status } of served) expect(status).toBe(200);
    expect(await counts()).toEqual(idle);
  } finally {
    await graph.close();
  }
});
