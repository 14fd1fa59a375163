import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { run, select, toJson } from '../../../../subgraphs/shared/database/database.ts';
import { type EventsWorld, openEventsWorld } from '../events-world.ts';
import { testEngine } from '../../../support/engines.ts';

let world: EventsWorld;
beforeAll(async () => {
  world = await openEventsWorld();
});
afterAll(async () => {
  await world?.close();
});

const statusTables = testEngine === 'mysql' ? 'performance_schema' : 'information_schema';

/** The connection that answers, and how often something was set on it. */
async function look(): Promise<{ id: number; sets: number }> {
  const [row] = await select(
    world.db.em(),
    `select connection_id() as id, (select variable_value from ${statusTables}.session_status where variable_name = 'COM_SET_OPTION') as sets`,
  );
  return { id: Number(row?.['id']), sets: Number(row?.['sets']) };
}

test('at rest no connection is opened, and session settings are set once a connection', async () => {
  // Several at once, so that several are free afterwards.
  const before = await Promise.all(Array.from({ length: 4 }, look));
  const known = new Map(before.map(({ id, sets }) => [id, sets]));
  expect(known.size).toBeGreaterThan(1);
  // mysql2 looks at idle connections once a second.
  for (let second = 0; second < 4; second += 1) {
    await sleep(1_100);
    for (const { id, sets } of await Promise.all(Array.from({ length: known.size }, look))) {
      expect([...known.keys()]).toContain(id);
      expect([id, sets]).toEqual([id, known.get(id)]);
    }
  }
});

test('JSON comes as text, whatever it is: a text, a number, null, an object', async () => {
  const values = ['{"a": 1}', '12', '', 12, null, [true], { a: { b: 'c' } }];
  await run(world.db.em(), 'create table kept (n int not null primary key, value json not null)');
  for (const [n, value] of values.entries())
    await run(world.db.em(), 'insert into kept values (?, ?)', [n, JSON.stringify(value)]);
  const rows = await select(world.db.em(), 'select value from kept order by n');
  expect(rows.map(({ value }) => typeof value)).toEqual(values.map(() => 'string'));
  expect(rows.map(({ value }) => toJson(value))).toEqual(values);
});
