import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { buildSchema } from 'graphql';
import { handleProtocols, makeServer } from 'graphql-ws';
import { WebSocket, WebSocketServer } from 'ws';
import { type Served, serveSocket } from '../../../gateway/front/socket-transport.ts';
import { createLogger } from '../../../subgraphs/shared/process/telemetry.ts';
import { until } from '../../support/until.ts';

/** How long a client of the next connection may be silent. */
let keepAliveMs: number;
/** Where nothing is to be cut: longer than a busy machine stands still. */
const patientMs = 5_000;
const kiB = 1_024;

let server: WebSocketServer;
let served: { socket: WebSocket; extra: Served }[];
let executed: number;
let warnings: number;
beforeEach(async () => {
  keepAliveMs = 300;
  executed = 0;
  served = [];
  warnings = 0;
  const rootValue = {
    text: ({ kib }: { kib: number }) => {
      executed += 1;
      return 'x'.repeat(kib * kiB);
    },
  };
  const protocol = makeServer<Record<string, unknown>, Served>({
    schema: buildSchema('type Query { text(kib: Int!): String! }'),
    roots: { query: rootValue },
  });
  const log = Object.assign(createLogger('test', 'silent'), { warn: () => (warnings += 1) });
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols });
  server.on('connection', (socket: WebSocket) => {
    const extra = { running: 0, largePayloads: new Map() };
    served.push({ socket, extra });
    serveSocket(protocol, { socket, extra, log, keepAliveMs });
  });
  await once(server, 'listening');
});
afterEach(async () => {
  for (const client of server.clients) client.terminate();
  await new Promise((closed) => server.close(closed));
});

async function connect() {
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, 'graphql-transport-ws');
  const results: string[] = [];
  const closed = new Promise<number>((resolve) => client.on('close', resolve));
  client.on('message', (data: Buffer) => results.push(data.toString().slice(0, 40)));
  await once(client, 'open');
  client.send('{"type":"connection_init"}');
  await until(() => results.shift());
  const ask = (id: string, kib: number) =>
    client.send(JSON.stringify({ id, type: 'subscribe', payload: { query: `{ text(kib: ${kib}) }` } }));
  const [{ socket, extra }] = served.slice(-1) as [(typeof served)[number]];
  return { client, results, closed, ask, socket, extra };
}

describe('a client that does not read', () => {
  test('is not read either while much waits for it, and gets all when it reads again', async () => {
    keepAliveMs = patientMs;
    const { client, results, ask, socket, extra } = await connect();
    client.pause();
    ask('0', 16 * kiB);
    await until(() => executed === 1);
    for (let nth = 1; nth <= 100; nth += 1) ask(`${nth}`, 1);
    await sleep(150);
    expect([executed, socket.isPaused, extra.running]).toEqual([1, true, 1]);
    client.resume();
    await until(() => results.filter((text) => text.includes('complete')).length === 101);
    expect([executed, socket.isPaused, extra.running]).toEqual([101, false, 0]);
  });

  test('is cut, whatever it sends, without a warning for each message', async () => {
    const { client, ask, socket, extra } = await connect();
    client.pause();
    for (let nth = 0; nth < 20; nth += 1) ask(`${nth}`, kiB);
    const pongs = setInterval(() => client.pong(), 20);
    const gone = once(socket, 'close');
    const startedAt = performance.now();
    await gone;
    clearInterval(pongs);
    expect(performance.now() - startedAt).toBeLessThan(10 * keepAliveMs);
    await until(() => extra.running === 0);
    expect(warnings).toBe(0);
    client.terminate();
  });

  test('answers pings it has not seen: that is none, and it is cut', async () => {
    const { client, closed } = await connect();
    client.pause();
    const pongs = setInterval(() => client.pong('guess'), 20);
    await until(() => server.clients.size === 0, { timeoutMs: 10 * keepAliveMs });
    clearInterval(pongs);
    client.resume();
    expect(await closed).toBe(1006);
  });
});

describe('a client that reads', () => {
  test('and answers pings stays, with nothing to take', async () => {
    keepAliveMs = 1_000;
    const { client } = await connect();
    await sleep(3 * keepAliveMs);
    expect(client.readyState).toBe(WebSocket.OPEN);
    client.close();
  });

  test('is closed with 4429 for a flood of pings of either kind', async () => {
    const { client, closed } = await connect();
    for (let nth = 0; nth < 260; nth += 1) {
      client.ping();
      client.send('{"type":"ping"}');
      // Of pings that come all at once, ws itself cuts the client.
      if (nth % 10 === 0) await sleep(1);
    }
    expect(await closed).toBe(4429);
  });
});
