import { afterEach, describe, expect, test } from '@jest/globals';
import { type Server, type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { type Server as HttpServer, createServer as createHttpServer } from 'node:http';
import { type BackEnd, type Balancer, startBalancer } from '../../ops/fleet/balancer.ts';
import { freePort } from '../../ops/embedded/servers.ts';
import { until } from '../support/until.ts';

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A server that says its name to each connection and then sends back what it gets. */
async function echo(name: string): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.write(name);
    socket.pipe(socket);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  closers.push(close);
  return { port: (server.address() as AddressInfo).port, close };
}

async function balance(...backEnds: BackEnd[]): Promise<Balancer> {
  const balancer = await startBalancer({ backEnds });
  closers.push(() => balancer.close());
  return balancer;
}

/** A client that remembers what it got, and how its connection ended. */
function dial(port: number): { socket: Socket; text: () => string; end: () => string | undefined } {
  let text = '';
  let end: string | undefined;
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('data', (data) => (text += data.toString()));
  socket.on('error', (error: Error & { code?: string }) => (end = error.code));
  socket.on('close', () => (end ??= 'closed'));
  closers.push(() => void socket.destroy());
  return { socket, text: () => text, end: () => end };
}

async function nameAt(balancer: Balancer): Promise<string> {
  const client = dial(balancer.port);
  const name = await until(() => client.text() || client.end());
  client.socket.destroy();
  return name;
}

describe('the balancer', () => {
  test('sends one connection after the other to each back end', async () => {
    const balancer = await balance(await echo('a'), await echo('b'));
    const names = [await nameAt(balancer), await nameAt(balancer), await nameAt(balancer), await nameAt(balancer)];
    expect(names.toSorted()).toEqual(['a', 'a', 'b', 'b']);
    expect(names[0]).not.toBe(names[1]);
  });

  test('passes over a back end that refuses, and resets when all do', async () => {
    const b = await echo('b');
    const balancer = await balance({ port: await freePort() }, b);
    expect([await nameAt(balancer), await nameAt(balancer)]).toEqual(['b', 'b']);
    b.close();
    expect(await nameAt(balancer)).toBe('ECONNRESET');
  });

  test('gives no new connections to a back end that lives no more, unless no other is left', async () => {
    let lives = true;
    const live: HttpServer = createHttpServer((_request, response) => response.writeHead(lives ? 200 : 503).end());
    await new Promise<void>((listening) => live.listen(0, '127.0.0.1', listening));
    closers.push(() => void live.close());
    const liveUrl = `http://127.0.0.1:${(live.address() as AddressInfo).port}/`;
    const b = await echo('b');
    const balancer = await balance({ ...(await echo('a')), liveUrl }, b);
    const twoNames = async () => new Set([await nameAt(balancer), await nameAt(balancer)]).size === 2;
    expect(await twoNames()).toBe(true);
    lives = false;
    await until(async () => !(await twoNames()), { what: 'the dead one being passed over' });
    expect([await nameAt(balancer), await nameAt(balancer)]).toEqual(['b', 'b']);
    b.close();
    expect(await nameAt(balancer)).toBe('a');
    lives = true;
  });

  test('holds back what passes while it is stalled, and lets all of it through afterwards, in order', async () => {
    const balancer = await balance(await echo(''));
    const client = dial(balancer.port);
    client.socket.write('1');
    await until(() => client.text() === '1');
    balancer.set({ kind: 'stalled' });
    client.socket.write('2');
    await new Promise((later) => setTimeout(later, 100));
    client.socket.write('3');
    await new Promise((later) => setTimeout(later, 100));
    expect(client.text()).toBe('1');
    balancer.set({ kind: 'open' });
    await until(() => client.text() === '123');
  });

  test('delays what passes by what it was told, either way', async () => {
    const balancer = await balance(await echo(''));
    const client = dial(balancer.port);
    client.socket.write('1');
    await until(() => client.text() === '1');
    balancer.set({ kind: 'slow', delayMs: 150 });
    const before = performance.now();
    client.socket.write('2');
    await until(() => client.text() === '12');
    expect(performance.now() - before).toBeGreaterThanOrEqual(298);
  });

  test('answers what comes in itself when told to, and passes it on again afterwards', async () => {
    const balancer = await balance(await echo(''));
    const client = dial(balancer.port);
    balancer.set({ kind: 'answering', text: 'no' });
    client.socket.write('1');
    await until(() => client.text() === 'no');
    balancer.set({ kind: 'open' });
    client.socket.write('2');
    await until(() => client.text() === 'no2');
  });

  test('resets all connections, and while it is cut new ones too', async () => {
    const balancer = await balance(await echo('a'));
    const client = dial(balancer.port);
    await until(() => client.text() === 'a');
    balancer.reset();
    expect(await until(client.end)).toBe('ECONNRESET');
    expect(await nameAt(balancer)).toBe('a');
    balancer.set({ kind: 'cut' });
    expect(await nameAt(balancer)).toBe('ECONNRESET');
    balancer.set({ kind: 'open' });
    expect(await nameAt(balancer)).toBe('a');
  });

  test('passes on the end of a connection after all that was sent before it', async () => {
    const last = createServer((socket) => socket.end('all of it'));
    await new Promise<void>((listening) => last.listen(0, '127.0.0.1', listening));
    closers.push(() => void last.close());
    const balancer = await balance({ port: (last.address() as AddressInfo).port });
    balancer.set({ kind: 'slow', delayMs: 100 });
    const client = dial(balancer.port);
    expect(await until(client.end)).toBe('closed');
    expect(client.text()).toBe('all of it');
  });
});
