import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { eventPartitions, streamOf } from '../../../../subgraphs/shared/tables/outbox.ts';
import { idToBytes, newId } from '../../../../subgraphs/shared/values/ids.ts';
import { maxRepublishAgeDays, outboxRetentionHours } from '../../../../subgraphs/shared/events/outbox-loss.ts';
import { purgeOutbox, trimStream } from '../../../../subgraphs/shared/events/outbox-relay.ts';
import { inboxRetentionDays } from '../../../../subgraphs/shared/tables/retention.ts';
import { type EventsWorld, openEventsWorld } from '../events-world.ts';
import { until } from '../../../support/until.ts';

let world: EventsWorld;
let source: string;
beforeAll(async () => {
  world = await openEventsWorld();
});
afterAll(async () => {
  await world?.close();
});
beforeEach(async () => {
  source = world.service();
  await world.rows('delete from outbox');
});

const unpublished = async () =>
  Number((await world.rows('select count(*) as n from outbox where published_at is null'))[0]?.['n']);
async function inStreams(): Promise<string[]> {
  const entries = await Promise.all(
    Array.from({ length: eventPartitions }, (_, partition) =>
      world.redis.xRange(streamOf(source, partition), '-', '+'),
    ),
  );
  return entries.flat().map((entry) => (JSON.parse(String(entry?.message['event'])) as { id: string }).id);
}

test('rows whose kick never came, since their process died after the commit, are published by the sweep', async () => {
  const relay = world.relay(source);
  await until(async () => (await world.redis.get(`events:${source}:marker`)) !== null);
  relay.kick = () => undefined;
  await world.append(newId(), 3);
  await until(async () => (await unpublished()) === 0, { timeoutMs: 25_000 });
  await relay.stop();
}, 40_000);

test('a kick publishes at once, without waiting for the poll', async () => {
  const relay = world.relay(source);
  await until(async () => (await world.redis.get(`events:${source}:marker`)) !== null);
  const started = performance.now();
  for (let published = 1; published <= 5; published += 1) {
    await world.append(newId(), 1);
    relay.kick();
    await until(async () => (await inStreams()).length === published);
  }
  // Each poll is a second after the turn before.
  expect(performance.now() - started).toBeLessThan(3_000);
  await relay.stop();
});

test('what can wait goes out by itself soon, and at the latest when its relay stops', async () => {
  const relay = world.relay(source);
  await until(async () => (await world.redis.get(`events:${source}:marker`)) !== null);
  const { kickSoon } = relay;
  relay.kick = () => undefined; // that of the world, not the relay's own
  await world.append(newId(), 1);
  kickSoon();
  await until(async () => (await unpublished()) === 0, { timeoutMs: 5_000 });
  await world.append(newId(), 1);
  kickSoon();
  await relay.stop();
  expect([await unpublished(), (await inStreams()).length]).toEqual([0, 2]);
});

test('two relays side by side publish each event, and each once', async () => {
  const relays = [world.relay(source), world.relay(source)];
  const appending = Promise.all(Array.from({ length: 6 }, () => world.append(newId(), 40)));
  const kicking = setInterval(() => relays.forEach((relay) => relay.kick()), 5);
  const events = (await appending).flat();
  await until(async () => (await unpublished()) === 0);
  clearInterval(kicking);
  await Promise.all(relays.map((relay) => relay.stop()));
  const published = await inStreams();
  expect(published.toSorted()).toEqual(events.map(({ id }) => id).toSorted());
}, 20_000);

test('more events than a batch are published in order', async () => {
  const aggregateId = newId();
  const events = await world.append(aggregateId, 450);
  const relay = world.relay(source);
  await until(async () => (await unpublished()) === 0);
  await relay.stop();
  expect(await inStreams()).toEqual(events.map(({ id }) => id));
}, 20_000);

