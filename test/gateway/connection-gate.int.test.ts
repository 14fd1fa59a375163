import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { type Socket, connect } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { connectionsWithin } from '../../gateway/connection-gate.ts';
import { until } from '../support/until.ts';
import { type TestGraph, startTestGraph } from './test-graph.ts';

let graph: TestGraph;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await graph.close();
});
const start = async (env: Record<string, string>): Promise<void> => {
  graph = await startTestGraph({ shape: 'in process', env });
};

/** A connection that has not said anything. */
async function silence(localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: graph.port, host: '127.0.0.1', localAddress }).on('error', () => undefined);
  closing.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}
/** Asks over a connection of its own, which stays open. */
async function ask(localAddress = '127.0.0.1'): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  closing.push(() => agent.destroy());
  const sent = request({ port: graph.port, host: '127.0.0.1', localAddress, agent, path: '/health/live' });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode ?? 0;
}
const upgrade = async (): Promise<WebSocket> => {
  const socket = new WebSocket(`ws://127.0.0.1:${graph.port}/graphql`, 'graphql-transport-ws');
  closing.push(() => socket.terminate());
  await once(socket, 'open');
  return socket;
};

test('silent connections make room for one of the same address that speaks, the oldest first', async () => {
  await start({ MAX_CONNECTIONS_PER_ADDRESS: '5' });
  const silent: Socket[] = [];
  for (let count = 0; count < 5; count += 1) silent.push(await silence());
  expect(await ask()).toBe(200);
  await until(() => silent[0]?.destroyed === true, { what: 'the end of the oldest' });
  expect(silent.slice(1).every(({ destroyed }) => !destroyed)).toBe(true);
});

test('an address whose connections all speak gets no more, others do', async () => {
  await start({ MAX_CONNECTIONS_PER_ADDRESS: '5' });
  for (let count = 0; count < 5; count += 1) expect(await ask()).toBe(200);
  await expect(ask()).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(await ask('127.0.0.2')).toBe(200);
  // Once one has ended there is room again.
  closing.shift()?.();
  await until(() => ask().catch(() => null), { what: 'room' });
});

test('all addresses together get no more than there may be', async () => {
  await start({ MAX_CONNECTIONS: '4' });
  for (let host = 1; host <= 4; host += 1) expect(await ask(`127.0.0.${host}`)).toBe(200);
  await expect(ask('127.0.0.5')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('sockets that do not say who they are count, until they do', async () => {
  await start({ ANONYMOUS_SOCKETS_PER_ADDRESS: '3' });
  const [first] = await Promise.all([upgrade(), upgrade(), upgrade()]);
  await expect(upgrade()).rejects.toThrow('429');
  first?.send(JSON.stringify({ type: 'connection_init' }));
  await once(first as WebSocket, 'message');
  await upgrade();
});

test('upgraded sockets that say nothing make room for requests; one that said who it is does not', async () => {
  await start({ MAX_CONNECTIONS_PER_ADDRESS: '3' });
  const named = await upgrade();
  named.send(JSON.stringify({ type: 'connection_init' }));
  await once(named, 'message');
  const unnamed = await upgrade();
  unnamed.on('error', () => undefined);
  await silence();
  expect(await ask()).toBe(200);
  await once(unnamed, 'close');
  expect(named.readyState).toBe(named.OPEN);
});

test('descriptors are kept for our own connections', () => {
  expect(connectionsWithin(20_000)).toBe(19_488);
  expect(connectionsWithin(1_024)).toBe(512);
  expect(connectionsWithin(256)).toBe(128);
  expect(connectionsWithin(Infinity)).toBe(Infinity);
});
