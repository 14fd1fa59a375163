import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type DocumentNode, buildSchema, parse, print } from 'graphql';
import { OperationError, clientDocuments, trustedDocuments } from '../../schema/client-documents.ts';
import { operationNames, operationText } from '../../schema/client-operations.ts';
import * as generated from '../../schema/generated/operations.ts';

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

const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
const generate = () => clientDocuments(schema, pathToFileURL(`${folder}/`));

test('an operation becomes a typed document with the types of its variables and its answer', async () => {
  write('mug.graphql', 'query Mug($id: ID!) { mug(id: $id) { id amount } }');
  const { types, documents } = await generate();
  expect(types).toMatch(/export type MugQueryVariables = Exact<\{\s+id: string/);
  expect(types).toMatch(/amount: number/);
  expect(documents).toMatch(
    /^export const MugDocument = .* as unknown as TypedDocumentNode<MugQuery, MugQueryVariables>;\n$/,
  );
});

test('what operations share stands once, and goes with each that uses it, directly or through another', async () => {
  write('fragments.graphql', 'fragment Amount on Mug { amount } fragment Full on Mug { id ...Amount }');
  write('mug.graphql', 'query Mug($id: ID!) { mug(id: $id) { ...Full } }');
  write('price.graphql', 'query Price($id: ID!) { mug(id: $id) { ...Amount } }');
  const { types, documents } = await generate();
  expect(types).toMatch(/export type FullFragment = \(\s+\{ id: string \}\s+& AmountFragment\s+\);/);
  expect(types).toContain('export type MugQuery = { mug: FullFragment | null };');
  expect(documents.match(/\bkind":"FragmentDefinition/g)).toHaveLength(2);
  expect(documents).toMatch(/^export const MugDocument = .*, FullFragment, AmountFragment\] \}/m);
  expect(documents).toMatch(/^export const PriceDocument = .*\}, AmountFragment\] \}/m);
  const { operations } = JSON.parse(trustedDocuments(schema, pathToFileURL(`${folder}/`))) as { operations: { body: string }[] }; // prettier-ignore
  expect(operations.map(({ body }) => [...body.matchAll(/fragment (\w+)/g)].map(([, name]) => name))).toEqual([['Full', 'Amount'], ['Amount']]); // prettier-ignore
});

test.each([
  ['query Mug {\n  cup\n}', 'schema/operations/mug.graphql:2:3 Cannot query field "cup" on type "Query".'],
  ['query Mug {', 'schema/operations/mug.graphql:1:12 Syntax Error'],
])('an operation that does not fit the API is refused with its file, line and column', async (text, message) => {
  write('mug.graphql', text);
  const refused = generate();
  await expect(refused).rejects.toBeInstanceOf(OperationError);
  await expect(refused).rejects.toThrow(message);
});

test('what no operation uses is refused', async () => {
  write('fragments.graphql', 'fragment Amount on Mug { amount }\nfragment Cup on Mug { id }');
  write('mug.graphql', 'query Mug { mug(id: 1) { ...Amount } }');
  await expect(generate()).rejects.toThrow('schema/operations/fragments.graphql:2:1 No operation uses Cup.');
});

test('an error in what operations share names its own place', async () => {
  write('fragments.graphql', 'fragment Amount on Mug {\n  cup\n}');
  write('mug.graphql', 'query Mug { mug(id: 1) { ...Amount } }');
  await expect(generate()).rejects.toThrow('schema/operations/fragments.graphql:2:3 Cannot query field "cup"');
});

describe('of the operations of this project', () => {
  const { operations } = JSON.parse(readFileSync(new URL('../../schema/generated/trusted-documents.json', import.meta.url), 'utf8')) as { operations: { name: string; body: string }[] }; // prettier-ignore
  const documents = generated as unknown as Readonly<Record<string, DocumentNode>>;

  test.each(operationNames())('%s is trusted as its typed document and its text say it', (file) => {
    const name = file.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
    const trusted = operations.find((each) => each.name === name)?.body;
    expect(print(documents[`${name}Document`] as DocumentNode)).toBe(trusted);
    expect(print(parse(operationText(file)))).toBe(trusted);
  });
});
