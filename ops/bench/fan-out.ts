import { readFileSync, readdirSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type BenchPlatform, startBenchPlatform } from './bench-platform.ts';
import { cpuMs, machine, percentiles, residentMiB, round, writeResults } from './measure.ts';
import { signInStaff } from './staff.ts';

/** The gateway's limit of sockets for one user. */
const socketsOfOne = 5;
/** Orders that change often and are read with much of their journal, by one slow reader each. */
const hotOrders = 10;
const lanes = 16;
const warmUpSeconds = 3;
const restSeconds = 3;

const signed = '{ user { id } tokens { accessToken } userErrors { __typename } }';
const register = `mutation ($input: RegisterInput!) { signed: register(input: $input) ${signed} }`;
const place = 'mutation ($input: PlaceOrderInput!, $key: String!) { placeOrder(input: $input, idempotencyKey: $key) { order { id } } }'; // prettier-ignore
const change = 'mutation ($id: ID!, $remark: String!) { updateOrderRemark(id: $id, remark: $remark) { order { id } userErrors { ... on UserError { code message } } } }'; // prettier-ignore
const watch = 'subscription ($id: ID!, $after: SafeInt) { orderEvents(orderId: $id, afterSeq: $after) { order { id state remark customer { name } } event { seq type at } } }'; // prettier-ignore
const watchAll = 'subscription ($id: ID!, $after: SafeInt) { orderEvents(orderId: $id, afterSeq: $after) { order { id state remark history(first: 100) { edges { node { id seq type at data hash traceId reason actorId } } } } event { seq type at } } }'; // prettier-ignore

type Buyer = { readonly token: string; readonly orderId: string };
type Watcher = { readonly socket: WebSocket; readonly hot: boolean; readonly slow: boolean };

/** How long events took from the change's own time to the client, while they are counted. */
type Sink = { open: boolean; readonly normalMs: number[]; readonly besideSlowMs: number[]; delivered: number };

function openWatcher(
  url: string,
  buyer: Buyer,
  options: { hot: boolean; slow: boolean; sink: Sink },
): Promise<Watcher> {
  const { hot, slow, sink } = options;
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false, maxPayload: 4 * 2 ** 20 });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', (code) => reject(new Error(`a socket was closed with ${code}`)));
    socket.once('open', () =>
      socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${buyer.token}` } })),
    );
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { type: string; payload?: { data?: { orderEvents: { event: { at: string } } } } }; // prettier-ignore
      if (message.type === 'connection_ack') {
        const payload = { query: hot ? watchAll : watch, variables: { id: buyer.orderId, after: 2 } };
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
        resolve({ socket, hot, slow });
      } else if (message.type === 'next' && message.payload?.data) {
        if (!sink.open) return;
        sink.delivered += 1;
        const tookMs = Date.now() - Date.parse(message.payload.data.orderEvents.event.at);
        if (!slow) (hot ? sink.besideSlowMs : sink.normalMs).push(tookMs);
      } else if (message.type !== 'ping') reject(new Error(`not an event: ${data.toString().slice(0, 300)}`));
    });
  });
}

/** Runs `work` for each item on a few lanes. */
async function onLanes<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
  count = lanes,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next;
      next += 1;
      results[index] = await work(items[index] as Item);
    }
  };
  await Promise.all(Array.from({ length: count }, lane));
  return results;
}

async function makeBuyers(platform: BenchPlatform, count: number): Promise<Buyer[]> {
  type Signed = { signed: { tokens: { accessToken: string } } };
  const staff = await signInStaff(platform);
  const productId = await staff.createProduct({
    sku: 'FAN-OUT', name: 'Watched', description: 'For measuring.', priceMinor: 1_000, initialOnHand: count,
  }); // prettier-ignore
  const lines = [{ productId, quantity: 1 }];
  return onLanes(Array.from({ length: count }, (_, index) => index), async (index) => {
    const person = { name: `Buyer ${index}`, mobile: `1870${String(index).padStart(7, '0')}`, password: 'bench password 1' }; // prettier-ignore
    const token = (await platform.gql<Signed>(register, { input: person })).signed.tokens.accessToken;
    const { placeOrder } = await platform.gql<{ placeOrder: { order: { id: string } } }>(place, { input: { currency: 'EUR', lines }, key: randomUUID() }, token); // prettier-ignore
    return { token, orderId: placeOrder.order.id };
  }); // prettier-ignore
}

async function changeOrder(
  platform: BenchPlatform,
  variables: { id: string; remark: string },
  token: string,
): Promise<void> {
  const { updateOrderRemark } = await platform.gql<{ updateOrderRemark: { userErrors: unknown[] } }>(change, variables, token); // prettier-ignore
  if (updateOrderRemark.userErrors.length > 0) throw new Error(JSON.stringify(updateOrderRemark.userErrors));
}

/** Changes orders at a steady rate, however long each change takes; a tenth of them hot ones. */
async function changeOrders(
  platform: BenchPlatform,
  buyers: readonly Buyer[],
  options: { perSecond: number; seconds: number },
): Promise<number> {
  const total = options.perSecond * options.seconds;
  const startedAt = performance.now();
  const changes: Promise<unknown>[] = [];
  for (let index = 0; index < total; index += 1) {
    const dueMs = startedAt + (index * 1_000) / options.perSecond - performance.now();
    if (dueMs > 1) await sleep(dueMs);
    const isHot = index % 10 === 0;
    const at = isHot ? Math.floor(index / 10) % hotOrders : hotOrders + Math.floor(Math.random() * (buyers.length - hotOrders)); // prettier-ignore
    const { token, orderId } = buyers[at] as Buyer;
    changes.push(
      changeOrder(platform, { id: orderId, remark: `${randomUUID()} ${'x'.repeat(isHot ? 200 : 10)}` }, token),
    );
  }
  await Promise.all(changes);
  return total;
}

function childOf(supervisorPid: number, file: string): number {
  const found = readdirSync('/proc').find((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/status`, 'utf8').includes(`\nPPid:\t${supervisorPid}\n`) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(file); // prettier-ignore
    } catch {
      return false; // it has ended meanwhile
    }
  });
  if (!found) throw new Error(`no process of ${file}`);
  return Number(found);
}

