import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { ExecutionResult } from 'graphql';
import type { SubgraphResponse } from '../../../gateway/execute/types.ts';
import { canned } from './support/canned.ts';

const lateMs = 10;

/**
 * What both back ends answer when one of two subgraphs answers first, and when the other does: it must be the same to the
 * last byte. A subgraph without an answer is down.
 */
async function inBothOrders(
  subgraphs: Readonly<Record<string, string>>,
  answers: Readonly<Record<string, SubgraphResponse>>,
  { query, racing }: { query: string; racing: readonly [string, string] },
): Promise<ExecutionResult> {
  let slow = '';
  const { executors } = canned(subgraphs, async ({ serviceName }) => {
    if (serviceName === slow) await wait(lateMs);
    const answer = answers[serviceName];
    if (!answer) throw new Error(`${serviceName} is down`);
    return answer;
  });
  const texts = new Set<string>();
  for (const [, executor] of executors) {
    for (slow of racing) texts.add(JSON.stringify(await executor.execute({ query, context: null })));
  }
  const [only, ...others] = texts;
  expect(others).toEqual([]);
  return JSON.parse(only ?? '') as ExecutionResult;
}

const shown = ({ errors }: ExecutionResult) => errors?.map(({ message, path }) => [message, path]);

describe('whichever of two subgraphs answers first', () => {
  test('a null does not take away what the other knows', async () => {
    const subgraphs = {
      a: 'type Query { value: Value @shareable list: [Value] @shareable } type Value { x: Int }',
      b: 'type Query { value: Value @shareable list: [Value] @shareable } type Value { y: Int }',
    };
    const answers = {
      a: { data: { value: null, list: [null, { x: 1 }, null] } },
      b: { data: { value: { y: 1 }, list: [{ y: 1 }, null, null] } },
    };
    const { data } = await inBothOrders(subgraphs, answers, { query: '{ value { x y } list { x y } }', racing: ['a', 'b'] }); // prettier-ignore
    expect(data).toEqual({ value: { x: null, y: 1 }, list: [{ x: null, y: 1 }, { x: 1, y: null }, null] });
  });

  const goods = {
    goods: 'type Query { list: [Good!] other: Int } type Good @key(fields: "id") { id: ID! }',
    prices: 'type Query { sales: Int } type Good @key(fields: "id") { id: ID! price: Int weight: Int }',
    counts: 'type Query { rooms: Int } type Good @key(fields: "id") { id: ID! inStock: Int }',
    parcels: 'type Good @key(fields: "id") { id: ID! weight: Int @external parcel: Int @requires(fields: "weight") }',
  };
  const list = Array.from({ length: 11 }, (_, index) => ({ __typename: 'Good', id: `${index}` }));

  test('errors are in the order of their paths, indexes as numbers', async () => {
    const result = await inBothOrders(goods, { goods: { data: { list } } }, { query: '{ list { inStock price } rooms sales }', racing: ['prices', 'counts'] }); // prettier-ignore
    expect(shown(result)).toEqual([
      ...list.flatMap((_, index) => [
        ['counts is down', ['list', index, 'inStock']],
        ['prices is down', ['list', index, 'price']],
      ]),
      ['counts is down', ['rooms']],
      ['prices is down', ['sales']],
    ]);
  });

  test('errors without a path come first, and those of one path are in the order of their messages', async () => {
    const errors = (names: readonly string[]) => names.map((name) => ({ message: `${name} fell` }));
    const answers = {
      goods: { data: { other: null }, errors: [{ message: 'none', path: ['other'] }, ...errors(['z', 'm'])] },
      counts: { data: { rooms: 1 }, errors: errors(['n', 'a']) },
    };
    const result = await inBothOrders(goods, answers, { query: '{ other rooms }', racing: ['goods', 'counts'] });
    expect(shown(result)).toEqual([...['a', 'm', 'n', 'z'].map((name) => [`${name} fell`, undefined]), ['none', ['other']]]); // prettier-ignore
  });

  test('what two subgraphs failed to bring has the same cause', async () => {
    const subgraphs = {
      a: 'type Query { value: Value @shareable } type Value { x: Int }',
      b: 'type Query { value: Value @shareable } type Value { y: Int }',
    };
    const result = await inBothOrders(subgraphs, {}, { query: '{ value { x y } }', racing: ['a', 'b'] });
    expect(result.data).toEqual({ value: null });
    expect(shown(result)).toEqual([
      ['b is down', undefined],
      ['a is down', ['value']],
    ]);
  });

  test('a field is missing because of what it requires, not because of what else failed', async () => {
    const one = { goods: { data: { list: list.slice(0, 1) } } };
    const result = await inBothOrders(goods, one, { query: '{ list { inStock parcel } }', racing: ['prices', 'counts'] }); // prettier-ignore
    expect(shown(result)).toEqual([
      ['counts is down', ['list', 0, 'inStock']],
      ['prices is down', ['list', 0, 'parcel']],
    ]);
  });

  test('so it is when the required is part of a value of which another subgraph knows a part', async () => {
    const thing = 'type Thing @key(fields: "id") { id: ID!';
    const subgraphs = {
      list: `type Query { things: [Thing] } ${thing} }`,
      sizes: `${thing} part: Part @shareable } type Part { size: Int }`,
      counts: `${thing} part: Part @shareable } type Part { count: Int }`,
      reports: `${thing} part: Part @external report: Int @requires(fields: "part { count }") } type Part @external { count: Int }`,
    };
    const things = [1, 2].map((id) => ({ __typename: 'Thing', id: `${id}` }));
    const answers = {
      list: { data: { things } },
      sizes: { data: { _entities: things.map(() => ({ part: { size: 1 } })) } },
    };
    const asked = (query: string) => inBothOrders(subgraphs, answers, { query, racing: ['sizes', 'counts'] });
    const both = await asked('{ things { part { size count } report } }');
    expect(both.data).toEqual({ things: things.map(() => ({ part: { size: 1, count: null }, report: null })) });
    expect(shown(both)).toEqual(
      [0, 1].flatMap((index) => [
        ['counts is down', ['things', index, 'part', 'count']],
        ['counts is down', ['things', index, 'report']],
      ]),
    );
    const alone = shown(await asked('{ things { part { size } report } }'));
    for (const index of [0, 1]) expect(alone).toContainEqual(['counts is down', ['things', index, 'report']]);
  });

  test('errors with extensions that JSON has no word for are told all the same', async () => {
    const { executors } = canned(
      {
        a: 'type Query { thing: Thing } type Thing @key(fields: "id") { id: ID! }',
        b: 'type Thing @key(fields: "id") { id: ID! x: Int }',
        c: 'type Thing @key(fields: "id") { id: ID! y: Int }',
      },
      async ({ serviceName }) => {
        if (serviceName === 'a') return { data: { thing: { __typename: 'Thing', id: '1' } } };
        throw Object.assign(new Error('down'), { extensions: { count: 10n } });
      },
    );
    for (const [, executor] of executors) {
      const result = await executor.execute({ query: '{ thing { x y } }', context: null });
      expect(result.data).toEqual({ thing: { x: null, y: null } });
      expect(shown(result)).toEqual([['down', ['thing', 'x']], ['down', ['thing', 'y']]]); // prettier-ignore
    }
  });
});
