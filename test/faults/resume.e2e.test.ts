import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { type Person, createProduct, logInAsAdmin, placeOrder, register } from '../support/shop.ts';
import { until } from '../support/until.ts';

/** The long run: RESUME_SUBSCRIBERS=200 RESUME_EVENTS=2000. */
const subscribers = Number(process.env['RESUME_SUBSCRIBERS'] ?? 40);
const events = Number(process.env['RESUME_EVENTS'] ?? 400);
const cutsEach = 10;
/** Of one user, within the limit of sockets. */
const subscribersOfOne = 4;
const writers = 8;
const settledMs = 60_000;

type Told = { readonly seq: number; readonly order: { readonly id: string }; readonly event: { readonly seq: number } };
const orderEvents = 'subscription ($id: ID!, $after: SafeInt) { told: orderEvents(orderId: $id, afterSeq: $after) { seq order { id } event { seq } } }'; // prettier-ignore
const myOrders = 'subscription ($after: SafeInt) { told: myOrders(afterSeq: $after) { seq order { id } event { seq } } }'; // prettier-ignore

/** A client as a frontend writes it: it subscribes after the last seq that it has, again and again. */
function follow(platform: Platform, person: Person, orderId: string | null) {
  const told: Told[] = [];
  let client: Client | undefined;
  let socket: WebSocket | undefined;
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      const own = createClient({ url: platform.wsUrl, webSocketImpl: WebSocket, retryAttempts: 0, on: { opened: (opened) => (socket = opened as WebSocket) }, connectionParams: { authorization: `Bearer ${person.token}` } }); // prettier-ignore
      client = own;
      const after = told.at(-1)?.seq ?? 0;
      own.subscribe<{ told: Told }>(
        { query: orderId === null ? myOrders : orderEvents, variables: { id: orderId ?? undefined, after } },
        { next: ({ data }) => void (data && told.push(data.told)), error: () => resolve(), complete: () => resolve() },
      );
      await closed;
      await own.dispose();
      await sleep(20 + Math.random() * 100);
    }
  })();
  return {
    told,
    orderId,
    /** The connection is gone without a word. */
    cut: () => socket?.terminate(),
    async stop() {
      stopped = true;
      await client?.dispose();
      await running;
    },
  };
}

/** The processes that the platform's supervisor has started with this entry file. */
const processesOf = (supervisorPid: number, file: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        return Number(parent) === supervisorPid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(file);
      } catch {
        return false; // it has ended meanwhile
      }
    });

describe('subscribers whose connections are cut, while gateway and order process are killed', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await startPlatform({ shape: 'split', env: { PAYMENT_WINDOW_SECONDS: '3600' } });
  }, 120_000);
  afterAll(async () => {
    await platform?.stop();
  }, 60_000);

  const kill = (file: string) => {
    const pids = processesOf(platform.pid(), file);
    expect(pids).toHaveLength(1);
    process.kill(pids[0] as number, 'SIGKILL');
  };

  test(`${subscribers} of them have each sequence number of ${events} events once and in order`, async () => {
    const staff = await logInAsAdmin(platform);
    const product = await createProduct(platform, staff, { onHand: subscribers });
    const people: { person: Person; orderId: string }[] = [];
    for (let count = 0; count < subscribers / subscribersOfOne; count += 1) {
      const person = await register(platform);
      people.push({ person, orderId: (await placeOrder(platform, person, [{ productId: product.id, quantity: 1 }])).id }); // prettier-ignore
    }
    const watchers = people.flatMap(
      ({ person, orderId }) =>
      Array.from({ length: subscribersOfOne }, (_, index) => follow(platform, person, index % 2 === 0 ? orderId : null)), // prettier-ignore
    );

    let written = 0;
    let started = 0;
    const write = async (): Promise<void> => {
      while (started < events) {
        const index = started;
        started += 1;
        const { person, orderId } = people[index % people.length] as (typeof people)[number];
        const change = () =>
          platform
            .gql<{ updateOrderRemark: { userErrors: unknown[] } }>('mutation ($id: ID!, $remark: String!) { updateOrderRemark(id: $id, remark: $remark) { userErrors { __typename } } }', { id: orderId, remark: String(index) }, { token: person.token }) // prettier-ignore
            .then(({ data }) => data?.updateOrderRemark.userErrors.length === 0, () => false); // prettier-ignore
        await until(change, { timeoutMs: settledMs, everyMs: 100, what: 'a change of an order' });
        written += 1;
      }
    };
    const cutting = watchers.map(async (watcher) => {
      for (let cut = 1; cut <= cutsEach; cut += 1) {
        const at = ((cut - 1 + Math.random()) / cutsEach) * events;
        await until(() => written >= at, { timeoutMs: settledMs * 3, what: 'the next cut' });
        watcher.cut();
      }
    });
    const killing = (async () => {
      await until(() => written >= events / 3, { timeoutMs: settledMs * 3 });
      kill('subgraphs/order/server.ts');
      await until(() => written >= (events * 2) / 3, { timeoutMs: settledMs * 3 });
      kill('gateway/server.ts');
    })();
    await Promise.all([...Array.from({ length: writers }, write), ...cutting, killing]);

    // A change whose answer was lost has happened although the writer repeated it: the journals know.
    const last = new Map<string, number>();
    for (const { person, orderId } of people) {
      const { data } = await platform.gql<{ order: { history: { edges: { node: { seq: number } }[] } } }>('query ($id: ID!, $after: SafeInt) { order(id: $id) { history(first: 100, afterSeq: $after) { edges { node { seq } } } } }', { id: orderId, after: Math.floor(events / people.length) }, { token: person.token }); // prettier-ignore
      last.set(orderId, data?.order.history.edges.at(-1)?.node.seq ?? Number.NaN);
    }
    const orderOf = (index: number) => people[Math.floor(index / subscribersOfOne)]?.orderId ?? '';
    await until(() => watchers.every(({ told }, index) => (told.at(-1)?.event.seq ?? 0) >= (last.get(orderOf(index)) as number)), { timeoutMs: settledMs, what: 'the last event at every subscriber' }); // prettier-ignore
    await Promise.all(watchers.map((watcher) => watcher.stop()));

    for (const [index, { told }] of watchers.entries()) {
      const expected = Array.from({ length: last.get(orderOf(index)) as number }, (_, at) => at + 1);
      expect(told.map(({ event }) => event.seq)).toEqual(expected);
      expect(told.every(({ seq }, at) => at === 0 || seq > (told[at - 1] as Told).seq)).toBe(true);
    }
    await expectCleanAudit(platform);
  }, 400_000);
});
