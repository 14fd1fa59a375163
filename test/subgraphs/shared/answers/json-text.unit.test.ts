import { expect, test } from '@jest/globals';
import { jsonInTurns } from '../../../../subgraphs/shared/answers/json-text.ts';
import { openTurns } from '../../../../subgraphs/shared/queues/turns.ts';
import { countTurns } from '../../../support/count-turns.ts';

const row = (index: number) => ({ id: index, name: `Näme "${index}"`, at: new Date(0), gone: undefined, tags: [null, true, index / 3] }); // prettier-ignore
const values: Record<string, unknown> = {
  'a large list': { data: { rows: Array.from({ length: 5_000 }, (_, index) => row(index)) } },
  'lists in lists': { a: Array.from({ length: 40 }, () => Array.from({ length: 40 }, (_, index) => row(index))) },
  'an object of many fields': Object.fromEntries(
    Array.from({ length: 2_000 }, (_, index) => [`f${index}`, row(index)]),
  ),
  'what is undefined in a large list': Array.from({ length: 1_000 }, (_, index) => (index % 2 ? undefined : index)),
  'nothing but what is undefined': Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`f${index}`, undefined])), // prettier-ignore
  'something small': { data: { a: 1 } },
  null: null,
};
test.each(Object.entries(values))('the text of %s is what JSON.stringify gives', async (_, value) => {
  const parts = await jsonInTurns(value, openTurns());
  expect(parts.join('')).toBe(JSON.stringify(value));
});

test('a large answer leaves turns of the event loop to others', async () => {
  const others = countTurns();
  const parts = await jsonInTurns(values['a large list'], openTurns());
  others.stop();
  expect(parts.length).toBeGreaterThan(3);
  expect(others.turns()).toBeGreaterThanOrEqual(parts.length - 1);
});
