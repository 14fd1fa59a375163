import { type Socket, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

let graph: TestGraph;
const clients: Socket[] = [];
beforeAll(async () => {
  graph = await startTestGraph({ shape: 'in process' });
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await graph.close();
});

function dial(): Socket {
  const client = connect(graph.port, '127.0.0.1').on('error', () => undefined);
  clients.push(client);
  return client;
}
const post = (query: string): string => {
  const body = JSON.stringify({ query });
  return `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
};
/** About 400 kB, and one call of the product subgraph. */
const large = '{ order(id: "1") { lines(first: 4900) { quantity product { id name kind price } } } }';
const executions = (): number => graph.stage.entityCalls.filter(({ service }) => service === 'product').length;

test('of many requests sent ahead by a client that takes nothing, only a few are executed', async () => {
  const client = dial();
  client.pause();
  client.write(post(large).repeat(300));
  await until(() => executions() > 0);
  for (let before = 0; executions() > before; await sleep(500)) before = executions();
  // What the system takes for the client is some megabytes; all of them would be 120.
  expect(executions()).toBeLessThan(60);
  expect((await graph.ask('{ viewer { kind } }')).status).toBe(200);
});

test('requests sent ahead are answered whole and in order, whatever they ask for', async () => {
  const client = dial();
  let received = '';
  client.on('data', (chunk) => (received += String(chunk)));
  const kinds = [
    (n: number) => post(`mutation { rename(id: "${n}", name: "n") { id } }`),
    (n: number) => post(`{ user(id: "${n}") { id } }`),
    // An error, from Apollo Server.
    (n: number) => post(`{ none${n}: user(id: "none") { id } }`),
    (n: number) => `GET /none?${n} HTTP/1.1\r\nhost: x\r\n\r\n`,
    (n: number) => `POST /webhooks/p${n} HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc`,
  ];
  const sent = Array.from({ length: 60 }, (_, n) => kinds[n % kinds.length]?.(n)).join('');
  client.write(sent);
  const seen = () => received.match(/"id":"\d+"|none\d+|No such path|"provider":"p\d+"/g) ?? [];
  const expected = Array.from(
    { length: 60 },
    (_, n) => [`"id":"${n}"`, `"id":"${n}"`, `none${n}`, 'No such path', `"provider":"p${n}"`][n % kinds.length],
  );
  await until(() => received.includes('"provider":"p59"'));
  expect(seen().filter((one, index, all) => one === 'No such path' || one !== all[index - 1])).toEqual(expected);
});
