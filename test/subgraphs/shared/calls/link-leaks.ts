/**
 * A process of its own, so that timers of nobody else are seen: calls a service that hangs, resets or answers rubbish
 * thousands of times, and fails when a connection, a timer or a count is left behind.
 */
import { strict as assert } from 'node:assert';
import { createHook } from 'node:async_hooks';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { CallReport } from '../../../../subgraphs/shared/calls/circuit.ts';
import { deadlineIn, remainingMs } from '../../../../subgraphs/shared/time/deadline.ts';
import { httpLink } from '../../../../subgraphs/shared/calls/http-link.ts';
import type { SubgraphLink } from '../../../../subgraphs/shared/calls/link.ts';
import { createLogger, createMetrics } from '../../../../subgraphs/shared/process/telemetry.ts';
import { until } from '../../../support/until.ts';

type Answer = (response: ServerResponse, request: IncomingMessage) => unknown;

const good: Answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{"a":1}}'); // prettier-ignore
const bad: Readonly<Record<string, Answer>> = {
  hangs: () => undefined,
  'hangs within its answer': (response) => response.writeHead(200, { 'content-length': '100' }).write('{'),
  'answers 500': (response) => response.writeHead(500).end('no'),
  'answers what is no HTTP': (_, { socket }) => socket.write('SSH-2.0-OpenSSH_9.6\r\n\r\n'),
  'answers twice': (_, { socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n'),
  'ends within its answer': (response, { socket }) => {
    response.writeHead(200, { 'content-length': '100' }).write('{');
    socket.end();
  },
  resets: (_, { socket }) => socket.resetAndDestroy(),
};
const kinds = Object.values(bad);

/** Timers and TCP handles that exist, also those that keep no process alive: which `getActiveResourcesInfo` leaves out. */
function watchResources() {
  const alive = new Map<number, string>();
  const hook = createHook({
    init: (id, type) => void (/^(?:Timeout|TCPWRAP|TCPSERVERWRAP)$/.test(type) && alive.set(id, type)),
    destroy: (id) => void alive.delete(id),
  }).enable();
  const active = () => process.getActiveResourcesInfo().filter((type) => /Timeout|TCP/.test(type)).length;
  const before = active();
  return {
    /** What there is more than at the beginning. */
    left: () => [...alive.values(), ...Array.from({ length: Math.max(0, active() - before) }, () => 'active')],
    stop: () => void hook.disable(),
  };
}

async function openService() {
  const service = { answer: good, asked: 0, sockets: new Set<Socket>() };
  // Longer than this test takes: what ends a connection is the link.
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    service.asked += 1;
    request.resume().once('end', () => service.answer(response, request));
  });
  server.on('connection', (socket: Socket) => {
    service.sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => service.sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { service, port, close: () => new Promise((done) => server.close(done)) };
}

/** Makes so many calls, some at a time, queries and mutations; how many were answered. */
async function call(link: SubgraphLink, count: number, timeoutMs: number): Promise<number> {
  const atOnce = 250;
  let answered = 0;
  const indexes = Array.from({ length: count }, (_, index) => index);
  const next = async (): Promise<void> => {
    for (let index = indexes.pop(); index !== undefined; index = indexes.pop()) {
      const request = { query: '{ a }', headers: {}, isRepeatable: index % 2 === 0, deadline: deadlineIn(timeoutMs) };
      await link.execute(request).then(() => (answered += 1), () => undefined); // prettier-ignore
      // A circuit that is open refuses in the same turn.
      await new Promise(setImmediate);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, next));
  return answered;
}

async function run(): Promise<void> {
  const resources = watchResources();
  const { service, port, close } = await openService();
  const report: CallReport = { log: createLogger('test', 'silent'), metrics: createMetrics() };
  const link = httpLink('product', `http://127.0.0.1:${port}`, () => report);
  try {
    // Every second answer is good, so that the circuit lets nearly all of them through.
    service.answer = (response, request) =>
      (service.asked % 2 === 0 ? good : (kinds[(service.asked >> 1) % kinds.length] as Answer))(response, request);
    const answered = await call(link, 3_000, 500);
    assert(answered > 0 && answered < 3_000, `${answered} of 3,000 were answered`);
    // One fault alone, as long as it takes the circuit to open, and then some.
    for (const answer of kinds) {
      service.answer = answer;
      await call(link, 200, 100);
    }

    service.answer = good;
    await until(() => link.execute({ query: '{ a }', headers: {} }).catch(() => null), { timeoutMs: 6_000, what: 'recovery' }); // prettier-ignore
    // All the room for calls and connections is there again.
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    service.answer = (response, request) => void released.then(() => good(response, request));
    const burst = Promise.all(Array.from({ length: 1_024 }, () => link.execute({ query: '{ a }', headers: {} })));
    await until(() => service.sockets.size === 64, { what: '64 connections' });
    release();
    for (const result of await burst) assert.deepEqual(result, { data: { a: 1 } });
  } finally {
    await link.close();
    await until(() => service.sockets.size === 0, { what: 'the end of all connections' });
    await close();
  }
  // Without timers, which would be found.
  const deadline = deadlineIn(3_000);
  while (resources.left().length > 0 && remainingMs(deadline) > 0) await new Promise(setImmediate);
  resources.stop();
  assert.deepEqual(resources.left(), []);
}

await run();
