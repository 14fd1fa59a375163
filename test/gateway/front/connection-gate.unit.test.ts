import { once } from 'node:events';
import { Agent, type IncomingMessage, type Server, type ServerResponse, createServer, request } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, expect, test } from '@jest/globals';
import { type ConnectionGate, limitConnections } from '../../../gateway/front/connection-gate.ts';
import { connectionsWithin, streamsWithin } from '../../../gateway/front/descriptors.ts';
import { createMetrics } from '../../../subgraphs/shared/process/telemetry.ts';
import { until } from '../../support/until.ts';

let server: Server;
let port = 0;
let gate: ConnectionGate;
let slow: ServerResponse[] = [];
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  if (!server.listening) return;
  gate.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A server that answers requests, but those for `/slow`, and keeps what is upgraded; it says who was. */
async function serve(limits: { perAddress?: number; ofAll?: number }): Promise<Duplex[]> {
  const upgraded: Duplex[] = [];
  slow = [];
  server = createServer((asked, response) => {
    if (asked.url === '/slow') slow.push(response);
    else response.end('{}');
  });
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
/** Asks for what isn't answered yet, over a connection of its own. */
async function askSlowly(localAddress = '127.0.0.1'): Promise<Socket> {
  const count = slow.length;
  const socket = await open('', localAddress);
  socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => slow.length > count, { what: 'the request' });
  return socket;
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

test('an address whose connections all have something to do gets no more, others do, and it again once one has ended', async () => {
  await serve({ perAddress: 3 });
  const busy = [await askSlowly(), await askSlowly(), await askSlowly()];
  await expect(ask()).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(await ask('127.0.0.2')).toBe(200);
  busy[0]?.destroy();
  await until(() => ask().catch(() => null), { what: 'room' });
});

test('connections that are kept with nothing to do make room, the one that has waited longest first', async () => {
  await serve({ perAddress: 4 });
  const kept = [];
  for (let count = 0; count < 4; count += 1) kept.push(await open('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  const busy = await askSlowly();
  // The first was not looked at, as there was room for twice as many; nor is it ended for that.
  await ended(kept[1] as Socket);
  // One that is used again has waited least.
  kept[2]?.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(kept[2] as Socket, 'data');
  expect(await ask()).toBe(200);
  await ended(kept[3] as Socket);
  expect([kept[0], kept[2], busy].map((socket) => socket?.destroyed)).toEqual([false, false, false]);
});

test('silent connections make room before those that are kept, and a stream or an upgraded socket never does', async () => {
  const upgraded = await serve({ perAddress: 4 });
  const stream = await askSlowly();
  slow[0]?.write('event');
  const socket = await upgrade();
  gate.prove(upgraded[0] as Duplex);
  const kept = await open('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const silent = await open();
  expect(await ask()).toBe(200);
  await ended(silent);
  expect(kept.destroyed).toBe(false);
  expect(await ask()).toBe(200);
  await ended(kept);
  for (let count = 0; count < 5; count += 1) expect(await ask()).toBe(200);
  expect([stream.destroyed, socket.destroyed]).toEqual([false, false]);
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
  for (let host = 1; host <= 3; host += 1) await askSlowly(`127.0.0.${host}`);
  await ended(silent);
  await expect(ask('127.0.0.4')).rejects.toMatchObject({ code: 'ECONNRESET' });
  slow[0]?.end('{}');
  await until(() => ask('127.0.0.4').catch(() => null), { what: 'room' });
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

test('one that is ended in the same moment in which it has to make room is closed all the same', async () => {
  await serve({ perAddress: 1 });
  const ours: Socket[] = [];
  // As when its client's goodbye and the next connection arrive together.
  server.prependListener('connection', (socket: Socket) => {
    for (const earlier of ours) earlier.end();
    ours.push(socket);
  });
  await open();
  const closed = once(ours[0] as Socket, 'close');
  await open();
  await closed;
});

test('descriptors are kept for our own connections and for streams of events from services', () => {
  expect([connectionsWithin(20_000), streamsWithin(20_000)]).toEqual([14_488, 5_000]);
  expect([connectionsWithin(1_000_000), streamsWithin(1_000_000)]).toEqual([979_488, 20_000]);
  expect(connectionsWithin(1_024)).toBe(512);
  expect([connectionsWithin(256), streamsWithin(256)]).toEqual([128, 64]);
  expect([connectionsWithin(Infinity), streamsWithin(Infinity)]).toEqual([Infinity, 20_000]);
});
