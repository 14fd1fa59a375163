import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { select } from '../../../../subgraphs/shared/database/database.ts';
import { isUnavailable } from '../../../../subgraphs/shared/errors/errors.ts';
import { type EventsWorld, openEventsWorld } from '../events-world.ts';

let world: EventsWorld;
beforeAll(async () => {
  world = await openEventsWorld();
});
afterAll(async () => {
  await world?.close();
});

const errorOf = (work: Promise<unknown>): Promise<unknown> => work.then(() => null, (error: unknown) => error); // prettier-ignore

test.each([
  ['between two statements', async () => new Promise((resolve) => setTimeout(resolve, 200))],
  ['while the next statement is on its way', async () => undefined],
])('a connection that is lost in a transaction, %s, says "not now"', async (_, pause) => {
  const error = await errorOf(
    world.db.transaction(async (tx) => {
      const [row] = await select(tx, 'select connection_id() as id');
      await world.rows(`kill ${Number(row?.['id'])}`);
      await pause();
      await select(tx, 'select 1');
    }),
  );
  expect(isUnavailable(error)).toBe(true);
  // The pool makes another connection.
  expect(await select(world.db.em(), 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a statement that can never work does not', async () => {
  expect(isUnavailable(await errorOf(select(world.db.em(), 'select * from nothing')))).toBe(false);
});
