import { once } from 'node:events';
import { Agent, type IncomingMessage, type Server, createServer, request } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, expect, test } from '@jest/globals';
import { type ConnectionGate, connectionsWithin, limitConnections } from '../../gateway/connection-gate.ts';
import { createMetrics } from '../../subgraphs/shared/telemetry.ts';
import { until } from '../support/until.ts';

let server: Server;
let port = 0;
let gate: ConnectionGate;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  if (!server.listening) return;
  gate.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A server that answers requests, and keeps what is upgraded; it says who was. */
async function serve(limits: { perAddress?: number; ofAll?: number }): Promise<Duplex[]> {
  const upgraded: Duplex[] = [];
  server = createServer((_, response) => response.end('{}'));
  server.on('upgrade', (_, socket) => {
    upgraded.push(socket.on('error', () => undefined));
    closing.push(() => socket.destroy());
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  });
  const { perAddress = Infinity, ofAll = Infinity } = limits;
  gate = limitConnections(server, { limits: { perAddress, ofAll }, metrics: createMetrics() });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
  return upgraded;
}
/** A connection that says nothing, or just `text`. */
async function open(text = '', localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => undefined);
  closing.push(() => socket.destroy());
  await once(socket, 'connect');
  if (text !== '') {
    socket.write(text);
    await once(socket, 'data');
  }
  return socket;
}
/** Asks over a connection of its own, which stays open. */
async function ask(localAddress = '127.0.0.1'): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  closing.push(() => agent.destroy());
  const sent = request({ port, host: '127.0.0.1', localAddress, agent });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  await once(response.resume(), 'end');
  return response.statusCode ?? 0;
}
const upgrade = () => open('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
const ended = (socket: Socket) => until(() => socket.destroyed, { what: 'the end of the connection' });

test('silent connections make room for one of the same address that speaks, the oldest first', async () => {
  await serve({ perAddress: 5 });
  const silent = [await open(), await open(), await open(), await open(), await open()];
  expect(await ask()).toBe(200);
  await ended(silent[0] as Socket);
  expect(silent.slice(1).map(({ destroyed }) => destroyed)).toEqual([false, false, false, false]);
});

test('an address whose connections all speak gets no more, others do, and it again once one has ended', async () => {
  await serve({ perAddress: 3 });
  for (let count = 0; count < 3; count += 1) expect(await ask()).toBe(200);
  await expect(ask()).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(await ask('127.0.0.2')).toBe(200);
  closing.shift()?.();
  await until(() => ask().catch(() => null), { what: 'room' });
});

test('a flood of silent connections leaves the address as many as it may have, and is not remembered', async () => {
  await serve({ perAddress: 10 });
  const flood: Socket[] = [];
  for (let count = 0; count < 100; count += 1) flood.push(await open());
  await until(() => flood.filter(({ destroyed }) => !destroyed).length === 10, { what: 'the end of the others' });
  for (const socket of flood) socket.destroy();
  for (let count = 0; count < 10; count += 1)
    await until(() => ask().catch(() => null), { what: 'room where the flood was' });
});

test('all addresses together get no more than there may be; silent ones make room for any', async () => {
  await serve({ ofAll: 3 });
  const silent = await open('', '127.0.0.9');
  for (let host = 1; host <= 3; host += 1) expect(await ask(`127.0.0.${host}`)).toBe(200);
  await ended(silent);
  await expect(ask('127.0.0.4')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('upgraded sockets make room until they have shown who they are', async () => {
  const upgraded = await serve({ perAddress: 3 });
  const named = await upgrade();
  gate.prove(upgraded[0] as Duplex);
  const unnamed = await upgrade();
  await open();
  expect(await ask()).toBe(200);
  await ended(unnamed);
  expect(named.destroyed).toBe(false);
});

test('descriptors are kept for our own connections', () => {
  expect(connectionsWithin(20_000)).toBe(19_488);
  expect(connectionsWithin(1_024)).toBe(512);
  expect(connectionsWithin(256)).toBe(128);
  expect(connectionsWithin(Infinity)).toBe(Infinity);
});
