import type { RequestListener, Server, ServerResponse } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { closeServer, inTurn, limitedServer, listen } from '../../../../subgraphs/shared/http/server.ts';
import { until } from '../../../support/until.ts';

const answerBytes = 64 * 1024 * 1024;
const untakenMs = 300;

let server: Server;
let begun: string[];
let clients: Socket[];
/** The server's ends. */
let connections: Socket[];
/** Answers of the path /held, which wait for the test. */
let held: ServerResponse[];
beforeEach(async () => {
  [begun, clients, connections, held] = [[], [], [], []];
  server = limitedServer(60_000).on('request', inTurn(answer));
  expect(server.timeout).toBe(30_000);
  server.timeout = untakenMs;
  server.on('connection', (socket: Socket) => connections.push(socket));
  await listen(server, 0, '127.0.0.1');
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  server.closeAllConnections();
  await closeServer(server);
});

const answer: RequestListener = (request, response) => {
  begun.push(request.url as string);
  let body = '';
  request.on('data', (chunk: Buffer) => (body += String(chunk)));
  request.on('end', () => {
    if (request.url === '/held') held.push(response);
    else if (request.url === '/large') response.end(Buffer.alloc(answerBytes, 'x'));
    else setTimeout(() => response.end(`${request.url}:${body.length};`), Math.random() * 3);
  });
};

type Client = Socket & { received: string; receivedBytes: number; isClosed: boolean };
function dial({ isReading = true } = {}): Client {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const client = Object.assign(socket, { received: '', receivedBytes: 0, isClosed: false });
  clients.push(client);
  client.on('error', () => undefined).on('close', () => (client.isClosed = true));
  if (isReading)
    client.on('data', (chunk) => {
      client.receivedBytes += chunk.length;
      if (client.receivedBytes < 1_000_000) client.received += String(chunk);
    });
  return client;
}
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const bodiesIn = (received: string): string[] => [...received.matchAll(/(\/\d+):/g)].map((match) => match[1] as string);
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `/${index}`);

describe('requests that are sent before the last answer has come', () => {
  test('are begun one after another, and answered whole and in order', async () => {
    const client = dial();
    const paths = numbered(90);
    client.write(paths.map((path) => (path.endsWith('5') ? post(path, 'b'.repeat(1_000)) : get(path))).join(''));
    await until(() => bodiesIn(client.received).length === paths.length);
    expect(bodiesIn(client.received)).toEqual(paths);
    expect(client.received.match(/5:1000;/g)).toHaveLength(9);
    expect(begun).toEqual(paths);
    // The connection serves as before.
    client.write(get('/100'));
    await until(() => bodiesIn(client.received).includes('/100'));
  });

  test('are read only as far as the one that waits, however many come', async () => {
    const client = dial();
    const paths = numbered(300);
    // One of them with a body of which the half is there when its turn comes.
    const large = post('/7', 'b'.repeat(200_000));
    const text = paths.map((path) => (path === '/7' ? large : post(path, 'b'.repeat(5_000)))).join('');
    client.write(get('/held'));
    await until(() => held.length === 1);
    client.write(text);
    await sleep(200);
    expect(begun).toEqual(['/held']);
    expect(connections[0]?.bytesRead).toBeLessThan(text.length / 4);
    held[0]?.end('done');
    await until(() => bodiesIn(client.received).length === paths.length);
    expect(bodiesIn(client.received)).toEqual(paths);
    expect(client.received).toContain('/7:200000;');
    expect(begun).toEqual(['/held', ...paths]);
  });

  test('cost their connection when more than a hundred come at once', async () => {
    const client = dial();
    client.write(get('/held') + numbered(101).map(get).join(''));
    await until(() => client.isClosed);
    expect(begun).toEqual(['/held']);
  });
});

describe('an answer that is not taken', () => {
  test('costs its connection, however much was taken before', async () => {
    const client = dial({ isReading: false });
    client.write(get('/large') + get('/1'));
    await until(() => connections[0]?.destroyed);
    expect(begun).toEqual(['/large']);
    expect(connections[0]?.bytesWritten).toBeGreaterThan(0);
  });

  test('is left to a client that reads slowly', async () => {
    // Long beside what a busy machine keeps this test from reading.
    server.timeout = 4 * untakenMs;
    const client = dial({ isReading: false });
    client.write(get('/large'));
    const startedMs = performance.now();
    const isAhead = () => client.receivedBytes / answerBytes > (performance.now() - startedMs) / (3 * server.timeout);
    while (!client.isClosed && client.receivedBytes < answerBytes) {
      client.receivedBytes += (client.read() as Buffer | null)?.length ?? 0;
      do await sleep(1);
      while (isAhead() && client.receivedBytes < answerBytes);
    }
    expect(client.receivedBytes).toBeGreaterThanOrEqual(answerBytes);
  });

  test('is no reason to cut a connection whose answer takes long, nor one between two requests', async () => {
    const client = dial();
    client.write(get('/held'));
    await sleep(4 * untakenMs);
    held[0]?.end('late');
    await until(() => client.received.includes('late'));
    await sleep(4 * untakenMs);
    client.write(get('/1'));
    await until(() => bodiesIn(client.received).length === 1);
    expect(connections).toHaveLength(1);
  });

  test('ends a connection that is idle for longer than it is kept', async () => {
    server.keepAliveTimeout = 100;
    const client = dial();
    client.write(get('/1'));
    await until(() => client.isClosed);
    expect(bodiesIn(client.received)).toEqual(['/1']);
  });
});
