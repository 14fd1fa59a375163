import { type Socket, createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { openResolve } from '../../../../subgraphs/user/webhooks/inward-addresses.ts';

const typeA = 1;
const nameAt = 12;
let server: Socket;
let servers: string[];

/** The question's name as text, and where its type stands. */
function questionOf(message: Buffer): { name: string; typeAt: number } {
  const labels: string[] = [];
  let at = nameAt;
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), typeAt: at + 1 };
}

/** Has an IPv4 address for each name but `slow…`, of which it says nothing. */
beforeAll(async () => {
  server = createSocket('udp4');
  server.on('message', (message, { port, address }) => {
    const { name, typeAt } = questionOf(message);
    if (name.startsWith('slow')) return;
    const hasAnswer = message.readUInt16BE(typeAt) === typeA;
    const header = Buffer.from(message.subarray(0, nameAt));
    header.writeUInt16BE(0x81_80, 2);
    header.writeUInt16BE(hasAnswer ? 1 : 0, 6);
    header.fill(0, 8, nameAt);
    const answer = Buffer.from([0xc0, nameAt, 0, typeA, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 7]);
    const question = message.subarray(nameAt, typeAt + 4);
    server.send(Buffer.concat([header, question, ...(hasAnswer ? [answer] : [])]), port, address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  servers = [`127.0.0.1:${server.address().port}`];
});
afterAll(() => void server.close());

it('[PM-3] a name server that says nothing fails its own names, and delays no other', async () => {
  const resolve = openResolve({ allowPrivate: false }, servers);
  let pending = 32;
  const slow = Array.from({ length: pending }, (_, index) =>
    resolve(`slow${index}.example`).finally(() => (pending -= 1)),
  );
  const outcomes = Promise.allSettled(slow);
  expect(await resolve('shop.example')).toEqual(['203.0.113.7']);
  expect(pending).toBe(32);
  expect(new Set((await outcomes).map(({ status }) => status))).toEqual(new Set(['rejected']));
}, 15_000);

it('[PM-3] names of this machine are known to the system', async () => {
  expect(await openResolve({ allowPrivate: false }, servers)('localhost')).toContain('127.0.0.1');
});
