import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import type { Executor } from '../../../gateway/execute/executor.ts';
import { executeLimits } from '../../../gateway/execute/limits.ts';
import type { SubgraphResponse } from '../../../gateway/execute/types.ts';
import { canned } from './support/canned.ts';

const graph = {
  a: 'type Query { text(of: String): String list: [Node] } interface Node { id: ID! } type T implements Node @key(fields: "id") { id: ID! }',
  b: 'type T @key(fields: "id") { id: ID! name: String }',
};

/** Prepares documents, as many as asked for; each runs without errors. */
async function executeAll(executor: Executor<null>, count: number, documentOf: (number: number) => string) {
  for (let number = 0; number < count; number++) {
    const { errors } = await executor.execute({ query: documentOf(number), context: null });
    expect(errors).toBeUndefined();
  }
}

describe('what the executor keeps is bounded', () => {
  const open = () => {
    const [first] = canned(graph, () => ({ data: { text: 't' } })).executors;
    return (first as NonNullable<typeof first>)[1];
  };

  test('in the number of documents', async () => {
    const executor = open();
    await executeAll(executor, executeLimits.operations + 1, (number) => `{ text t${number}: text }`);
    expect(executor.cached().operations).toBe(executeLimits.operations);
  });

  test('in the characters of documents', async () => {
    const executor = open();
    const length = executeLimits.operationCharacters / 8;
    const documentOf = (number: number): string => `{ text } # ${number} `.padEnd(length, '.');
    await executeAll(executor, 10, documentOf);
    // One more character is counted for each, as none may be without.
    expect(executor.cached().operations).toBe(7);
    await executeAll(executor, 1, (number) => documentOf(number).padEnd(executeLimits.operationCharacters + 1, '.'));
    expect(executor.cached().operations).toBe(7);
  });

  test('in the number of plans: settings of conditions of one document', async () => {
    const executor = open();
    const names = Array.from({ length: 12 }, (_, index) => `c${index}`);
    const query = `query (${names.map((name) => `$${name}: Boolean = true`).join(' ')}) { text ${names.map((name) => `${name}: text @include(if: $${name})`).join(' ')} }`;
    for (let setting = 0; setting < executeLimits.variants + 1; setting++) {
      const variables = Object.fromEntries(names.map((name, bit) => [name, (setting & (1 << bit)) > 0]));
      const { errors } = await executor.execute({ query, variables, context: null });
      expect(errors).toBeUndefined();
    }
    expect(executor.cached()).toEqual({ operations: 1, variants: executeLimits.variants });
  });

  test('in the characters of plans, and of the documents by which they are known', async () => {
    const executor = open();
    const length = executeLimits.variantCharacters / 16;
    // The plan holds the text once more.
    const documentOf = (number: number): string => `{ text(of: "${String(number).padEnd(length / 2, '.')}") }`;
    await executeAll(executor, 20, documentOf);
    expect(executor.cached().variants).toBe(15);
  });
});

describe('what an answer may hold', () => {
  const subgraphs = {
    list: 'type Query { all: [N] } type N @key(fields: "id") { id: ID! }',
    even: 'type N @key(fields: "id") { id: ID! even: [N] }',
    odd: 'type N @key(fields: "id") { id: ID! odd: [N] }',
    names: 'type N @key(fields: "id") { id: ID! name: String }',
  };
  const many = Array.from({ length: 40 }, () => ({ __typename: 'N', id: '1' }));
  /** Each level is 40 times the one around it, and is one object to the executor. */
  const deep = (levels: number): string =>
    levels === 0 ? 'name' : `${levels % 2 === 0 ? 'even' : 'odd'} { ${deep(levels - 1)} }`;
  const answering = (names: SubgraphResponse) =>
    canned(subgraphs, ({ serviceName }) => {
      if (serviceName === 'list') return { data: { all: many } };
      return serviceName === 'names' ? names : { data: { _entities: [{ [serviceName]: many }] } };
    }).executors;

  test.each([
    ['an entity', { data: { _entities: [null] }, errors: [{ message: 'no', path: ['_entities', 0] }] }],
    ['a field', { data: { _entities: [{ name: null }] }, errors: [{ message: 'no', path: ['_entities', 0, 'name'] }] }],
    ['nothing', { data: { _entities: [{ name: 'n' }] } }],
  ])('bounds the places of an object that lists multiply, when %s failed', async (_, names) => {
    for (const [, executor] of answering(names)) {
      const { data, errors } = await executor.execute({ query: `{ all { ${deep(5)} } }`, context: null });
      expect(data).toBeUndefined();
      expect(errors?.map(({ extensions }) => extensions['code'])).toEqual(['ANSWER_TOO_LARGE']);
    }
  });

  test('bounds the text of errors, each of which may be told at a thousand places', async () => {
    const message = 'x'.repeat(20_000);
    const names = { data: { _entities: [{ name: null }] }, errors: [{ message, path: ['_entities', 0, 'name'] }] };
    for (const [, executor] of answering(names)) {
      const few = await executor.execute({ query: '{ all { name } }', context: null });
      expect(few.errors).toHaveLength(40);
      const { data, errors } = await executor.execute({ query: '{ all { odd { name } } }', context: null });
      expect([data, errors?.map(({ extensions }) => extensions['code'])]).toEqual([undefined, ['ANSWER_TOO_LARGE']]);
    }
  });

  test('of variables one wrong value is told, however many there are', async () => {
    const lists = { a: 'enum Mood { GOOD BAD } type Query { x(of: [Mood!]): Int }' };
    const variables = { of: Array.from({ length: 20_000 }, (_, index) => `GOOB${index}`) };
    for (const [, executor] of canned(lists, () => ({ data: { x: 1 } })).executors) {
      const query = 'query ($of: [Mood!]) { x(of: $of) }';
      const { errors } = await executor.execute({ query, variables, context: null });
      expect(errors?.map(({ message }) => message)).toEqual([expect.stringContaining('"GOOB0" at "of[0]"')]);
    }
  });
});

describe('what a subgraph makes up is not kept', () => {
  const mebibyte = 1024 ** 2;
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const keptBytes = (): number => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };

  test.each(['generated', 'closures'])('the names of types that nobody knows (%s)', async (backEnd) => {
    let number = 0;
    const madeUp = (): string => `Made${(number += 1)}`.padEnd(mebibyte, '_');
    const { executors } = canned(graph, () => ({ data: { list: [{ __typename: madeUp(), id: '1' }] } }));
    const executor = executors.find(([name]) => name === backEnd)?.[1] as Executor<null>;
    const execute = () => executor.execute({ query: '{ list { id ... on T { name } } }', context: null });
    await execute();
    const before = keptBytes();
    for (let times = 0; times < 100; times++) expect((await execute()).data).toEqual({ list: [null] });
    expect(keptBytes() - before).toBeLessThan(20 * mebibyte);
  });
});