test('what a relay claimed and left is published when its lease has ended', async () => {
  const before = world.relay(source);
  await until(async () => (await world.redis.get(`events:${source}:marker`)) !== null);
  await before.stop();
  await world.append(newId(), 1);
  await world.rows('update outbox set claimed_by = ?, claimed_until = utc_timestamp(3) + interval 2 second', [
    Buffer.alloc(16, 1),
  ]);
  const relay = world.relay(source);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await inStreams()).toEqual([]);
  await until(async () => (await inStreams()).length === 1);
  await relay.stop();
});

test('what Redis did not take goes out as soon as it does, long before the claim ends', async () => {
  const relay = world.relay(source);
  await until(async () => (await world.redis.get(`events:${source}:marker`)) !== null);
  const streams = Array.from({ length: eventPartitions }, (_, partition) => streamOf(source, partition));
  // Nothing can be added to a key that is no stream.
  for (const stream of streams) await world.redis.set(stream, 'no stream');
  const [event] = await world.append(newId(), 1);
  await until(async () => (await world.rows('select 1 from outbox where claimed_by is not null')).length === 1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await unpublished()).toBe(1);
  await world.redis.del(streams);
  await until(async () => (await unpublished()) === 0, { timeoutMs: 5_000 });
  expect(await inStreams()).toEqual([event?.id]);
  await relay.stop();
});

test('a database that is away is waited for', async () => {
  const relay = world.relay(source);
  await world.append(newId(), 1);
  await until(async () => (await unpublished()) === 0);
  world.databaseProxy.cut();
  relay.kick();
  await new Promise((resolve) => setTimeout(resolve, 300));
  world.databaseProxy.mend();
  await until(() => world.db.ping().then(() => true, () => false)); // prettier-ignore
  await world.append(newId(), 1);
  await until(async () => (await inStreams()).length === 2);
  await relay.stop();
});

test('Redis that comes back without its last writes gets them again, and only them', async () => {
  const publish = async (): Promise<string> => {
    const [event] = await world.append(newId(), 1);
    const relay = world.relay(source);
    await until(async () => (await unpublished()) === 0);
    await relay.stop();
    return String(event?.id);
  };
  const kept = await publish();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const second = world.relay(source); // a start moves the marker on
  const before = await world.redis.get(`events:${source}:marker`);
  await until(async () => (await world.redis.get(`events:${source}:marker`)) !== before);
  await second.stop();
  const snapshot = String(await world.redis.get(`events:${source}:marker`));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const lost = await publish();
  // As after a power cut: the snapshot is of an earlier moment and of another run of the server.
  for (let partition = 0; partition < eventPartitions; partition += 1)
    for (const entry of (await world.redis.xRange(streamOf(source, partition), '-', '+')) ?? [])
      if (String(entry?.message['event']).includes(lost))
        await world.redis.xDel(streamOf(source, partition), entry?.id ?? '');
  await world.redis.set(`events:${source}:marker`, `${'0'.repeat(40)}${snapshot.slice(40)}`);
  expect(await inStreams()).toEqual([kept]);
  const relay = world.relay(source);
  await until(async () => (await inStreams()).includes(lost));
  await until(async () => (await unpublished()) === 0);
  await relay.stop();
  expect((await inStreams()).toSorted()).toEqual([kept, lost].toSorted());
}, 20_000);

test('what another relay was publishing when Redis was lost is published again, whatever that one notes', async () => {
  await world.append(newId(), 1);
  const other = Buffer.alloc(16, 2);
  // It has written to the Redis that is gone, and has not come to note it.
  await world.rows('update outbox set claimed_by = ?, claimed_until = utc_timestamp(3) + interval 15 second', [other]);
  await world.redis.set(`events:${source}:marker`, `${'0'.repeat(40)} 2026-01-01T00:00:00.000000`);
  const relay = world.relay(source);
  await until(async () => !(await world.redis.get(`events:${source}:marker`))?.startsWith('0000'));
  await world.rows('update outbox set published_at = utc_timestamp(3) where claimed_by = ? and published_at is null', [
    other,
  ]);
  await until(async () => (await inStreams()).length === 1);
  await relay.stop();
});

