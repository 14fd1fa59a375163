import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { buildSchema } from 'graphql';
import { OperationError, clientDocuments } from '../../schema/client-documents.ts';

const schema = buildSchema(`
  scalar SafeInt
  type Query { mug(id: ID!): Mug }
  type Mug { id: ID!, amount: SafeInt! }
`);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'operations-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const generate = (text: string) => {
  writeFileSync(join(folder, 'mug.graphql'), text);
  return clientDocuments(schema, pathToFileURL(`${folder}/`));
};

test('an operation becomes a typed document with the types of its variables and its answer', async () => {
  const code = await generate('query Mug($id: ID!) { mug(id: $id) { id amount } }');
  expect(code).toMatch(/export type MugQueryVariables = Exact<\{\s+id: string/);
  expect(code).toMatch(/amount: number/);
  expect(code).toMatch(/export const MugDocument = .* as unknown as DocumentNode<MugQuery, MugQueryVariables>/);
});

test.each([
  ['query Mug {\n  cup\n}', 'schema/operations/mug.graphql:2:3 Cannot query field "cup" on type "Query".'],
  ['query Mug {', 'schema/operations/mug.graphql:1:12 Syntax Error'],
])('an operation that does not fit the API is refused with its file, line and column', async (text, message) => {
  const refused = generate(text);
  await expect(refused).rejects.toBeInstanceOf(OperationError);
  await expect(refused).rejects.toThrow(message);
});