/** Counters of the gateway's streams by outcome. */
async function streamCounts(platform: BenchPlatform): Promise<Record<string, number>> {
  const text = await (await fetch(platform.metricsUrl)).text();
  const found = text.matchAll(/^subscription_events_total\{outcome="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, outcome, count]) => [outcome, Number(count)]));
}

/**
 * `npm run bench -- fan-out [sockets = 5000] [events a second = 200] [seconds = 20]`: that many sockets on one gateway
 * process, five of each customer on the customer's own order, while orders change.
 */
export async function benchFanOut(args: readonly string[]): Promise<void> {
  const [sockets = 5_000, perSecond = 200, seconds = 20] = args.map(Number);
  const platform = await startBenchPlatform({
    args: ['--split'],
    env: { PAYMENT_WINDOW_SECONDS: '7200', MAX_CONNECTIONS_PER_ADDRESS: '20000' },
  });
  try {
    const gatewayPid = childOf(platform.pids['platform'] as number, 'gateway/server.ts');
    console.log(`registering ${sockets / socketsOfOne} customers with an order each …`);
    const buyers = await makeBuyers(platform, Math.ceil(sockets / socketsOfOne));
    await changeOrders(platform, buyers, { perSecond: 50, seconds: warmUpSeconds });
    await sleep(restSeconds * 1_000);
    const beforeMiB = residentMiB(gatewayPid);

    const sink: Sink = { open: false, normalMs: [], besideSlowMs: [], delivered: 0 };
    const seats = buyers.flatMap((buyer, index) => Array.from({ length: socketsOfOne }, (_, seat) => ({ buyer, hot: index < hotOrders, slow: index < hotOrders && seat === 0 }))); // prettier-ignore
    const watchers = await onLanes(seats, ({ buyer, hot, slow }) => openWatcher(platform.wsUrl, buyer, { hot, slow, sink }), 64); // prettier-ignore
    await sleep(restSeconds * 1_000);
    const openMiB = residentMiB(gatewayPid);

    const countsBefore = await streamCounts(platform);
    for (const { socket, slow } of watchers) if (slow) socket.pause();
    const cpuBefore = cpuMs(gatewayPid);
    sink.open = true;
    const events = await changeOrders(platform, buyers, { perSecond, seconds });
    await sleep(1_000);
    sink.open = false;
    const cpu = cpuMs(gatewayPid) - cpuBefore;
    const counts = await streamCounts(platform);
    const during = (outcome: string) => (counts[outcome] ?? 0) - (countsBefore[outcome] ?? 0);

    const slowReaders = watchers.filter(({ slow }) => slow).length;
    const expected = events * socketsOfOne;
    const figures = {
      sockets: watchers.length,
      eventsPerSecond: perSecond,
      events,
      delivered: sink.delivered,
      expectedWithoutSlow: expected - (events / 10) * (slowReaders / hotOrders),
      executed: during('executed'),
      executionsPerEvent: round(during('executed') / events, 2),
      detached: during('detached'),
      latencyMs: percentiles({ done: 0, seconds, latenciesMs: sink.normalMs }),
      latencyBesideSlowReadersMs: percentiles({ done: 0, seconds, latenciesMs: sink.besideSlowMs }),
      kibPerSocket: round(((openMiB - beforeMiB) * 1024) / watchers.length),
      gatewayMiB: { before: round(beforeMiB), open: round(openMiB), after: round(residentMiB(gatewayPid)) },
      gatewayCpuMsPerEvent: round(cpu / events, 2),
    };
    const { latencyMs, latencyBesideSlowReadersMs, gatewayMiB, ...flat } = figures;
    console.table(flat);
    console.table({ 'resident MiB of the gateway': gatewayMiB });
    console.table({ 'all others': latencyMs, 'tabs beside a slow one': latencyBesideSlowReadersMs });
    await writeResults('fan-out', { machine: await machine(platform.connection), ...figures });
    if (sink.delivered < figures.expectedWithoutSlow) {
      console.error(
        `${figures.expectedWithoutSlow - sink.delivered} events did not arrive within a second of the last change`,
      );
      process.exitCode = 1;
    }
    for (const { socket } of watchers) socket.removeAllListeners('close').terminate();
  } finally {
    await platform.stop();
  }
}
