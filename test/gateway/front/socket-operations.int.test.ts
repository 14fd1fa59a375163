import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { openBareSocket } from './bare-socket.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ shape: 'in process' });
});
afterAll(() => graph.close());

const slowly = (ms: number) => ({ type: 'subscribe', payload: { query: `mutation { slowly(ms: ${ms}) }` } });
const watch = { type: 'subscribe', payload: { query: 'subscription { changes(orderId: "o1") { seq } }' } };
const streams = async () => (await graph.runtime.metrics.subscriptionStreams.get()).values[0]?.value;

describe('an id that is used again after complete, while the first operation still runs', () => {
  test('is that of the second operation alone', async () => {
    const { send, received, socket } = await openBareSocket(graph.port);
    send({ id: 'a', ...slowly(150) });
    send({ id: 'a', type: 'complete' });
    send({ id: 'a', ...watch });
    await until(() => graph.stage.open === 1);
    await sleep(300);
    expect(received.splice(0)).toEqual([{ type: 'connection_ack' }]);
    graph.stage.changes.emit('o1', { orderId: 'o1', seq: 1 });
    expect(await until(() => received.shift())).toEqual({ id: 'a', type: 'next', payload: { data: { changes: { seq: 1 } } } }); // prettier-ignore
    send({ id: 'a', type: 'complete' });
    await until(() => graph.stage.open === 0);
    socket.close();
  });

  test('is ended with its socket', async () => {
    const { send, socket } = await openBareSocket(graph.port);
    for (let nth = 0; nth < 5; nth += 1) {
      send({ id: `${nth}`, ...slowly(100) });
      send({ id: `${nth}`, type: 'complete' });
      send({ id: `${nth}`, ...watch });
    }
    await until(() => graph.stage.open > 0);
    await sleep(200);
    socket.close();
    await until(() => graph.stage.open === 0);
    expect(await streams()).toBe(0);
  });

  test('is in use again: once more closes the socket with 4409', async () => {
    const { send, closed } = await openBareSocket(graph.port);
    send({ id: 'a', ...slowly(50) });
    send({ id: 'a', type: 'complete' });
    send({ id: 'a', ...watch });
    await sleep(100);
    send({ id: 'a', ...watch });
    expect(await closed).toBe(4409);
    await until(() => graph.stage.open === 0);
  });

  test('leaves the first operation counted until it ends', async () => {
    const { send, received, socket } = await openBareSocket(graph.port);
    for (let nth = 0; nth < 20; nth += 1) {
      send({ id: 'a', ...slowly(300) });
      send({ id: 'a', type: 'complete' });
    }
    send({ id: 'b', ...watch });
    const refused = await until(() => received.find(({ id }) => id === 'b'));
    expect(refused).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }] });
    await sleep(400);
    send({ id: 'b', ...watch });
    await until(() => graph.stage.open === 1);
    socket.close();
    await until(() => graph.stage.open === 0);
  });
});

test('an operation of any id gets its answer under it', async () => {
  const { send, received, socket } = await openBareSocket(graph.port);
  for (const id of ['__proto__', 'toString', '"}', '订单', 'x'.repeat(128)]) {
    send({ id, type: 'subscribe', payload: { query: '{ viewer { kind } }' } });
    await until(() => received.at(-1)?.type === 'complete');
    expect(received.splice(0).filter(({ type }) => type !== 'connection_ack')).toEqual([
      { id, type: 'next', payload: { data: { viewer: { kind: 'anonymous' } } } },
      { id, type: 'complete' },
    ]);
  }
  socket.close();
});

test('an id that is too long, or a message that only a server sends, closes the socket with 4400', async () => {
  for (const message of [
    { id: 'x'.repeat(129), ...watch },
    { id: '1', type: 'next', payload: {} },
  ]) {
    const { send, closed } = await openBareSocket(graph.port);
    send(message);
    expect(await closed).toBe(4400);
  }
});

test('a client that does not answer a close is cut after 5 s', async () => {
  const client = connect(graph.port, '127.0.0.1');
  const headers = ['Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==', 'Sec-WebSocket-Protocol: graphql-transport-ws']; // prettier-ignore
  client.write(`GET /graphql HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
  const [answer] = (await once(client, 'data')) as [Buffer];
  expect(answer.toString()).toContain('101 Switching Protocols');
  const startedAt = performance.now();
  client.on('data', () => undefined);
  // One frame of text, masked with zeros.
  client.write(Buffer.concat([Buffer.from([0x81, 0x81, 0, 0, 0, 0]), Buffer.from('{')]));
  await once(client, 'close');
  const tookMs = performance.now() - startedAt;
  expect(tookMs).toBeGreaterThan(4_500);
  expect(tookMs).toBeLessThan(9_000);
});
