import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type WebSocket, WebSocketServer } from 'ws';
import { openSocketSubscriptions } from '../../../../subgraphs/shared/calls/socket-subscriptions.ts';
import { until } from '../../../support/until.ts';

const events = 300;
const eventBytes = 256 * 1024;

const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A service that sends all of its events at once, and a subscription to it. */
async function flood() {
  const told = { flushed: 0, closed: false };
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'graphql-transport-ws' });
  await once(server, 'listening');
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  const filling = 'x'.repeat(eventBytes);
  const answer = (socket: WebSocket, { type, id }: { type: string; id?: string }): void => {
    if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
    if (type !== 'subscribe') return;
    for (let seq = 0; seq < events; seq += 1) {
      const payload = { data: { seq, filling } };
      socket.send(JSON.stringify({ id, type: 'next', payload }), (error) => (told.flushed += error ? 0 : 1));
    }
    socket.send(JSON.stringify({ id, type: 'complete' }));
  };
  server.on('connection', (socket) => {
    socket.on('message', (text: Buffer) =>
      answer(socket, JSON.parse(text.toString()) as { type: string; id?: string }),
    );
    socket.on('close', () => (told.closed = true));
  });
  const subscriptions = openSocketSubscriptions('flood', {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    maxEventBytes: 2 * eventBytes,
  });
  closing.push(() => subscriptions.close());
  return { told, stream: subscriptions.open({ query: 'subscription { seq }', headers: {} }) };
}

/** When the service has sent what it could without being read. */
async function settled(told: { flushed: number }): Promise<number> {
  let before = -1;
  await until(async () => {
    const same = told.flushed === before && before > 0;
    before = told.flushed;
    await sleep(200);
    return same;
  });
  return told.flushed;
}

describe('a subscription to a service that sends more than is taken', () => {
  test('is read no further, and loses nothing', async () => {
    const { told, stream } = await flood();
    expect((await stream.next()).value).toMatchObject({ data: { seq: 0 } });
    expect(await settled(told)).toBeLessThan(events / 2);
    const taken: unknown[] = [0];
    for await (const { data } of stream) taken.push(data?.['seq']);
    expect(taken).toEqual(Array.from({ length: events }, (_, seq) => seq));
    expect(told.flushed).toBe(events);
  });

  test('ends at once when it is closed while it is not read', async () => {
    const { told, stream } = await flood();
    await stream.next();
    await settled(told);
    await stream.return?.();
    await until(() => told.closed, { timeoutMs: 5_000 });
  });
});
