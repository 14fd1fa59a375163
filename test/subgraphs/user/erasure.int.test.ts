import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { unavailable } from '../../../subgraphs/shared/errors/errors.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import type { UserDeps } from '../../../subgraphs/user/dependencies.ts';
import { eraseAccount, insertErasure, readPersonalRows } from '../../../subgraphs/user/erasure/erasure-store.ts';
import { openErasureMetrics } from '../../../subgraphs/user/erasure/metrics.ts';
import { runErasures } from '../../../subgraphs/user/erasure/run-erasures.ts';
import { type UserPlatform, openUserPlatform, registerPerson } from './support.ts';

const minuteMs = 60_000;

let platform: UserPlatform;
/** What the other services were asked, and which of them are away or say "not yet". */
let asked: string[];
let away: Set<string>;
let waiting: Set<string>;
beforeAll(async () => {
  platform = await openUserPlatform();
});
afterAll(() => platform.close());
beforeEach(async () => {
  [asked, away, waiting] = [[], new Set(), new Set()];
  await platform.sql('delete from erasure');
});

/** The user service `aheadMs` from now; the others are stand-ins. */
const at = <T>(aheadMs: number, work: (deps: UserDeps) => Promise<T>): Promise<T> =>
  platform.withDependencies((deps) => {
    const call = async (service: string, { query }: { query: string }): Promise<unknown> => {
      asked.push(service);
      if (away.has(service)) throw unavailable(`The ${service} service is away.`);
      const field = /(erase\w+)\(/.exec(query)?.[1] ?? '';
      return { [field]: !waiting.has(service) };
    };
    return work({ ...deps, call: call as UserDeps['call'], now: () => new Date(Date.now() + aheadMs) });
  });
const goOn = (aheadMs: number): Promise<void> => at(aheadMs, runErasures);
const erasures = () => platform.sql('select pass, done_at is not null done, timestampdiff(second, requested_at, due_at) due_in from erasure'); // prettier-ignore

async function erased(): Promise<string> {
  const { id } = await registerPerson(platform);
  await at(0, ({ db, now }) =>
    db.transaction(async (tx) => {
      await eraseAccount(tx, id, now());
      await insertErasure(tx, { userId: id, traceId: '0'.repeat(32), at: now() });
    }),
  );
  return id;
}

it('[PM-5] all services are asked once more when no access token is good any more, this one included', async () => {
  const id = await erased();
  await goOn(0);
  expect(asked).toEqual(['order', 'payment', 'product']);
  expect(await erasures()).toMatchObject([{ pass: 1, done: 0, due_in: 600 + 120 }]);
  await goOn(11 * minuteMs);
  expect(asked).toHaveLength(3);
  await platform.sql('update user_account set info = ? where id = unhex(?)', ['late', id.replaceAll('-', '')]);
  await goOn(13 * minuteMs);
  expect(asked).toEqual(['order', 'payment', 'product', 'order', 'payment', 'product']);
  expect(await erasures()).toMatchObject([{ pass: 1, done: 1 }]);
  expect(await platform.sql('select info from user_account where id = unhex(?)', [id.replaceAll('-', '')])).toEqual([{ info: null }]); // prettier-ignore
  await goOn(60 * minuteMs);
  expect(asked).toHaveLength(6);
});

it('a service that is away or has to wait is asked again, and those before it are not', async () => {
  await erased();
  away.add('payment');
  await goOn(0);
  waiting.add('product');
  away.clear();
  await goOn(minuteMs);
  waiting.clear();
  await goOn(2 * minuteMs);
  expect(asked).toEqual(['order', 'payment', 'payment', 'product', 'product']);
  expect(await erasures()).toMatchObject([{ pass: 1, done: 0 }]);
});

it('[PM-5] a dead letter about the person is waited for until it is replayed, and then goes', async () => {
  const id = await erased();
  const letter = (customerId: string) =>
    platform.sql("insert into dead_letter (event_id, service, type, aggregate_id, event, attempts, error, failed_at) values (unhex(?), 'user', 'order.paid', unhex(?), ?, 5, 'no', utc_timestamp(3))", [newId().replaceAll('-', ''), newId().replaceAll('-', ''), JSON.stringify({ data: { customerId } })]); // prettier-ignore
  await letter(id);
  await letter(newId());
  const letters = async () => Number((await platform.sql('select count(*) n from dead_letter'))[0]?.['n']);
  await goOn(0);
  await goOn(13 * minuteMs);
  expect([await erasures(), await letters()]).toMatchObject([[{ done: 0 }], 2]);
  expect(asked).toHaveLength(3);
  await platform.sql('update dead_letter set replayed_at = utc_timestamp(3)');
  await goOn(14 * minuteMs);
  expect([await erasures(), await letters()]).toMatchObject([[{ done: 1 }], 1]);
});

it('one that does not end within an hour is counted', async () => {
  await erased();
  away.add('order');
  const counted = (aheadMs: number) =>
    at(aheadMs, async (deps) => {
      const registry = new Registry();
      openErasureMetrics(registry, deps);
      return /^erasures_hanging (\d)$/m.exec(await registry.metrics())?.[1];
    });
  await goOn(0);
  expect([await counted(59 * minuteMs), await counted(61 * minuteMs)]).toEqual(['0', '1']);
  await platform.sql('update erasure set done_at = utc_timestamp(3)');
  expect(await counted(61 * minuteMs)).toBe('0');
});

it('[PM-5] an export says of each kind of row whether it has all', async () => {
  const person = await registerPerson(platform);
  await platform.sql("insert into notification (id, user_id, seq, kind, event_id, facts, in_app, created_at) select unhex(replace(uuid(), '-', '')), unhex(?), n.n, 'ORDER_PAID', unhex(replace(uuid(), '-', '')), '{}', 1, utc_timestamp(3) from (select 1 n union select 2 union select 3) n", [person.id.replaceAll('-', '')]); // prettier-ignore
  const read = (limit: number) => at(0, ({ db }) => readPersonalRows(db.em(), person.id, limit));
  const all = { addresses: true, identities: true, sessions: true, notifications: true, acts: true };
  expect(await read(3)).toMatchObject({ isComplete: all, notifications: [{}, {}, {}] });
  const some = await read(2);
  expect(some).toMatchObject({ isComplete: { ...all, notifications: false } });
  expect((some as unknown as { notifications: object[] }).notifications).toHaveLength(2);
});
