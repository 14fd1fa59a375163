import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { buildSchema } from 'graphql';
import { openDocuments } from '../../../gateway/documents/documents.ts';

const maxHeapGrowthMiB = 120;

/** Bytes in use after a collection. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

test('documents that a client makes up without end take a bounded part of the memory', () => {
  // Few characters and many tokens. The fields differ: each of many equal ones would be compared with each.
  const letters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef');
  const fields = letters.flatMap((one) => letters.map((other) => one + other)).slice(0, 990);
  const schema = buildSchema(`type Query { ${fields.map((name) => `${name}: ID`).join(' ')} }`);
  const documents = openDocuments(schema, { introspection: true });
  const before = heapBytes();
  // Kept without end, 300 of them take 170 MiB.
  for (let index = 0; index < 300; index += 1)
    documents.read(`query Q${index} { ${fields.join(' ')} }`, {}).validationErrors();
  expect((heapBytes() - before) / 1024 ** 2).toBeLessThan(maxHeapGrowthMiB);
  expect(documents.read('{ AA }', {}).validationErrors()).toEqual([]);
});

test('the documents of the last thousand texts are kept, and no more', () => {
  const documents = openDocuments(buildSchema('type Query { me: ID }'), { introspection: true });
  const query = (index: number) => `query Q${index} { me }`;
  for (let index = 0; index < 1_001; index += 1) documents.read(query(index), {}).validationErrors();
  expect([0, 1, 1_000].map((index) => documents.known(query(index)))).toEqual([undefined, 'good', 'good']);
  expect(documents.read(query(0), {}).validationErrors()).toEqual([]);
  expect([0, 1, 2].map((index) => documents.known(query(index)))).toEqual(['good', undefined, 'good']);
});
