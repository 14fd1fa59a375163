import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Sql, write } from '../../../../subgraphs/shared/database/database.ts';
import {
  type DomainEvent,
  eventPartitions,
  partitionOf,
  streamOf,
} from '../../../../subgraphs/shared/tables/outbox.ts';
import type { EventHandler } from '../../../../subgraphs/shared/events/handle-events.ts';
import { idToBytes, newId } from '../../../../subgraphs/shared/values/ids.ts';
import { type EventsWorld, openEventsWorld } from '../events-world.ts';
import { sentDuring } from '../../../support/statements.ts';
import { until } from '../../../support/until.ts';

let world: EventsWorld;
beforeAll(async () => {
  world = await openEventsWorld();
});
afterAll(async () => {
  await world?.close();
});

let source: string;
const running: { stop(): Promise<void> }[] = [];
beforeEach(async () => {
  source = world.service();
  await world.empty();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

const apply = (tx: Sql, event: DomainEvent): Promise<unknown> =>
  write(tx, 'insert into applied (aggregate_id, n) values (?, ?)', [
    idToBytes(event.aggregateId),
    Number(event.data['n']),
  ]);
const applying: EventHandler = async (tx, event) => {
  await apply(tx, event);
};
const relay = () => {
  const started = world.relay(source);
  running.push(started);
  return started;
};
const consume = (handler: EventHandler = applying, onHandled?: (event: DomainEvent) => void, service = 'consumer') => {
  const started = world.consume(service, source, { 'thing.happened': handler }, onHandled);
  running.push(started);
  return started;
};
const appliedTo = async (aggregateId: string) =>
  (await world.rows('select n from applied where aggregate_id = ? order by at', [idToBytes(aggregateId)])).map(
    ({ n }) => n,
  );
const count = async (table: string) => Number((await world.rows(`select count(*) as n from ${table}`))[0]?.['n']);
const numbers = (n: number) => Array.from({ length: n }, (_, index) => index + 1);
const publish = (event: object | string, aggregateId: string) =>
  world.redis.xAdd(streamOf(source, partitionOf(aggregateId)), '*', {
    event: typeof event === 'string' ? event : JSON.stringify(event),
  });

describe('an event', () => {
  test('goes from the outbox over its stream to the inbox, once and whole', async () => {
    const seen: DomainEvent[] = [];
    const handled: DomainEvent[] = [];
    const aggregateId = newId();
    const [event] = await world.append(aggregateId, 1);
    relay();
    consume(async (tx, given) => {
      seen.push(given);
      await apply(tx, given);
    }, (given) => handled.push(given)); // prettier-ignore
    await until(() => handled.length > 0);
    expect(seen).toEqual([event]);
    expect(handled).toEqual([event]);
    expect(await appliedTo(aggregateId)).toEqual([1]);
    // The relay notes it after the stream has it, so a quick consumer is ahead of it.
    const published = () => world.rows('select published_at is not null as published from outbox');
    await until(async () => Number((await published())[0]?.['published']) === 1);
    expect(await published()).toHaveLength(1);
  });

  test('that comes after a backlog of handled ones is handled soon, and those are acknowledged', async () => {
    const [aggregateId, other] = [newId(), newId()];
    const before = await world.append(aggregateId, 300);
    const [fresh] = await world.append(other, 1);
    const stream = streamOf(source, partitionOf(aggregateId));
    for (const event of before)
      await world.rows('insert into inbox (event_id, type, handled_at) values (?, ?, utc_timestamp(3))', [
        idToBytes(event.id),
        event.type,
      ]);
    await world.rows('update outbox set published_at = utc_timestamp(3)');
    for (const event of before) await publish(event, aggregateId);
    for (const kind of ['thing.ignored', 'not json'])
      await publish(kind === 'not json' ? kind : { ...before[0], id: newId(), type: kind }, aggregateId);
    await world.redis.xAdd(stream, '*', { event: JSON.stringify({ ...fresh, aggregateId: other }) });
    const handled: DomainEvent[] = [];
    consume(applying, (event) => handled.push(event));
    await until(() => handled.length > 0);
    expect(handled.map(({ id }) => id)).toEqual([fresh?.id]);
    expect(await count('applied')).toBe(1);
    await until(async () => (await world.redis.xPending(stream, 'consumer')).pending === 0);
    expect((await world.redis.xInfoGroups(stream))[0]).toMatchObject({ name: 'consumer', lag: 0 });
  });

  test('is not told when its transaction is rolled back', async () => {
    const aggregateId = newId();
    await expect(
      world.db.transaction(async (tx) => {
        const { appendOutbox } = await import('../../../../subgraphs/shared/tables/outbox.ts');
        await appendOutbox(tx, [
          {
            id: newId(),
            type: 'thing.happened',
            aggregateId,
            traceId: 'a'.repeat(32),
            at: new Date().toISOString(),
            data: { n: 1 },
          },
        ]);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await count('outbox')).toBe(0);
  });

  test('that comes three times is applied once', async () => {
    const aggregateId = newId();
    const event = {
      id: newId(),
      type: 'thing.happened',
      aggregateId,
      traceId: 'a'.repeat(32),
      at: new Date().toISOString(),
      data: { n: 1 },
    };
    for (let copy = 0; copy < 3; copy += 1) await publish(event, aggregateId);
    await publish({ ...event, id: newId(), data: { n: 2 } }, aggregateId);
    consume();
    await until(async () => (await appliedTo(aggregateId)).includes(2));
    expect(await appliedTo(aggregateId)).toEqual([1, 2]);
  });

  test('that a consumer without the lease was given and does not acknowledge is applied by its holder', async () => {
    const [first, second] = [newId(), newId()].map((id) => `${id.slice(0, -4)}0000`) as [string, string];
    const event = (aggregateId: string, n: number) => ({
      id: newId(), type: 'thing.happened', aggregateId, traceId: 'a'.repeat(32), at: new Date().toISOString(), data: { n },
    }); // prettier-ignore
    consume();
    await publish(event(first, 1), first);
    await until(async () => (await appliedTo(first)).length === 1);
    // In one step, so that the holder, who waits for the stream, is not the first: a process that stood still reads on.
    const stream = streamOf(source, partitionOf(second));
    await world.redis
      .multi()
      .xAdd(stream, '*', { event: JSON.stringify(event(second, 2)) })
      .xReadGroup('consumer', 'stood-still', { key: stream, id: '>' })
      .exec();
    await until(async () => (await appliedTo(second)).length === 1, { timeoutMs: 15_000 });
    expect(await appliedTo(second)).toEqual([2]);
  }, 30_000);

  test('of a type that nobody handles is passed over', async () => {
    const aggregateId = newId();
    await world.append(aggregateId, 1, 'thing.else');
    await world.append(aggregateId, 1);
    relay();
    consume();
    await until(async () => (await appliedTo(aggregateId)).length === 1);
    expect(await count('inbox')).toBe(1);
  });

  test('is handled again after a failure, with nothing left of the failed try', async () => {
    const aggregateId = newId();
    let tries = 0;
    await world.append(aggregateId, 1);
    relay();
    consume(async (tx, event) => {
      await apply(tx, event);
      tries += 1;
      if (tries < 3) throw new Error('not yet');
    });
    await until(async () => (await appliedTo(aggregateId)).length > 0);
    expect(tries).toBe(3);
    expect(await appliedTo(aggregateId)).toEqual([1]);
    expect(await count('dead_letter')).toBe(0);
  });

  test('that fails five times is put aside as a dead letter, and the partition goes on', async () => {
    const aggregateId = newId();
    let tries = 0;
    const [poison] = await world.append(aggregateId, 2);
    relay();
    consume(async (tx, event) => {
      if (event.id === poison?.id) {
        tries += 1;
        throw new Error('poison');
      }
      await apply(tx, event);
    });
    await until(async () => (await appliedTo(aggregateId)).length === 1, { timeoutMs: 15_000 });
    expect(tries).toBe(5);
    expect(await appliedTo(aggregateId)).toEqual([2]);
    const [letter] = await world.rows('select type, attempts, error, event from dead_letter');
    expect(letter).toMatchObject({ type: 'thing.happened', attempts: 5, error: 'poison', event: { id: poison?.id } });
    expect(await count('inbox')).toBe(1);
  }, 20_000);

  test('of a stream entry that is no event is skipped', async () => {
    const aggregateId = newId();
    for (const garbage of ['', '{', 'null', '{"id":"x"}', '[]']) await publish(garbage, aggregateId);
    await world.redis.xAdd(streamOf(source, partitionOf(aggregateId)), '*', { something: 'else' });
    await world.append(aggregateId, 1);
    relay();
    consume();
    await until(async () => (await appliedTo(aggregateId)).length === 1);
    expect(await count('dead_letter')).toBe(0);
  });

  test('waits for a database that is away, and that counts as no failure', async () => {
    const aggregateId = newId();
    await world.append(aggregateId, 1);
    const events = await world.rows('select id from outbox');
    expect(events).toHaveLength(1);
    relay();
    await until(
      async () =>
        Number((await world.rows('select count(*) as n from outbox where published_at is not null'))[0]?.['n']) === 1,
    );
    world.databaseProxy.cut();
    try {
      consume();
      await new Promise((resolve) => setTimeout(resolve, 2_500));
    } finally {
      world.databaseProxy.mend();
    }
    await until(async () => (await appliedTo(aggregateId)).length === 1);
    expect(await count('dead_letter')).toBe(0);
  }, 20_000);
});

describe('events that come together', () => {
  /** So many events of one aggregate, which the first read of a consumer finds all at once. */
  const publishTogether = async (aggregateId: string | readonly string[], length: number): Promise<DomainEvent[]> => {
    const events = [aggregateId].flat().flatMap((id) =>
      numbers(length).map((n): DomainEvent => ({
        id: newId(), type: 'thing.happened', aggregateId: id, traceId: 'a'.repeat(32), at: new Date().toISOString(), data: { n },
      })),
    ); // prettier-ignore
    const batch = world.redis.multi();
    for (const event of events)
      batch.xAdd(streamOf(source, partitionOf(event.aggregateId)), '*', { event: JSON.stringify(event) });
    await batch.exec();
    return events;
  };
  const pending = async (aggregateId: string) =>
    (await world.redis.xPending(streamOf(source, partitionOf(aggregateId)), 'consumer')).pending;

  test('are handled in one transaction, in their order, each with its inbox row', async () => {
    const aggregateId = newId();
    const events = await publishTogether(aggregateId, 10);
    const handled: string[] = [];
    const sent = await sentDuring(async () => {
      consume(applying, ({ id }) => handled.push(id));
      await until(() => handled.length === 10);
    });
    expect(sent.filter(({ statements }) => statements[0] === 'start transaction')).toHaveLength(1);
    expect(handled).toEqual(events.map(({ id }) => id));
    expect(await appliedTo(aggregateId)).toEqual(numbers(10));
    expect(await count('inbox')).toBe(10);
    await until(async () => (await pending(aggregateId)) === 0);
  });

  /** One aggregate for each partition. */
  const ofAllPartitions = () => Array.from({ length: eventPartitions }, (_, index) => `${newId().slice(0, -4)}000${index}`); // prettier-ignore

  test('in all partitions are handled in one transaction, in the order of each', async () => {
    const aggregates = ofAllPartitions();
    await publishTogether(aggregates, 3);
    const handled: string[] = [];
    const sent = await sentDuring(async () => {
      consume(applying, ({ id }) => handled.push(id));
      await until(() => handled.length === 12);
    });
    expect(sent.filter(({ statements }) => statements[0] === 'start transaction')).toHaveLength(1);
    for (const id of aggregates) expect(await appliedTo(id)).toEqual(numbers(3));
    expect(await count('inbox')).toBe(12);
    await until(async () => (await Promise.all(aggregates.map(pending))).every((left) => left === 0));
  });

  test('of which one always fails hold up its own partition and no other', async () => {
    const aggregates = ofAllPartitions();
    const [poisoned = '', ...others] = aggregates;
    consume(async (tx, event) => {
      if (event.aggregateId === poisoned && event.data['n'] === 1) throw new Error('poison');
      await apply(tx, event);
    });
    await publishTogether(aggregates, 2);
    await until(async () => (await count('applied')) === 6);
    await publishTogether(others, 1);
    await until(async () => (await count('applied')) === 9);
    expect([await count('dead_letter'), await appliedTo(poisoned)]).toEqual([0, []]);
    await until(async () => (await count('dead_letter')) === 1, { timeoutMs: 15_000 });
    await until(async () => (await appliedTo(poisoned)).length === 1);
    await until(async () => (await pending(poisoned)) === 0);
  }, 20_000);

  test('of which one always fails: it alone is a dead letter, after five tries in all', async () => {
    const aggregateId = newId();
    const tries = new Map<number, number>();
    const [poison] = (await publishTogether(aggregateId, 6)).slice(3);
    consume(async (tx, event) => {
      const n = Number(event.data['n']);
      tries.set(n, (tries.get(n) ?? 0) + 1);
      if (event.id === poison?.id) throw new Error('poison');
      await apply(tx, event);
    });
    await until(async () => (await count('inbox')) === 5, { timeoutMs: 15_000 });
    expect(await appliedTo(aggregateId)).toEqual([1, 2, 3, 5, 6]);
    expect(tries.get(4)).toBe(5);
    expect(await world.rows('select attempts, error, event from dead_letter')).toMatchObject([
      { attempts: 5, error: 'poison', event: { id: poison?.id } },
    ]);
    await until(async () => (await pending(aggregateId)) === 0);
  }, 20_000);

  test('of which one fails once: nothing is left of the try, and the others are applied once', async () => {
    const aggregateId = newId();
    let failures = 0;
    await publishTogether(aggregateId, 5);
    consume(async (tx, event) => {
      await apply(tx, event);
      if (event.data['n'] === 4 && (failures += 1) === 1) throw new Error('not yet');
    });
    await until(async () => (await count('applied')) === 5);
    expect(await appliedTo(aggregateId)).toEqual(numbers(5));
    expect([await count('inbox'), await count('dead_letter')]).toEqual([5, 0]);
  });

  test('of which one was handled before: the others are applied, and told, once', async () => {
    const aggregateId = newId();
    const [first, second, ...rest] = await publishTogether(aggregateId, 5);
    await world.rows('insert into inbox (event_id, type, handled_at) values (?, ?, utc_timestamp(3))', [
      idToBytes(second?.id ?? ''),
      'thing.happened',
    ]);
    const handled: string[] = [];
    consume(applying, ({ id }) => handled.push(id));
    await until(() => handled.length === 4);
    expect(handled).toEqual([first, ...rest].map((event) => event?.id));
    expect(await appliedTo(aggregateId)).toEqual([1, 3, 4, 5]);
    expect([await count('inbox'), await count('dead_letter')]).toEqual([5, 0]);
  });
});

describe('the events of an aggregate', () => {
  test('are all in one partition, and those of many are spread', () => {
    const aggregates = Array.from({ length: 200 }, newId);
    expect(new Set(aggregates.map(partitionOf)).size).toBe(eventPartitions);
  });

  test('are applied in their order, with two relays after each other and two consumers side by side', async () => {
    const aggregates = Array.from({ length: 12 }, newId);
    const first = relay();
    consume();
    consume();
    await Promise.all(aggregates.map((id) => world.append(id, 10)));
    await first.stop();
    relay();
    await until(async () => (await count('applied')) === 120, { timeoutMs: 20_000 });
    for (const id of aggregates) expect(await appliedTo(id)).toEqual(numbers(10));
    expect(await count('inbox')).toBe(120);
  }, 30_000);

  test('go on at the other consumer when one stops, without a gap or a double', async () => {
    const aggregateId = newId();
    const one = consume();
    const two = consume();
    relay();
    await world.append(aggregateId, 5);
    await until(async () => (await count('applied')) >= 3);
    await one.stop();
    await world.append(aggregateId, 5);
    await until(async () => (await count('applied')) === 10, { timeoutMs: 20_000 });
    expect(await appliedTo(aggregateId)).toEqual([...numbers(5), ...numbers(5)]);
    await two.stop();
  }, 30_000);

  test('reach every service that consumes them', async () => {
    const aggregateId = newId();
    const seen: string[] = [];
    // Each service has an inbox of its own; here they share one, so the second finds the event handled.
    consume(applying, () => seen.push('one'), 'first');
    relay();
    await world.append(aggregateId, 1);
    await until(() => seen.length === 1);
    const groups = await world.redis.xInfoGroups(streamOf(source, partitionOf(aggregateId)));
    consume(applying, undefined, 'second');
    await until(async () => (await world.redis.xInfoGroups(streamOf(source, partitionOf(aggregateId)))).length === 2);
    expect(groups).toHaveLength(1);
  });
});

describe('when Redis loses everything', () => {
  test('what was published is published again and applied no second time, and new events go on', async () => {
    const aggregateId = newId();
    relay();
    consume();
    await world.append(aggregateId, 5);
    await until(async () => (await count('applied')) === 5);
    await world.redis.flushAll();
    await world.append(aggregateId, 5);
    await until(async () => (await count('applied')) === 10, { timeoutMs: 20_000 });
    await until(async () => (await world.redis.xLen(streamOf(source, partitionOf(aggregateId)))) >= 10);
    expect(await appliedTo(aggregateId)).toEqual([...numbers(5), ...numbers(5)]);
  }, 30_000);

  test('before the consumer had read it, nothing is missing', async () => {
    const aggregateId = newId();
    relay();
    await world.append(aggregateId, 5);
    await until(
      async () =>
        Number((await world.rows('select count(*) as n from outbox where published_at is not null'))[0]?.['n']) === 5,
    );
    await world.redis.flushAll();
    consume();
    await until(async () => (await count('applied')) === 5, { timeoutMs: 20_000 });
    expect(await appliedTo(aggregateId)).toEqual(numbers(5));
  }, 30_000);
});
