import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { until } from '../../support/until.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

const admission = { maxRunning: 1, maxRunningPerClient: 1, maxQueued: 10, maxWaitMs: 20_000 };
const query = 'mutation { fail }';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ shape: 'in process', gateway: { config: { admission } } });
  await graph.ask(query);
});
afterAll(() => graph.close());

const metric = async (name: string): Promise<number> => {
  const text = await graph.runtime.metrics.registry.metrics();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length) ?? 0);
};
const running = () => metric('gateway_operations{state="running"}');
const queued = () => metric('gateway_operations{state="queued"}');
const goneBefore = () => metric('gateway_operations_shed_total{reason="client gone"}');

/** Sends the mutation; gives a way to go away. */
const posted = (path: string, accept: string) => (): (() => void) => {
  const headers = { 'content-type': 'application/json', accept };
  const sent = request(`${graph.url}${path}`, { method: 'POST', headers });
  sent.on('error', () => undefined).end(JSON.stringify({ query }));
  return () => void sent.destroy();
};
const overSocket = (leave: (socket: WebSocket) => void) => (): (() => void) => {
  const socket = new WebSocket(`ws://127.0.0.1:${graph.port}/graphql`, 'graphql-transport-ws');
  socket.on('open', () => socket.send('{"type":"connection_init"}'));
  socket.on('message', (data: Buffer) => {
    if (data.toString().includes('connection_ack'))
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
  });
  return () => leave(socket);
};

test.each([
  ['by the quick way', posted('/graphql', 'application/json')],
  ['by way of Apollo Server', posted('/graphql/', 'application/json')],
  ['as an event stream', posted('/graphql/stream', 'text/event-stream')],
  ['over a WebSocket', overSocket((socket) => socket.terminate())],
  ['over a WebSocket that stays, by complete', overSocket((socket) => socket.send('{"type":"complete","id":"1"}'))],
])('a mutation whose client gives up before its turn comes is not executed: %s', async (_, send) => {
  const mutations = graph.stage.mutations;
  const gone = await goneBefore();
  const first = graph.ask('mutation { slowly(ms: 2000) }');
  await until(async () => (await running()) === 1, { what: 'the first' });
  const goAway = send();
  await until(async () => (await queued()) === 1, { what: 'the second, waiting' });
  goAway();
  expect((await first).body).toEqual({ data: { slowly: true } });
  await until(async () => (await queued()) === 0 && (await running()) === 0, { what: 'the end of the queue' });
  expect(graph.stage.mutations).toBe(mutations);
  expect(await goneBefore()).toBe(gone + 1);
  // With a client that stays it is.
  await graph.ask(query);
  expect(graph.stage.mutations).toBe(mutations + 1);
});