test('what another relay publishes into a Redis that is emptied before a loss is dealt with is published again', async () => {
  const marker = `events:${source}:marker`;
  const [kept] = await world.append(newId(), 1);
  await world.rows('update outbox set published_at = utc_timestamp(3)');
  // A row that is locked holds the relay up while it is looking at what was lost.
  await world.rows('start transaction');
  await world.rows('select id from outbox where id = ? for update', [idToBytes(String(kept?.id))]);
  const relay = world.relay(source);
  await until(async () => (await world.redis.get(marker))?.startsWith('lost ') === true);
  await new Promise((later) => setTimeout(later, 300));
  const gone = newId();
  await world.rows(
    `insert into outbox (id, aggregate_id, type, trace_id, data, created_at, published_at)
     select ?, aggregate_id, type, trace_id, data, created_at, utc_timestamp(3) from outbox where id = ?`,
    [idToBytes(gone), idToBytes(String(kept?.id))],
  );
  await world.redis.del(marker);
  await world.rows('commit');
  await until(async () => new Set(await inStreams()).size === 2);
  await until(async () => (await world.redis.get(marker))?.startsWith('lost ') === false);
  await relay.stop();
  expect(new Set(await inStreams())).toEqual(new Set([kept?.id, gone]));
});

test('however often Redis loses everything, no event is published again when consumers may have forgotten it', async () => {
  const [old, fresh] = await world.append(newId(), 2);
  await world.rows('update outbox set published_at = utc_timestamp(3) - interval 1 hour');
  await world.rows('update outbox set created_at = utc_timestamp(3) - interval ? day where id = ?', [
    inboxRetentionDays,
    idToBytes(String(old?.id)),
  ]);
  const relay = world.relay(source);
  await until(async () => (await inStreams()).length > 0);
  await until(async () => (await unpublished()) === 0);
  await relay.stop();
  expect(await inStreams()).toEqual([fresh?.id]);
  expect(maxRepublishAgeDays * 24).toBeGreaterThan(outboxRetentionHours);
});

test('published rows are kept for the time that they may be needed again, unpublished ones for ever', async () => {
  await world.append(newId(), 3);
  const [first, second] = await world.rows('select id from outbox order by id');
  await world.rows('update outbox set published_at = utc_timestamp(3) - interval ? hour where id = ?', [
    outboxRetentionHours + 1,
    first?.['id'],
  ]);
  await world.rows('update outbox set published_at = utc_timestamp(3) - interval ? hour where id = ?', [
    outboxRetentionHours - 1,
    second?.['id'],
  ]);
  await world.rows('update outbox set created_at = utc_timestamp(3) - interval 1 year');
  expect(await purgeOutbox(world.db.em())).toBe(1);
  expect(await world.rows('select count(*) as n from outbox')).toEqual([{ n: 2 }]);
});

test('a stream loses only what every group has acknowledged, and nothing of the last hour', async () => {
  const { redis } = world;
  const stream = streamOf(source, 0);
  const ids: string[] = [];
  for (let n = 0; n < 6; n += 1) ids.push(await redis.xAdd(stream, '*', { event: String(n) }));
  expect(await trimStream(redis, stream, 0)).toBe(0);

  for (const group of ['quick', 'slow', 'idle']) await redis.xGroupCreate(stream, group, '0');
  const read = (group: string, count: number) =>
    redis.xReadGroup(group, 'one', { key: stream, id: '>' }, { COUNT: count });
  await Promise.all([read('quick', 6), read('slow', 4)]);
  await redis.xAck(stream, 'quick', ids);
  await redis.xAck(stream, 'slow', ids.slice(0, 2));
  expect(await trimStream(redis, stream, 0)).toBe(0); // nothing was delivered to idle yet

  await read('idle', 5);
  await redis.xAck(stream, 'idle', ids.slice(0, 5));
  expect(await trimStream(redis, stream)).toBe(0); // all of it is young
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await trimStream(redis, stream, 0)).toBe(2); // slow has left its third entry unacknowledged
  const left = (await redis.xRange(stream, '-', '+')) ?? [];
  expect(left.flatMap((entry) => entry?.id ?? [])).toEqual(ids.slice(2));
});
