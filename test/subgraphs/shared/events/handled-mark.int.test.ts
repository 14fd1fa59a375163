import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { partitionOf, streamOf } from '../../../../subgraphs/shared/tables/outbox.ts';
import { type HandledMark, openHandledMark } from '../../../../subgraphs/shared/events/handled-mark.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { streamsOf } from '../../../../subgraphs/shared/events/outbox-relay.ts';
import { realTime } from '../../../../subgraphs/shared/time/time.ts';
import { until } from '../../../support/until.ts';
import { type EventsWorld, openEventsWorld } from '../events-world.ts';

let world: EventsWorld;
beforeAll(async () => {
  world = await openEventsWorld();
});
afterAll(async () => {
  await world?.close();
});

let source: string;
let mark: HandledMark;
let seen: number;
const running: { stop(): Promise<void> }[] = [];
beforeEach(async () => {
  source = world.service();
  seen = 0;
  mark = openHandledMark({ service: source, redis: world.redis, streams: streamsOf(source), time: realTime });
  await world.empty();
});
afterEach(stopAll);

async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map((one) => one.stop()));
}
const relay = () => running.push(world.relay(source));
const consume = () =>
  running.push(world.consume('consumer', source, { 'thing.happened': async () => void (seen += 1) }));
/** Twice, as a relay does every few seconds: what was published before the first time is looked for the second time. */
async function moveOn(isWhole = true): Promise<string | null> {
  for (let times = 0; times < 2; times += 1) await mark.moveOn(world.db.em(), async () => isWhole);
  return mark.read(world.db.em());
}
async function publish(aggregateId: string, count: number): Promise<void> {
  await world.append(aggregateId, count);
  const open = () => world.rows('select id from outbox where published_at is null');
  await until(async () => (await open()).length === 0);
  // The mark keeps a second's distance.
  await world.rows('update outbox set published_at = published_at - interval 5 second');
}
const entries = (aggregateId: string) => world.redis.xLen(streamOf(source, partitionOf(aggregateId)));
const times = async () =>
  (await world.rows("select date_format(max(published_at), '%Y-%m-%dT%T.%f') as at from outbox"))[0]?.['at'];
const acknowledged = async (aggregateId: string) =>
  (await world.redis.xPending(streamOf(source, partitionOf(aggregateId)), 'consumer')).pending === 0;

describe('what all consumers have handled', () => {
  test('is not published again when Redis has lost everything, and what is new goes on', async () => {
    const aggregateId = newId();
    relay();
    consume();
    await publish(aggregateId, 20);
    await until(() => seen === 20);
    await until(() => acknowledged(aggregateId));
    expect(((await moveOn()) ?? '') > String(await times())).toBe(true);
    await stopAll();
    await world.redis.flushAll();
    relay();
    consume();
    await world.append(aggregateId, 1);
    await until(() => seen === 21);
    expect(await entries(aggregateId)).toBe(1);
  }, 30_000);

  test('does not speak for what was published after it was looked at', async () => {
    const [early, late] = [newId(), newId()];
    relay();
    consume();
    await publish(early, 1);
    await until(() => seen === 1);
    await mark.moveOn(world.db.em(), async () => true);
    await stopAll();
    relay();
    await world.append(late, 1);
    await until(async () => (await entries(late)) > 0);
    await mark.moveOn(world.db.em(), async () => true);
    await stopAll();
    await world.redis.flushAll();
    relay();
    consume();
    await until(() => seen === 2);
  }, 30_000);
});

describe('the mark stays where it is', () => {
  test('while an event was given to a consumer and not acknowledged', async () => {
    const aggregateId = newId();
    const stream = streamOf(source, partitionOf(aggregateId));
    relay();
    await publish(aggregateId, 1);
    expect(await moveOn()).toBeNull();
    await world.redis.xGroupCreate(stream, 'slow', '0');
    expect(await moveOn()).toBeNull();
    const read = (await world.redis.xReadGroup('slow', 'one', { key: stream, id: '>' })) as unknown as { messages: { id: string }[] }[]; // prettier-ignore
    expect(await moveOn()).toBeNull();
    await world.redis.xAck(stream, 'slow', read[0]?.messages[0]?.id ?? '');
    expect(await moveOn()).not.toBeNull();
  });

  test('while a consumer that there was has not come back after Redis lost it', async () => {
    const aggregateId = newId();
    const stream = streamOf(source, partitionOf(aggregateId));
    relay();
    consume();
    await publish(aggregateId, 1);
    await until(() => acknowledged(aggregateId).catch(() => false));
    await world.redis.xGroupCreate(stream, 'second', '$');
    const before = await moveOn();
    expect(before).not.toBeNull();
    await world.redis.flushAll();
    mark.forget();
    await publish(aggregateId, 1);
    await until(() => seen === 2);
    expect(await moveOn()).toBe(before);
    await world.redis.xGroupCreate(stream, 'second', '$');
    expect(((await moveOn()) ?? '') > String(before)).toBe(true);
  }, 30_000);

  test('while Redis may have lost something that no relay has noticed', async () => {
    const aggregateId = newId();
    relay();
    consume();
    await publish(aggregateId, 1);
    await until(() => acknowledged(aggregateId).catch(() => false));
    expect(await moveOn(false)).toBeNull();
    expect(await moveOn()).not.toBeNull();
  });

  test('where nothing was consumed yet', async () => {
    expect(await moveOn()).toBeNull();
  });
});
