import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { testBody } from '../../../../subgraphs/user/webhooks/catalogue.ts';
import { type Delivery, insertDeliveries } from '../../../../subgraphs/user/webhooks/delivery-store.ts';
import { newDelivery } from '../../../../subgraphs/user/webhooks/webhook-events.ts';
import { until } from '../../../support/until.ts';
import { type Received, type Receiver, silence, startReceiver, status, taken } from './receiver.ts';
import { type WebhookWorld, openWebhookWorld } from './webhook-world.ts';

const orders = 2_000;
const eventsPerOrder = 5;
const events = orders * eventsPerOrder;
const batch = 1_000;
const concurrency = 64;
/** Messages for the other endpoint, in each phase. */
const told = 5;

let world: WebhookWorld;
let bad: Receiver;
let good: Receiver;
beforeAll(async () => {
  world = await openWebhookWorld();
  [bad, good] = await Promise.all([startReceiver(), startReceiver()]);
});
afterAll(async () => {
  await world.close();
  await Promise.all([bad.close(), good.close()]);
});

/** Deliveries as the inbox transactions make them, order by order. */
function* deliveriesFor(endpointId: string, count: number): Generator<Delivery> {
  for (let order = 0; order < count; order += 1) {
    const subjectId = newId();
    for (let seq = 1; seq <= eventsPerOrder; seq += 1) {
      const body = { ...testBody(endpointId, new Date()), data: { orderId: subjectId, seq } };
      yield newDelivery(world.deps, { endpointId, eventId: newId(), subjectId, body, customerId: null, last: seq === 1 ? null : { place: seq - 1, waitsFor: new Date() }, at: new Date() }); // prettier-ignore
    }
  }
}
async function enqueue(endpointId: string, count: number): Promise<void> {
  const rows: Delivery[] = [];
  for (const delivery of deliveriesFor(endpointId, count)) {
    rows.push(delivery);
    if (rows.length === batch) await insertDeliveries(world.db.em(), rows.splice(0));
  }
}
const open = async (endpointId: string): Promise<number> =>
  Number((await world.platform.sql("select count(*) n from outgoing_delivery where endpoint_id = unhex(?) and state in ('PENDING', 'FAILED')", [endpointId.replaceAll('-', '')]))[0]?.['n']); // prettier-ignore

it('[PM-3] 10,000 events reach an endpoint that fails, hangs, is slow and comes back, in order per order, while workers die; another one is unharmed', async () => {
  const admin = await world.person('ADMIN');
  const save = async (url: string): Promise<string> =>
    (await world.mutate('saveWebhookEndpoint', { url, events: ['order.completed'] }, admin)).webhookEndpoint.id;
  const [badId, goodId] = [await save(bad.url), await save(good.url)];
  await enqueue(badId, orders);

  const takenSeqs = new Map<string, number[]>();
  const take = (message: Received): void => {
    const { orderId, seq } = JSON.parse(message.body).data as { orderId: string; seq: number };
    const seqs = takenSeqs.get(orderId);
    if (seqs) seqs.push(seq);
    else takenSeqs.set(orderId, [seq]);
  };
  const slow: Receiver['answer'] = (message, response) => {
    take(message);
    setTimeout(() => taken(message, response), 20);
  };
  const healthy: Receiver['answer'] = (message, response) => {
    take(message);
    taken(message, response);
  };
  const calm = {
    timeoutMs: 10_000, leaseMs: 15_000, firstRetryMs: 20, maxRetryMs: 100, firstPauseMs: 10, maxPauseMs: 50, concurrencyPerEndpoint: concurrency, gatherMs: 10,
  }; // prettier-ignore
  const hurried = { ...calm, timeoutMs: 200, leaseMs: 1_000 };
  const tellGood = (): Promise<void> => {
    const id = newId();
    const given = { endpointId: goodId, eventId: id, subjectId: id, body: testBody(goodId, new Date()), customerId: null, last: null, at: new Date() }; // prettier-ignore
    return insertDeliveries(world.db.em(), [newDelivery(world.deps, given)]);
  };

  for (const [answer, policy] of [
    [status(500), hurried],
    [silence, hurried],
    [slow, calm],
  ] as const) {
    bad.answer = answer;
    const workers = [world.work(policy), world.work(policy)];
    const [before, goodBefore] = [bad.received.length, good.received.length];
    for (let count = 0; count < told; count += 1) await tellGood();
    // The other one is served while this one is not.
    await until(() => good.received.length >= goodBefore + told && bad.received.length >= before + told, { timeoutMs: 30_000 }); // prettier-ignore
    // They die with what they have sent and not recorded.
    for (const worker of workers) worker.kill();
  }
  bad.answer = healthy;
  const last = [world.work(calm), world.work(calm)];
  const isOver = async () => takenSeqs.size === orders && (await open(badId)) === 0;
  await until(isOver, { timeoutMs: 120_000, everyMs: 250, what: 'the end of all deliveries' });
  await Promise.all(last.map((worker) => worker.stop()));

  const firsts = [...takenSeqs.values()].map((seqs) => seqs.filter((seq, index) => seqs.indexOf(seq) === index));
  expect(firsts.filter((seqs) => seqs.join() !== '1,2,3,4,5')).toEqual([]);
  const [sent] = await world.platform.sql("select count(*) n from outgoing_delivery where state = 'SENT'");
  expect(Number(sent?.['n'])).toBe(events + 3 * told);
  // Of what the two that died in the slow phase had sent and not recorded.
  const twice = [...takenSeqs.values()].reduce((sum, seqs) => sum + seqs.length, 0) - events;
  expect(twice).toBeLessThan(events / 10);
}, 180_000);
