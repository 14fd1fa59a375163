import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import type { Executor } from '../../../gateway/execute/executor.ts';
import { executeLimits } from '../../../gateway/execute/limits.ts';
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
